"""Tests of coach.calibrate.gold_matching and coach.calibrate.gold_plan."""

from __future__ import annotations

from collections import Counter

import pytest
from assessment_factory import shipped_bank
from gold_factory import QUEUE, STACK, gold_plan, gold_row, gold_rows
from hypothesis import given
from hypothesis import strategies as st

from coach.calibrate.gold import GoldRow
from coach.calibrate.gold_matching import match_questions, needs_bank, sample
from coach.calibrate.gold_plan import plan_calibration
from coach.errors import InputError


def bank_row(number: int, question_id: str) -> GoldRow:
    """Return a row that names a question of the bank."""
    return gold_row(number, 3.0, question=(None, None), question_id=question_id)  # type: ignore[arg-type]


def test_inline_questions_share_one_question() -> None:
    """Rows with the same question and reference are judged as answers to the same question, in one bank."""
    tasks, problems = match_questions([gold_row(1, 3), gold_row(2, 4, QUEUE), gold_row(3, 5)], None)

    assert problems == []
    assert tasks[0].question is tasks[2].question
    assert tasks[0].question.text == STACK[0]
    assert tasks[0].bank is tasks[1].bank
    assert len(tasks[0].bank.questions) == 2


@pytest.mark.parametrize("name", ["dicom-standard", "DICOM Standard", "1", "Question 1"])
def test_bank_questions_are_found_by_id_number_or_text(name: str) -> None:
    """What a file calls a question may be its id or number, as in the other commands."""
    (task,), problems = match_questions([bank_row(1, name)], shipped_bank())

    assert problems == []
    assert (task.question.id, task.bank) == ("dicom-standard", shipped_bank())


def test_an_unknown_question_is_a_problem_of_its_row_alone() -> None:
    """The message names the nearest ids; the other rows stay usable."""
    tasks, (problem,) = match_questions([bank_row(1, "dicom-standart"), gold_row(2, 4)], shipped_bank())

    assert len(tasks) == 1
    assert (problem.source, problem.line) == ("gold.jsonl", 2)
    assert "there is no question 'dicom-standart'" in problem.message
    assert "dicom-standard" in problem.message


def test_an_inline_question_wins_over_its_id() -> None:
    """A data set's own question number must not be taken for a question of the bank."""
    row = gold_row(1, 3, question_id="1")

    (task,), _ = match_questions([row], shipped_bank())
    assert task.question.text == STACK[0]
    assert not needs_bank([row])
    assert needs_bank([row, bank_row(2, "1")])


def test_an_unusable_reference_is_a_problem_of_its_rows() -> None:
    """A question that cannot be made does not stop the others."""
    tasks, problems = match_questions([gold_row(1, 3, ("What?", " ")), gold_row(2, 3)], None)

    assert len(tasks) == 1
    assert [p.message for p in problems] == ["the reference answer is empty"]


def test_a_sample_takes_the_same_number_of_each_question() -> None:
    """Twelve of forty answers to four questions are three of each, in the order of the file."""
    rows = gold_rows(40)

    chosen = sample(rows, 12, seed=3)

    assert set(Counter(row.question for row in chosen).values()) == {3}
    assert [row.line for row in chosen] == sorted(row.line for row in chosen)
    assert chosen == sample(rows, 12, seed=3)
    assert chosen != sample(rows, 12, seed=4)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 40), st.integers(0, 3))
def test_samples_are_fair_and_nested(questions: list[str], limit: int, seed: int) -> None:
    """A sample is as large as wanted, gives no question two answers more than another that has more, and grows."""
    rows = [gold_row(number, 1, (name, name)) for number, name in enumerate(questions)]

    chosen = sample(rows, limit, seed)

    assert len(chosen) == min(limit, len(rows))
    taken, have = Counter(row.question for row in chosen), Counter(questions)
    unfinished = [taken[name] for name in have if taken[name] < have[name]]
    assert all(count <= min(unfinished, default=99) + 1 for count in taken.values())
    assert {row.line for row in chosen} <= {row.line for row in sample(rows, limit + 1, seed)}


def test_rows_of_one_question_do_not_depend_on_the_others() -> None:
    """Kept scores stay useful when a file gets more questions: the same answers are taken first."""
    own = [gold_row(number, 1, STACK) for number in range(10)]
    more = [*own, *(gold_row(number, 1, QUEUE) for number in range(10, 20))]

    alone = {row.line for row in sample(own, 4, seed=0)}
    assert {row.line for row in sample(more, 8, seed=0) if row.question == STACK[0]} == alone


def test_the_plan_says_what_is_used() -> None:
    """The summary counts rows, unusable ones and questions, and the scale comes from all rows, not from the sample."""
    rows = [*gold_rows(8), gold_row(20, 1, ("What?", " "))]

    plan = gold_plan(rows, limit=4, seed=7)

    summary = plan.summary
    assert (summary.rows, summary.unreadable, summary.used, summary.questions) == (9, 1, 4, 4)
    assert (summary.limit, summary.seed, summary.scale_given) == (4, 7, False)
    assert summary.scale == gold_plan(rows).summary.scale
    assert len(plan.tasks) == 4


def test_a_plan_without_a_known_question_is_refused() -> None:
    """The first reason is told with its line, and how to name another bank."""
    with pytest.raises(InputError, match=r"gold\.jsonl, line 2: there is no question 'nothing'") as raised:
        plan_calibration([bank_row(1, "nothing")], [], shipped_bank(), name="gold.jsonl")

    assert "--bank" in raised.value.hint
