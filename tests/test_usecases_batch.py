"""Tests of coach.batch.grade and .batch_options."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from batch_harness import batch_assessor, batch_rows, grade, records_of, small_bank
from scripted_judge import ScriptedJudge

from coach.bank.questions import Check
from coach.batch.batch_run import BatchRun, Ending, Tally
from coach.batch.cost_budget import CostBudget
from coach.batch.grade import MAX_FAILURES_IN_A_ROW, BatchGrader
from coach.batch.journal import Journal
from coach.batch.options import BatchOptions
from coach.batch.rows import AnswerRow, JournalRecord, RowProblem
from coach.batch.same_answers import SameAnswers
from coach.errors import (
    ModelAuthenticationError,
    ModelContentFilterError,
    ModelError,
    ModelServerError,
    StorageError,
)
from coach.judge.judging import Judgement, JudgeTask, OnVerdict
from coach.model.pace import FixedLimit
from coach.submit.assess import AnswerAssessor


def half(task: JudgeTask, check: Check) -> float | None:
    """Find everything half met."""
    return 0.5


@dataclass
class FailingJudge(ScriptedJudge):
    """Raises the error that ``errors`` gives for a text in the answer."""

    errors: dict[str, ModelError] = field(default_factory=dict)

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Fail or follow the script."""
        for text, error in self.errors.items():
            if text in task.answer.text:
                self.tasks.append(task)
                raise error
        return await super().judge(task, on_verdict)


def test_every_row_is_judged_and_a_second_run_judges_none(tmp_path: Path) -> None:
    """Results of the first run are reused under the same key; the tally says what happened to each row."""
    judge = ScriptedJudge(half)
    rows = batch_rows(12)

    first = grade(rows, tmp_path, judge, BatchOptions(limit=FixedLimit(4)))
    second = grade(rows, tmp_path, judge, BatchOptions(limit=FixedLimit(4)))

    assert (first.ending, first.tally.judged, first.tally.done) == (Ending.COMPLETE, 12, 12)
    assert (second.tally.reused, second.tally.judged) == (12, 0)
    assert len(judge.tasks) == 12
    assert {row.row_id for row in rows} == set(records_of(tmp_path))


def test_identical_answers_are_judged_once_and_marked(tmp_path: Path) -> None:
    """Answers equal but for white space share one judging; each result quotes its own text."""
    judge = ScriptedJudge(half)
    first = batch_rows(1)[0]
    text = first.answer.replace(" ", "  ")
    rows = [first, replace(first, row_id="b"), replace(first, row_id="c", answer=f"  {text}\n")]

    run = grade(rows, tmp_path, judge, BatchOptions(limit=FixedLimit(3)))

    records = records_of(tmp_path)
    assert (len(judge.tasks), run.tally.judged, run.tally.copied) == (1, 1, 2)
    assert [records[name].same_as for name in (first.row_id, "b", "c")] == [None, first.row_id, first.row_id]
    for record in records.values():
        assert record.assessment is not None
        quotes = [item for check in record.assessment.check_results() for item in check.evidence]
        assert quotes
        assert all(record.answer[item.start : item.end] == item.quote for item in quotes)
    copied = records["b"].assessment
    assert copied is not None
    assert (copied.receipt.input_tokens, copied.receipt.cost_usd) == (0, 0.0)


def test_the_same_answer_to_another_question_is_another_answer(tmp_path: Path) -> None:
    """Only answers to one question can be identical."""
    judge = ScriptedJudge(half)
    first = batch_rows(1)[0]

    grade([first, replace(first, row_id="b", question_id="question-2")], tmp_path, judge)

    assert len(judge.tasks) == 2


def test_a_copy_of_a_finished_answer_is_not_judged_in_a_later_run(tmp_path: Path) -> None:
    """An identical answer that is added later takes over the result of the finished one."""
    judge = ScriptedJudge(half)
    first = batch_rows(1)[0]
    grade([first], tmp_path, judge)

    run = grade([first, replace(first, row_id="later", answer=first.answer + "\n")], tmp_path, judge)

    assert (run.tally.reused, run.tally.copied, len(judge.tasks)) == (1, 1, 1)


def test_only_what_changed_is_graded_again(tmp_path: Path) -> None:
    """An edited answer is judged again, the others are not; another prompt version judges all again."""
    judge = ScriptedJudge(half)
    rows = batch_rows(6)
    grade(rows, tmp_path, judge)
    rows[2] = replace(rows[2], answer=rows[2].answer + " I also told the radiologists.")

    edited = grade(rows, tmp_path, judge)
    other = grade(rows, tmp_path, ScriptedJudge(half, prompt_version="2+test"))

    assert (edited.tally.reused, edited.tally.judged) == (5, 1)
    assert (other.tally.reused, other.tally.judged) == (0, 6)


