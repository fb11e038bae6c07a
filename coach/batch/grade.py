"""Grading many answers: every row ends as an assessment or as a failure with its reason, none twice, none missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

from coach.answer.answer import Answer
from coach.bank.questions import Question
from coach.batch.costs import CostBudget
from coach.batch.rows import AnswerRow, RowKey
from coach.batch.store import Store
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError, ModelRequestError, ModelTimeoutError
from coach.model.pace import AdaptiveLimit
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.key import answer_sha256

#: So many failures in a row are no longer the rows' fault.
MAX_FAILURES_IN_A_ROW = 25
#: Failures that lie in one answer, or that may pass.
_OF_ONE_ANSWER = (ModelContentFilterError, ModelRequestError, ModelReplyError)

Calibrate = Callable[[Assessment], Assessment]
#: Rows, and rows with their answers prepared.
Found = Iterator[tuple[AnswerRow, RowKey]]
Prepared = AsyncGenerator[tuple[AnswerRow, RowKey, Answer], None]


class Ending(StrEnum):
    """Why a run took no more rows."""

    COMPLETE = "complete"
    MAX_ROWS = "max_rows"
    MAX_COST = "max_cost"
    INTERRUPTED = "interrupted"
    MODEL = "model"


@dataclass
class Tally:
    """What a run has done so far. Tokens and dollars are those of this run only; ``cost_usd`` None: not known."""

    #: Rows of the inputs, with those that were finished before.
    rows: int = 0
    reused: int = 0
    judged: int = 0
    copied: int = 0
    failed: int = 0
    unreadable: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def done(self) -> int:
        """Rows that are settled: finished now or before, or failed."""
        return self.reused + self.judged + self.copied + self.failed

    def add_receipt_of(self, assessment: Assessment) -> None:
        """Count what an assessment took."""
        receipt = assessment.receipt
        self.input_tokens += receipt.input_tokens or 0
        self.cached_tokens += receipt.cached_tokens or 0
        self.output_tokens += receipt.output_tokens or 0
        if receipt.cost_usd is None:
            self.cost_usd = None
        elif self.cost_usd is not None:
            self.cost_usd += receipt.cost_usd


@dataclass
class BatchRun:
    """How a run ended. ``error`` says why the model stopped it; ``seconds`` is the time of judging."""

    ending: Ending = Ending.COMPLETE
    tally: Tally = field(default_factory=Tally)
    error: ModelError | None = None
    seconds: float = 0.0


class Grader:
    """One run over the rows of a store that have no result; create it, ``await run()``, and ``stop`` it if need be.

    As many rows are in flight as ``limit`` allows, which is the model's own. ``prepare_ahead`` prepares answers
    elsewhere (see `coach.batch.workers`).
    """

    def __init__(
        self,
        assessor: AnswerAssessor,
        store: Store,
        limit: AdaptiveLimit,
        *,
        max_rows: int | None = None,
        budget: CostBudget | None = None,
        calibrate: Calibrate | None = None,
        prepare_ahead: Callable[[Found], Prepared] | None = None,
        on_progress: Callable[[Tally], None] | None = None,
    ) -> None:
        self._assessor = assessor
        self._store = store
        self._limit = limit
        self._max_rows = max_rows
        self._budget = budget
        self._calibrate = calibrate
        self._prepare_ahead = prepare_ahead or self._prepare_here
        self._on_progress = on_progress
        self._questions = assessor.bank.by_id()
        self._changed = asyncio.Event()
        self._started = 0
        self._failures_in_a_row = 0
        self._stopping = False
        self.in_flight = 0
        self.outcome = BatchRun()

    def stop(self, ending: Ending = Ending.INTERRUPTED) -> None:
        """Take no more rows; what is in flight is finished."""
        if not self._stopping:
            self._stopping = True
            self.outcome.ending = ending
            self._changed.set()

    async def run(self) -> BatchRun:
        """Grade the rows that have no result and return how the run ended; a row that failed before is tried again.

        Equal answers are judged once. The model's failure on one row is kept with the row; a model that cannot be used
        at all, or fails on many rows in a row, ends the run with ``Ending.MODEL`` and leaves the rest for the next one.
        Raises StorageError when a result cannot be kept.
        """
        began = time.monotonic()
        counts, tally = self._store.counts(), self.outcome.tally
        tally.rows, tally.reused, tally.unreadable = counts.rows, counts.finished, counts.unreadable
        self._tell()
        try:
            for rows in (self._store.to_judge, self._misfits):
                async with asyncio.TaskGroup() as group, aclosing(self._prepare_ahead(rows())) as prepared:
                    async for row, key, answer in prepared:
                        question = self._questions[row.question_id]
                        most = await self._may_begin(question, answer)
                        if most is None:
                            break
                        self.in_flight += 1
                        group.create_task(self._judge(row, key, question, answer, most))
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        finally:
            self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _misfits(self) -> Found:
        """Take over the results of equal answers, and return the rows that have to be judged themselves after all."""
        copied, misfits = take_over_equal(self._store, self._assessor)
        self.outcome.tally.copied += copied
        self._tell()
        return iter(misfits)

    async def _prepare_here(self, found: Found) -> Prepared:
        for row, key in found:
            yield row, key, await self._assessor.prepared(self._questions[row.question_id], row.answer)

    async def _may_begin(self, question: Question, answer: Answer) -> float | None:
        """Wait until there is room, and return what the row may cost at most; None when no more rows may begin."""
        if self._max_rows is not None and self._started >= self._max_rows:
            self.stop(Ending.MAX_ROWS)
        most = 0.0
        if self._budget and not answer.unscored_reason:
            most = await asyncio.to_thread(self._budget.most, self._assessor.task(question, answer))
        while not self._stopping:
            if self._budget and not self._budget.ever_fits(most):
                self.stop(Ending.MAX_COST)
            elif self.in_flight < self._limit.limit and (not self._budget or self._budget.reserve(most)):
                self._started += 1
                return most
            else:
                self._changed.clear()
                await self._changed.wait()
        return None

    async def _judge(self, row: AnswerRow, key: RowKey, question: Question, answer: Answer, most: float) -> None:
        cost: float | None = None
        try:
            assessment = await self._assessor.assess(question, answer)
            cost = assessment.receipt.cost_usd
        except ModelError as error:
            # The endpoint may have worked, and send a bill, although its reply did not arrive.
            cost = None if isinstance(error, ModelTimeoutError | ModelReplyError) else 0.0
            self._model_failed(row, key, error)
        else:
            self._judged(row, key, assessment)
        finally:
            self.in_flight -= 1
            if self._budget:
                self._budget.settle(most, cost)
            self._changed.set()
        self._tell()

    def _judged(self, row: AnswerRow, key: RowKey, assessment: Assessment) -> None:
        tally = self.outcome.tally
        tally.add_receipt_of(assessment)
        reason, ended = keep_assessment(self._store, row, key, assessment, self._calibrate)
        if reason is None:
            self._failures_in_a_row = 0
            tally.judged += 1
            tally.copied += ended - 1
        else:
            self._failed(ModelReplyError(reason, "Run the same command again to try the failed rows once more."), ended)

    def _model_failed(self, row: AnswerRow, key: RowKey, error: ModelError) -> None:
        if error.retryable or isinstance(error, _OF_ONE_ANSWER):
            self._failed(error, self._store.keep(row.row_id, key, None, error.message))
        else:
            # Nothing is wrong with this row: the next run takes it.
            self._end_by(error)

    def _failed(self, error: ModelError, ended: int) -> None:
        self.outcome.tally.failed += ended
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            self._end_by(error)

    def _end_by(self, error: ModelError) -> None:
        if self.outcome.error is None:
            self.outcome.error = error
        self.stop(Ending.MODEL)

    def _tell(self) -> None:
        if self._on_progress:
            self._on_progress(self.outcome.tally)


def failure_reason(assessment: Assessment) -> str | None:
    """Return why an assessment is no clean result: the model's reply was of no use. None for a clean one.

    An answer that the pre-checks rule out (empty, too short) is a clean result without a score: judging it again
    would change nothing.
    """
    unscored = assessment.unscored_reason
    if assessment.score is not None or all(check.comment == unscored for check in assessment.check_results()):
        return None
    comments = [check.comment for check in assessment.check_results() if check.comment]
    return comments[0] if comments else unscored


def keep_assessment(
    store: Store, row: AnswerRow, key: RowKey, assessment: Assessment, calibrate: Calibrate | None
) -> tuple[str | None, int]:
    """Keep what judging a row gave; return why it is a failure (None: it is a result), and how many rows ended."""
    reason = failure_reason(assessment)
    if reason is None and calibrate:
        assessment = calibrate(assessment)
    return reason, store.keep(row.row_id, key, assessment, reason)


def take_over_equal(store: Store, assessor: AnswerAssessor) -> tuple[int, list[tuple[AnswerRow, RowKey]]]:
    """Let answers that are equal but for white space take over a result, with its quotes where they stand in them.

    Return how many rows have ended by it, and those whose sentences differ, so that they must be judged themselves.
    """
    questions = assessor.bank.by_id()
    copied = 0
    misfits: list[tuple[AnswerRow, RowKey]] = []
    for row, key, equal in store.to_take_over():
        assert equal.assessment is not None
        moved = moved_to(equal.assessment, assessor.prepare(questions[row.question_id], row.answer))
        if moved is None:
            misfits.append((row, key))
        else:
            copied += store.keep(row.row_id, key, moved, same_as=equal.same_as)
    return copied, misfits


def moved_to(assessment: Assessment, answer: Answer) -> Assessment | None:
    """Return the assessment of an equal answer with its quotes where they stand in this one; None: they do not."""
    moved = assessment.model_copy(update={"answer_sha256": answer_sha256(answer.text)}, deep=True)
    for item in (item for check in moved.check_results() for item in check.evidence):
        if item.sentence > len(answer.sentences) or answer.quote(item.sentence).split() != item.quote.split():
            return None
        sentence = answer.sentences[item.sentence - 1]
        item.start, item.end, item.quote = sentence.start, sentence.end, answer.quote(item.sentence)
    return moved


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that made the others be cancelled."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
