"""Grading many answers: every row ends as an assessment or as a failure with its reason, none twice, none missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable, Iterator

from coach.bank.questions import Question
from coach.batch.batch_outcome import failure_reason, record_of
from coach.batch.batch_run import BatchRun, Ending
from coach.batch.equal_answers import copy_of
from coach.batch.options import BatchOptions, Results, SameAnswersIndex
from coach.batch.row_keys import RowKey, RowKeys
from coach.batch.rows import AnswerRow, RowProblem
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError, ModelRequestError, ModelTimeoutError
from coach.model.pace import Admission
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment

#: So many rows in a row that fail are no longer the rows' fault.
MAX_FAILURES_IN_A_ROW = 25
SHOWN_PROBLEMS = 20
_BREATH = 256
#: Failures that lie in one answer, or that may pass.
_OF_ONE_ANSWER = (ModelContentFilterError, ModelRequestError, ModelReplyError)


class BatchGrader:
    """One run over the rows; create it, ``await run(...)``, and call ``stop`` from a signal handler if need be."""

    def __init__(
        self,
        assessor: AnswerAssessor,
        results: Results,
        same_answers: SameAnswersIndex,
        options: BatchOptions | None = None,
    ) -> None:
        self._assessor = assessor
        self._results = results
        self._same = same_answers
        self._options = options or BatchOptions()
        self._keys = RowKeys(assessor.bank, assessor.judge, self._options.calibration)
        self._questions = {question.id: question for question in assessor.bank.questions}
        self._admission = Admission(self._options.limit)
        self._running: dict[str, asyncio.Future[None]] = {}
        self._settled = asyncio.Event()
        self._started = 0
        self._failures_in_a_row = 0
        self._stopping = False
        self.outcome = BatchRun()

    @property
    def in_flight(self) -> int:
        """Rows that are being judged."""
        return self._admission.inside

    def stop(self, ending: Ending = Ending.INTERRUPTED) -> None:
        """Take no more rows; what is in flight is finished."""
        if not self._stopping:
            self._stopping = True
            self.outcome.ending = ending
            self._admission.close()
            self._settled.set()

    async def run(self, rows: Iterable[AnswerRow | RowProblem]) -> BatchRun:
        """Grade the rows that are not finished and return how the run ended.

        A row whose newest record in the journal has the same key is skipped; a failed one runs again. Equal answers
        are judged once. The model's failure on one row is recorded with the row; a model that cannot be used at all,
        or fails on many rows in a row, ends the run with ``Ending.MODEL`` and leaves the rest for the next one.
        Raises StorageError when a result cannot be kept.
        """
        began = time.monotonic()
        source = iter(rows)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.limit.maximum):
                    group.create_task(self._work(source))
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        finally:
            self.outcome.seconds = time.monotonic() - began
            if isinstance(source, Generator):
                source.close()
        return self.outcome

    async def _work(self, source: Iterator[AnswerRow | RowProblem]) -> None:
        while await self._admission.enter():
            try:
                row = await self._next(source)
                if row is None:
                    # The first to see the end lets the others go.
                    self._admission.close()
                    return
                await self._settle(row)
                self._tell()
            finally:
                self._admission.leave()

    async def _next(self, source: Iterator[AnswerRow | RowProblem]) -> AnswerRow | None:
        """Return the next row that is not finished; None at the end."""
        tally = self.outcome.tally
        for passed, item in enumerate(source):
            if passed % _BREATH == _BREATH - 1:
                # A million finished rows must not keep the program from hearing Ctrl-C.
                await asyncio.sleep(0)
                if self._stopping:
                    return None
            if isinstance(item, RowProblem):
                self._note_problem(item)
                continue
            tally.rows += 1
            if self._options.on_row:
                self._options.on_row(item)
            keys = self._keys_of(item)
            if self._results.finished(item.row_id, keys.key):
                self._same.remember(keys.same, keys.key)
                tally.reused += 1
                self._tell()
                continue
            return self._counted(item)
        return None

    def _counted(self, row: AnswerRow) -> AnswerRow | None:
        if self._options.max_rows is not None and self._started >= self._options.max_rows:
            self.stop(Ending.MAX_ROWS)
            return None
        self._started += 1
        return row

    def _keys_of(self, row: AnswerRow) -> RowKey:
        return self._keys.of(self._questions[row.question_id], row.answer)

    def _note_problem(self, problem: RowProblem) -> None:
        self.outcome.tally.unreadable += 1
        if len(self.outcome.problems) < SHOWN_PROBLEMS:
            self.outcome.problems.append(problem)
        if self._options.on_problem:
            self._options.on_problem(problem)

    async def _settle(self, row: AnswerRow) -> None:
        """Bring one row to its end, unless the run is stopped before it could be asked about."""
        keys = self._keys_of(row)
        while True:
            if self._copied(row, keys):
                return
            other = self._running.get(keys.same)
            if other is None:
                break
            await asyncio.shield(other)
            if self._stopping and not self._copied(row, keys):
                return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running[keys.same] = mine
        try:
            await self._judge(row, keys)
        finally:
            del self._running[keys.same]
            mine.set_result(None)

    def _copied(self, row: AnswerRow, keys: RowKey) -> bool:
        """Take over the result of an equal answer; False when there is none that fits."""
        if self._results.finished(row.row_id, keys.key):
            return True
        record = copy_of(row, keys, self._assessor, self._results, self._same)
        if record is None:
            return False
        self._results.append(record)
        self.outcome.tally.copied += 1
        return True

    async def _judge(self, row: AnswerRow, keys: RowKey) -> None:
        question = self._questions[row.question_id]
        most = await self._reserve(row, question)
        if most is None:
            return
        cost: float | None = None
        try:
            assessment = await self._assess(question, row.answer)
            cost = assessment.receipt.cost_usd
        except ModelError as error:
            # The endpoint may have worked, and send a bill, although its reply did not arrive.
            cost = None if isinstance(error, ModelTimeoutError | ModelReplyError) else 0.0
            self._model_failed(row, keys, error)
            return
        finally:
            if self._options.budget:
                self._options.budget.settle(most, cost)
                self._settled.set()
        self._judged(row, keys, assessment)

    async def _assess(self, question: Question, text: str) -> Assessment:
        prepare = self._options.prepare
        if prepare is None:
            return await self._assessor.assess(question, text)
        return await self._assessor.assess_prepared(question, await prepare(question, text))

    def _judged(self, row: AnswerRow, keys: RowKey, assessment: Assessment) -> None:
        reason = failure_reason(assessment)
        if reason is None and self._options.calibrate:
            assessment = self._options.calibrate(assessment)
        self._count(assessment)
        self._results.append(record_of(row, keys.key, assessment, reason))
        if reason is None:
            self._failures_in_a_row = 0
            self.outcome.tally.judged += 1
            self._same.remember(keys.same, keys.key)
        else:
            self._failed(ModelReplyError(reason, "Run the same command again to try the failed rows once more."))

    def _model_failed(self, row: AnswerRow, keys: RowKey, error: ModelError) -> None:
        if not (error.retryable or isinstance(error, _OF_ONE_ANSWER)):
            # Nothing is wrong with this row: the next run takes it.
            self._end_by(error)
            return
        self._results.append(record_of(row, keys.key, None, error.message))
        self._failed(error)

    def _failed(self, error: ModelError) -> None:
        self.outcome.tally.failed += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            self._end_by(error)

    def _end_by(self, error: ModelError) -> None:
        if self.outcome.error is None:
            self.outcome.error = error
        self.stop(Ending.MODEL)

    async def _reserve(self, row: AnswerRow, question: Question) -> float | None:
        """Wait until the row fits into the budget; None when it will not."""
        budget, most_of = self._options.budget, self._options.most
        if budget is None or most_of is None:
            return 0.0
        most = most_of(row, question)
        while not budget.fits(most):
            if self._stopping or not budget.ever_fits(most):
                self.stop(Ending.MAX_COST)
                return None
            self._settled.clear()
            await self._settled.wait()
        budget.reserve(most)
        return most

    def _count(self, assessment: Assessment) -> None:
        tally, receipt = self.outcome.tally, assessment.receipt
        tally.input_tokens += receipt.input_tokens or 0
        tally.cached_tokens += receipt.cached_tokens or 0
        tally.output_tokens += receipt.output_tokens or 0
        if receipt.cost_usd is None:
            tally.cost_usd = None
        elif tally.cost_usd is not None:
            tally.cost_usd += receipt.cost_usd

    def _tell(self) -> None:
        if self._options.on_progress:
            self._options.on_progress(self.outcome.tally)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that made the others be cancelled."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