def test_a_failed_row_has_its_reason_and_runs_again(tmp_path: Path) -> None:
    """One row's failure is recorded and harms no other row; the next run tries it again."""
    failing = FailingJudge(half, errors={"number 3 ": ModelContentFilterError("the filter blocked it", "")})
    rows = batch_rows(6)

    first = grade(rows, tmp_path, failing)
    record = records_of(tmp_path)["row-3"]
    failing.errors = {}
    second = grade(rows, tmp_path, failing)

    assert (first.tally.judged, first.tally.failed, first.ending) == (5, 1, Ending.COMPLETE)
    assert (record.status, record.reason) == ("failed", "the filter blocked it")
    assert (second.tally.reused, second.tally.judged) == (5, 1)


def test_an_unusable_reply_is_a_failure_not_a_zero(tmp_path: Path) -> None:
    """When no check could be judged the row failed, keeps what the attempt cost, and runs again."""
    run = grade(batch_rows(1), tmp_path, ScriptedJudge(lambda task, check: None))

    record = records_of(tmp_path)["row-0"]
    assert (run.tally.failed, run.tally.judged, run.tally.input_tokens) == (1, 0, 100)
    assert (record.status, record.reason) == ("failed", "None of the checks could be judged.")
    assert record.assessment is not None
    assert record.assessment.score is None


def test_an_answer_without_content_is_settled_without_the_model(tmp_path: Path) -> None:
    """An empty answer is a clean result without a score: it is not sent, and not tried again."""
    judge = ScriptedJudge(half)
    rows = [replace(batch_rows(1)[0], answer="  ")]

    grade(rows, tmp_path, judge)
    second = grade(rows, tmp_path, judge)

    assert judge.tasks == []
    assert records_of(tmp_path)["row-0"].status == "ok"
    assert second.tally.reused == 1


def test_a_model_that_cannot_be_used_ends_the_run(tmp_path: Path) -> None:
    """A refused key is no row's fault: the run ends, nothing is recorded as failed, the rest is left."""
    wrong_key = ModelAuthenticationError("the key was refused", "Check it.")
    run = grade(batch_rows(9), tmp_path, FailingJudge(half, errors={"number 4 ": wrong_key}))

    assert (run.ending, run.error) == (Ending.MODEL, wrong_key)
    assert (run.tally.judged, run.tally.failed) == (4, 0)


def test_many_failures_in_a_row_end_the_run(tmp_path: Path) -> None:
    """An endpoint that fails on every row does not burn through all of them."""
    down = ModelServerError("it broke", "")
    judge = FailingJudge(half, errors={"case number": down})
    run = grade(batch_rows(3 * MAX_FAILURES_IN_A_ROW), tmp_path, judge)

    assert (run.ending, run.tally.failed) == (Ending.MODEL, MAX_FAILURES_IN_A_ROW)


def test_max_rows_counts_rows_that_are_graded_now(tmp_path: Path) -> None:
    """Finished rows do not count, so the same command goes on through the file piece by piece."""
    judge = ScriptedJudge(half)
    endings = []
    for _ in range(3):
        run = grade(batch_rows(10), tmp_path, judge, BatchOptions(limit=FixedLimit(3), max_rows=4))
        endings.append((run.ending, run.tally.judged))

    assert endings == [(Ending.MAX_ROWS, 4), (Ending.MAX_ROWS, 4), (Ending.COMPLETE, 2)]


def test_the_budget_is_never_exceeded(tmp_path: Path) -> None:
    """Work begins only when the most that it can cost still fits; the spending ends just below the limit."""
    judge = ScriptedJudge(half)
    budget = CostBudget(1.0)
    assessor = replace(batch_assessor(judge), price=lambda model, usage, endpoint: 0.09)
    options = BatchOptions(limit=FixedLimit(4), budget=budget, most=lambda row, question: 0.2)

    run = grade_with(assessor, batch_rows(30), tmp_path, options)

    assert run.ending is Ending.MAX_COST
    assert 0.8 < budget.spent <= 1.0
    assert run.tally.judged == round(budget.spent / 0.09)


