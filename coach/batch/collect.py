"""Grading through a provider's batch API: turning results into records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coach.batch.batch_job import ResultLine, SentRow
from coach.batch.batch_outcome import failure_reason, record_of
from coach.batch.equal_answers import copy_of
from coach.batch.job_ports import Pending
from coach.batch.options import Results, SameAnswersIndex
from coach.batch.row_keys import RowKey, RowKeys
from coach.errors import ModelError, ModelReplyError
from coach.model.completion import Completion, CompletionRequest
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment


class KnownReply:
    """Stands for the model when its reply is there already; a second question (a repair) cannot be asked."""

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint
        self._reply: Completion | ModelError | None = None

    def give(self, reply: Completion | ModelError) -> None:
        """Set the reply to the next request."""
        self._reply = reply

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the reply once; raise the error that was given instead of one."""
        reply = self._reply
        if isinstance(reply, Completion):
            self._reply = ModelReplyError("the reply was faulty, and a job cannot ask again", "Submit the row again.")
            return reply
        assert reply is not None
        raise reply


@dataclass
class Collected:
    """What came out of one job."""

    judged: int = 0
    copied: int = 0
    failed: int = 0
    outdated: int = 0

    def __add__(self, other: Collected) -> Collected:
        """Add up two jobs."""
        return Collected(
            self.judged + other.judged,
            self.copied + other.copied,
            self.failed + other.failed,
            self.outdated + other.outdated,
        )


class JobCollecting:
    """Turns the results of a job into records of the journal."""

    def __init__(
        self,
        assessor: AnswerAssessor,
        model: KnownReply,
        read: Callable[[bytes], Completion],
        results: Results,
        same: SameAnswersIndex,
        calibrate: Callable[[Assessment], Assessment] | None = None,
        calibration: str = "",
    ) -> None:
        self._assessor = assessor
        self._model = model
        self._read = read
        self._results = results
        self._same = same
        self._calibrate = calibrate
        self._keys = RowKeys(assessor.bank, assessor.judge, calibration)
        self._questions = {question.id: question for question in assessor.bank.questions}

    async def collect(
        self, rows: Callable[[], Iterable[SentRow]], lines: Iterable[ResultLine], pending: Pending, why_missing: str
    ) -> Collected:
        """Record every row of a job: judged, or failed with its reason, so that it is sent again next time.

        A row whose question, rubric or prompt was changed since is left alone: it is sent anew.
        """
        outcome = Collected()
        for row in rows():
            pending.add(row)
        for line in lines:
            sent = pending.take(line.custom_id)
            if sent is not None:
                await self._settle(sent, line, outcome)
        for sent in pending.left():
            await self._settle(sent, ResultLine(custom_id="", body=None, problem=why_missing), outcome)
        for sent in rows():
            if sent.custom_id is None:
                self._copy(sent, outcome)
        return outcome

    async def _settle(self, sent: SentRow, line: ResultLine, outcome: Collected) -> None:
        row = sent.row()
        if self._results.finished(row.row_id, sent.key):
            return
        question = self._questions.get(row.question_id)
        if question is None or self._keys.of(question, row.answer).key != sent.key:
            outcome.outdated += 1
            return
        assessment: Assessment | None = None
        reason = line.problem
        if line.body is not None:
            try:
                self._model.give(self._read(line.body))
            except ModelError as error:
                self._model.give(error)
            assessment = await self._assessor.assess(question, row.answer)
            reason = failure_reason(assessment)
            if reason is None and self._calibrate:
                assessment = self._calibrate(assessment)
        self._results.append(record_of(row, sent.key, assessment, reason))
        if reason is None:
            self._same.remember(sent.same, sent.key)
            outcome.judged += 1
        else:
            outcome.failed += 1

    def _copy(self, sent: SentRow, outcome: Collected) -> None:
        row = sent.row()
        if self._results.finished(row.row_id, sent.key):
            return
        copy = copy_of(row, RowKey(sent.key, sent.same), self._assessor, self._results, self._same)
        if copy is not None:
            self._results.append(copy)
            outcome.copied += 1
