"""Tests of coach.batch.row_grouping."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from batch_factory import answer_row
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.row_grouping import grouped
from coach.batch.rows import AnswerRow, RowProblem


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=60), st.integers(1, 20))
def test_nothing_is_lost_or_doubled(questions: list[str], window: int) -> None:
    """Grouping yields the same rows, and those of one question in their order."""
    rows = [answer_row(number, question) for number, question in enumerate(questions)]

    found = [row for row in grouped(rows, window) if isinstance(row, AnswerRow)]

    assert sorted(found, key=lambda row: row.line) == rows
    for question in "abcd":
        lines = [row.line for row in found if row.question_id == question]
        assert lines == sorted(lines)


def test_one_question_follows_another() -> None:
    """Rows that fit into the window come out one question after the other."""
    rows = [answer_row(number, f"q{number % 5}") for number in range(50)]

    found = [row.question_id for row in grouped(rows, window=50) if isinstance(row, AnswerRow)]

    assert len(list(groupby(found))) == 5


def test_no_more_rows_than_the_window_wait() -> None:
    """Reading runs ahead of the output by no more than the window."""
    read = 0

    def rows() -> Iterator[AnswerRow]:
        nonlocal read
        for read in range(1, 1001):
            yield answer_row(read, f"q{read % 7}")

    for written, _ in enumerate(grouped(rows(), window=40)):
        assert read - written <= 40


def test_long_answers_fill_the_window_early() -> None:
    """The window is bounded in characters too."""
    rows = iter([answer_row(number, f"q{number}", "x" * 60) for number in range(10)])

    next(iter(grouped(rows, window=1000, max_characters=100)))

    assert len(list(rows)) == 8


def test_problems_pass_at_once() -> None:
    """A problem is reported when it is met, not when the window is full."""
    problem = RowProblem("rows.csv", 3, "broken")

    assert next(iter(grouped([answer_row(1), problem, answer_row(2)]))) == problem
