"""Tests of coach.batch.grade and the budget of coach.batch.costs."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from assessment_factory import ANSWER, dicom_assessment, dicom_question, unscored_assessment, with_bank_flag
from batch_harness import batch_assessor, batch_rows, grade, kept_in, results_of, small_bank, taken_in
from hypothesis import given
from hypothesis import strategies as st
from scripted_judge import ScriptedJudge

from coach.answer.prepare import prepare_answer
from coach.bank.questions import Check
from coach.batch.costs import CostBudget
from coach.batch.grade import MAX_FAILURES_IN_A_ROW, Ending, Grader, Tally, failure_reason, moved_to
from coach.batch.rows import AnswerRow, RowKeys, RowProblem
from coach.batch.store import Store
from coach.errors import (
    ModelAuthenticationError,
    ModelCapabilityError,
    ModelContentFilterError,
    ModelError,
    ModelServerError,
    StorageError,
)
from coach.judge.judging import Judgement, JudgeTask, OnVerdict
from coach.model.pace import FixedLimit
from coach.submit.assessment import Assessment
from coach.submit.key import answer_sha256

JUDGE = ScriptedJudge(lambda task, check: 0.5)


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

    first = grade(rows, tmp_path, judge, FixedLimit(4))
    second = grade(rows, tmp_path, judge, FixedLimit(4))

    assert (first.ending, first.tally.judged, first.tally.done) == (Ending.COMPLETE, 12, 12)
    assert (second.tally.reused, second.tally.judged) == (12, 0)
    assert len(judge.tasks) == 12
    assert {row.row_id for row in rows} == set(results_of(tmp_path))


def test_identical_answers_are_judged_once_and_marked(tmp_path: Path) -> None:
    """Answers equal but for white space share one judging; each result quotes its own text."""
    judge = ScriptedJudge(half)
    first = batch_rows(1)[0]
    text = first.answer.replace(" ", "  ")
    rows = [first, replace(first, row_id="b"), replace(first, row_id="c", answer=f"  {text}\n")]

    run = grade(rows, tmp_path, judge, FixedLimit(3))

    records = results_of(tmp_path)
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
    record = results_of(tmp_path)["row-3"]
    failing.errors = {}
    second = grade(rows, tmp_path, failing)

    assert (first.tally.judged, first.tally.failed, first.ending) == (5, 1, Ending.COMPLETE)
    assert (record.status, record.reason) == ("failed", "the filter blocked it")
    assert (second.tally.reused, second.tally.judged) == (5, 1)


def test_an_unusable_reply_is_a_failure_not_a_zero(tmp_path: Path) -> None:
    """When no check could be judged the row failed, keeps what the attempt cost, and runs again."""
    run = grade(batch_rows(1), tmp_path, ScriptedJudge(lambda task, check: None))

    record = results_of(tmp_path)["row-0"]
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
    assert results_of(tmp_path)["row-0"].status == "ok"
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
        run = grade(batch_rows(10), tmp_path, judge, FixedLimit(3), max_rows=4)
        endings.append((run.ending, run.tally.judged))

    assert endings == [(Ending.MAX_ROWS, 4), (Ending.MAX_ROWS, 4), (Ending.COMPLETE, 2)]


def test_the_budget_is_never_exceeded(tmp_path: Path) -> None:
    """Work begins only when the most that it can cost still fits; the spending ends just below the limit."""
    budget = CostBudget(1.0, lambda task: 0.2)
    assessor = replace(batch_assessor(ScriptedJudge(half)), price=lambda model, usage, endpoint: 0.09)

    run = grade(batch_rows(30), tmp_path, assessor, FixedLimit(4), budget=budget)

    assert run.ending is Ending.MAX_COST
    assert 0.8 < budget.spent <= 1.0
    assert run.tally.judged == round(budget.spent / 0.09)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=50), st.floats(0, 5))
def test_what_fits_is_never_too_much(work: list[tuple[float, float]], limit: float) -> None:
    """When no work costs more than it reserved, the limit holds, whatever order things end in."""
    budget = CostBudget(limit, lambda task: 0.0)
    for most, share in work:
        if budget.reserve(most):
            budget.settle(most, most * share)

    assert budget.spent <= limit
    assert budget.reserved == 0.0


def test_work_in_flight_and_unknown_costs_count_at_their_most() -> None:
    """Two pieces of work that would exceed the limit together do not both begin, nor after one of unknown cost."""
    budget = CostBudget(1.0, lambda task: 0.0)
    assert budget.reserve(0.6)
    assert not budget.reserve(0.6)
    assert budget.ever_fits(0.6)
    budget.settle(0.6, 0.1)
    assert budget.reserve(0.6)
    budget.settle(0.6, None)
    assert not budget.ever_fits(0.6)


def test_stop_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """After a stop no row begins, those in flight are kept, and the next run does the rest."""

    @dataclass
    class SlowJudge(ScriptedJudge):
        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            await asyncio.sleep(0)
            if len(self.tasks) == 5:
                grader.stop()
            return await super().judge(task, on_verdict)

    judge = SlowJudge(half)
    with Store.open(tmp_path) as store:
        assessor = batch_assessor(judge)
        grader = Grader(assessor, taken_in(store, batch_rows(30), assessor), FixedLimit(3))
        run = asyncio.run(grader.run())

    assert run.ending is Ending.INTERRUPTED
    assert 6 <= run.tally.judged <= 8
    assert len(results_of(tmp_path)) == run.tally.judged == len(judge.tasks)
    assert grade(batch_rows(30), tmp_path, ScriptedJudge(half)).tally.reused == run.tally.judged


def test_a_result_that_cannot_be_kept_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends with that error; what was kept before is reused by the next."""
    keep, room = Store.keep, iter(range(7))

    def keep_some(self: Store, *given: object, **more: object) -> int:
        if next(room, None) is None:
            raise StorageError("no space left on the disk", "Free some space.")
        return keep(self, *given, **more)  # type: ignore[arg-type]

    judge = ScriptedJudge(half)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "keep", keep_some)
        with pytest.raises(StorageError, match="no space left"):
            grade(batch_rows(20), tmp_path, judge)

    second = grade(batch_rows(20), tmp_path, judge)
    assert (second.tally.reused, second.tally.judged) == (7, 13)