def grade_with(assessor: AnswerAssessor, rows: list[AnswerRow], directory: Path, options: BatchOptions) -> BatchRun:
    """Grade with an assessor of one's own."""
    with Journal.open(directory) as journal:
        return asyncio.run(BatchGrader(assessor, journal, SameAnswers(), options).run(rows))


def test_stop_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """After a stop no row begins, those in flight are recorded, and the next run does the rest."""

    @dataclass
    class SlowJudge(ScriptedJudge):
        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            await asyncio.sleep(0)
            if len(self.tasks) == 5:
                grader.stop()
            return await super().judge(task, on_verdict)

    judge = SlowJudge(half)
    with Journal.open(tmp_path) as journal:
        options = BatchOptions(limit=FixedLimit(3))
        grader = BatchGrader(batch_assessor(judge), journal, SameAnswers(), options)
        run = asyncio.run(grader.run(batch_rows(30)))

    assert run.ending is Ending.INTERRUPTED
    assert 6 <= run.tally.judged <= 8
    assert len(records_of(tmp_path)) == run.tally.judged == len(judge.tasks)
    assert grade(batch_rows(30), tmp_path, ScriptedJudge(half)).tally.reused == run.tally.judged


def test_a_full_disk_stops_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    """When a result cannot be kept the run ends with that error; what was kept before is reused."""

    class FullDisk:
        def __init__(self, journal: Journal, room: int) -> None:
            self.journal, self.room = journal, room

        def finished(self, row_id: str, key: str) -> bool:
            return self.journal.finished(row_id, key)

        def by_key(self, key: str) -> JournalRecord | None:
            return self.journal.by_key(key)

        def append(self, record: JournalRecord) -> None:
            if self.room == 0:
                raise StorageError("no space left on the disk", "Free some space.")
            self.room -= 1
            self.journal.append(record)

    judge = ScriptedJudge(half)
    with Journal.open(tmp_path) as journal:
        grader = BatchGrader(batch_assessor(judge), FullDisk(journal, 7), SameAnswers(), BatchOptions())
        with pytest.raises(StorageError, match="no space left"):
            asyncio.run(grader.run(batch_rows(20)))

    second = grade(batch_rows(20), tmp_path, judge)
    assert (second.tally.reused, second.tally.judged) == (7, 13)


def test_unreadable_rows_are_counted_and_told(tmp_path: Path) -> None:
    """A row that cannot be read stops nothing, and every row that was read is told once."""
    seen: list[str] = []
    told: list[RowProblem] = []
    tallies: list[int] = []

    def note(tally: Tally) -> None:
        tallies.append(tally.done)

    problem = RowProblem("rows.csv", 9, "no such question")
    rows: list[AnswerRow | RowProblem] = [*batch_rows(3), problem, *batch_rows(5)[3:]]
    options = BatchOptions(on_row=lambda row: seen.append(row.row_id), on_problem=told.append, on_progress=note)
    run = grade(rows, tmp_path, ScriptedJudge(half), options)

    assert run.tally.unreadable == 1
    assert run.problems == told == [problem]
    assert seen == [f"row-{number}" for number in range(5)]
    assert tallies == [1, 2, 3, 4, 5]


def test_a_calibration_changes_the_kept_score(tmp_path: Path) -> None:
    """The calibrated assessment is what is kept, under a key of its own."""
    judge = ScriptedJudge(half)
    plain = grade(batch_rows(2), tmp_path, judge)
    options = BatchOptions(
        calibrate=lambda assessment: assessment.model_copy(update={"score": 12.0}), calibration="hash"
    )
    calibrated = grade(batch_rows(2), tmp_path, judge, options)

    scores = [record.assessment.score for record in records_of(tmp_path).values() if record.assessment]
    assert (plain.tally.judged, calibrated.tally.judged) == (2, 2)
    assert scores == [12.0, 12.0]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Ten times the rows take no more memory than some of them."""

    class Forgetful(ScriptedJudge):
        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            self.tasks.clear()
            return await super().judge(task, on_verdict)

    def rows(count: int) -> Iterator[AnswerRow]:
        for number in range(count):
            yield replace(batch_rows(1)[0], row_id=f"r{number}", answer=f"I looked at log number {number} at once.")

    def peak(count: int) -> int:
        with Journal.open(tmp_path / str(count)) as journal:
            grader = BatchGrader(
                AnswerAssessor(small_bank(), Forgetful(half), lambda *_: 0.0), journal, SameAnswers(), BatchOptions()
            )
            gc.collect()
            tracemalloc.start()
            asyncio.run(grader.run(rows(count)))
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(20)
    assert peak(400) < peak(40) + 300_000