def test_unreadable_rows_are_counted_and_progress_is_told(tmp_path: Path) -> None:
    """A row that cannot be read stops nothing."""
    done: list[int] = []

    def note(tally: Tally) -> None:
        done.append(tally.done)

    problem = RowProblem("rows.csv", 9, "no such question")
    rows: list[AnswerRow | RowProblem] = [*batch_rows(3), problem, *batch_rows(5)[3:]]
    run = grade(rows, tmp_path, ScriptedJudge(half), on_progress=note)

    assert (run.tally.unreadable, run.tally.rows) == (1, 5)
    assert done == [0, 1, 2, 3, 4, 5, 5]
    with Store.read(tmp_path) as store:
        assert list(store.problems()) == [problem]


def test_a_calibration_changes_the_kept_score(tmp_path: Path) -> None:
    """The calibrated assessment is what is kept, under a key of its own."""
    judge = ScriptedJudge(half)
    plain = grade(batch_rows(2), tmp_path, judge)
    calibrated = grade(
        batch_rows(2), tmp_path, judge, calibration="hash",
        calibrate=lambda assessment: assessment.model_copy(update={"score": 12.0}),
    )  # fmt: skip

    scores = [record.assessment.score for record in results_of(tmp_path).values() if record.assessment]
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
        with Store.open(tmp_path / str(count)) as store:
            assessor = batch_assessor(Forgetful(half))
            gc.collect()
            tracemalloc.start()
            asyncio.run(Grader(assessor, taken_in(store, rows(count), assessor), FixedLimit(1)).run())
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(20)
    # Two pages of rows and more; an assessment takes several kilobytes.
    assert peak(750) < peak(400) + 350 * 1000


def test_an_endpoint_that_cannot_do_it_stops_at_the_first_row(tmp_path: Path) -> None:
    """Without log-probabilities no row can be judged: none is burnt, none is kept as failed."""
    cannot = ModelCapabilityError("it gives no log-probabilities", "Use --method structured for it.")
    judge = FailingJudge(half, errors={"case number": cannot})

    run = grade(batch_rows(40), tmp_path, judge)

    assert (run.ending, run.error, len(judge.tasks)) == (Ending.MODEL, cannot, 1)
    assert results_of(tmp_path) == {}


def test_equal_answers_share_a_failure_and_the_next_result(tmp_path: Path) -> None:
    """All are tried once a run, by one request."""
    failing = FailingJudge(half, errors={"number 0 ": ModelContentFilterError("the filter blocked it", "")})
    first = batch_rows(1)[0]
    rows = [first, replace(first, row_id="b"), replace(first, row_id="c", answer=f" {first.answer}")]

    grade(rows, tmp_path, failing)
    reasons = {name: result.reason for name, result in results_of(tmp_path).items()}
    failing.errors = {}
    healed = grade(rows, tmp_path, failing)

    assert reasons == dict.fromkeys(["row-0", "b", "c"], "the filter blocked it")
    assert len(failing.tasks) == 2
    assert (healed.tally.judged, healed.tally.copied) == (1, 2)


def test_an_equal_answer_with_other_sentences_is_judged_itself(tmp_path: Path) -> None:
    """A blank line makes other sentences of the same words; quotes are never put where they do not stand."""
    judge = ScriptedJudge(half)
    first = replace(batch_rows(1)[0], answer="First I looked at the log of the archive\nThen I called the technician")
    other = replace(first, row_id="b", answer=first.answer.replace("archive\n", "archive  \n\n\n"))
    keys = RowKeys(small_bank(), judge)
    one, two = keys.of(first.question_id, first.answer), keys.of(other.question_id, other.answer)
    assert one is not None
    assert two is not None

    run = grade([first, other], tmp_path, judge)

    assert run.tally.judged + run.tally.copied == 2
    for result in results_of(tmp_path).values():
        assert result.assessment is not None
        for check in result.assessment.check_results():
            assert all(result.answer[item.start : item.end] == item.quote for item in check.evidence)


def test_results_of_rows_that_left_the_batch_stay(tmp_path: Path) -> None:
    """A row that comes back is not judged again."""
    judge = ScriptedJudge(half)
    grade(batch_rows(6), tmp_path, judge)
    fewer = grade(batch_rows(2), tmp_path, judge)
    again = grade(batch_rows(6), tmp_path, judge)

    assert (fewer.tally.rows, again.tally.reused, len(judge.tasks)) == (2, 6, 6)
    assert kept_in(tmp_path) == 6


def test_only_a_reply_of_no_use_is_a_failure() -> None:
    """A score and an answer that must not be judged are clean results; unjudged checks alone are not."""
    refused = unscored_assessment("the model declined", unscored_reason="None of the checks could be judged.")

    assert failure_reason(dicom_assessment()) is None
    assert failure_reason(unscored_assessment("The answer is empty.")) is None
    assert failure_reason(refused) == "the model declined"


@pytest.mark.parametrize("assessed", [dicom_assessment, with_bank_flag])
def test_quotes_are_moved_to_where_they_stand(assessed: Callable[[], Assessment]) -> None:
    """For the same answer with other white space every quote lies in the new text; other sentences get none."""
    text = "\n\n" + ANSWER.replace(" ", "  ")
    moved = moved_to(assessed(), prepare_answer(text, dicom_question(), "en"))

    assert moved is not None
    quotes = [item for check in moved.check_results() for item in check.evidence]
    assert quotes
    assert all(text[item.start : item.end] == item.quote for item in quotes)
    assert moved.answer_sha256 == answer_sha256(text)
    assert moved.score == dicom_assessment().score
    assert moved_to(dicom_assessment(), prepare_answer("One thing. Another.", dicom_question(), "en")) is None


def test_keys_change_with_everything_that_changes_a_result() -> None:
    """Answer, question, model, method, prompts, settings and calibration each give another key."""
    bank = small_bank()
    first, second = (question.id for question in bank.questions[:2])
    others = [
        RowKeys(bank, JUDGE).of(first, "another answer"),
        RowKeys(bank, JUDGE).of(second, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, model="other")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, name="other")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, prompt_version="2")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, settings={"a": "b"})).of(first, "an answer"),
        RowKeys(bank, JUDGE, "calibration").of(first, "an answer"),
    ]
    keys = RowKeys(bank, JUDGE).of(first, "an answer")

    assert keys == RowKeys(bank, JUDGE).of(first, "an answer")
    assert len({(key.key, key.same) for key in [keys, *others] if key}) == 8
    assert RowKeys(bank, JUDGE).of("no-such-question", "an answer") is None


@given(st.text())
def test_white_space_tells_letters_apart_but_not_answers(text: str) -> None:
    """An answer with other white space has another key, and the same shared one."""
    keys = RowKeys(small_bank(), JUDGE)
    plain, spaced = (keys.of("question-1", answer) for answer in (text, f" {text}\r\n"))

    assert plain is not None
    assert spaced is not None
    assert plain.key != spaced.key
    assert plain.same == spaced.same
