"""Tests of lines and records in coach.batch.inputs.tables."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.inputs import tables
from coach.batch.inputs.tables import Record, read_lines, read_records

CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def records(text: str, separator: str = ",", skip_spaces: bool = False) -> list[Record]:
    """Return the records of a text."""
    return list(read_records(read_lines(io.StringIO(text, newline="")), separator, skip_spaces))


@settings(deadline=None)
@given(st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6), st.sampled_from(",;\t|"))
def test_what_csv_writes_is_read_back(rows: list[list[str]], separator: str) -> None:
    """Quotes, separators and line ends inside cells survive, and every record knows its line."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)

    found = records(text.getvalue(), separator)

    # csv writes a row of one empty cell as "" and reads it as such.
    assert [list(record.cells) for record in found] == rows
    assert all(record.problem is None for record in found)


def test_records_know_their_first_line() -> None:
    """A record that spans lines is named by the line on which it begins."""
    assert [record.number for record in records('a,b\n1,"x\ny\nz"\n2,w\n')] == [1, 2, 5]


@pytest.mark.parametrize(
    "broken",
    [
        'ann,"never closed',
        'ann,"a "quote" inside',
        'ann,"closed" too early',
    ],
)
def test_a_broken_record_costs_one_line(broken: str) -> None:
    """A record with wrong quotes is a problem of its line; the rows after it are read as they are."""
    found = records(f'head,er\n{broken}\nbob,"fine, really"\ncid,"two\nlines"\n')

    assert [(record.number, record.cells) for record in found if not record.problem] == [
        (1, ("head", "er")),
        (3, ("bob", "fine, really")),
        (4, ("cid", "two\nlines")),
    ]
    assert [record.number for record in found if record.problem] == [2]


def test_an_unclosed_quote_at_the_end_is_a_problem() -> None:
    """A file torn inside a cell does not give a shortened answer."""
    assert [(record.number, bool(record.problem)) for record in records('a,b\n1,"torn')] == [(1, False), (2, True)]


def test_tab_separated_text_without_quoting_is_read() -> None:
    """A cell of a tab-separated export may begin with a quote of its own."""
    found = records('ann\t"Yes" is what I say\nbob\tno\n', "\t")

    assert [record.cells for record in found] == [("ann", '"Yes" is what I say'), ("bob", "no")]


def test_spaces_after_the_separator_can_be_skipped() -> None:
    """``a, "b, c"`` typed by hand has two cells."""
    assert records('a, "b, c"\n', skip_spaces=True)[0].cells == ("a", "b, c")


def test_nuls_are_left_out() -> None:
    """A NUL is never content."""
    assert records("a\0,b\n")[0].cells == ("a", "b")


def test_a_line_too_long_is_a_problem_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that cannot be held is skipped to its end, and counted."""
    monkeypatch.setattr(tables, "MAX_LINE_CHARS", 20)

    found = records("a,b\n" + "x" * 70 + "\n1,2\n")

    assert [(record.number, record.cells) for record in found] == [(1, ("a", "b")), (2, ()), (3, ("1", "2"))]
    assert "longer than 20" in str(found[1].problem)


def test_a_record_too_long_is_a_problem_of_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quoted cells cannot take more lines into memory than the limit allows."""
    monkeypatch.setattr(tables, "MAX_LINE_CHARS", 20)

    found = records('1,"' + "some text\n" * 5 + "2,3\n")

    assert found[0].problem
    assert found[-1].cells == ("2", "3")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.sampled_from(",;\t|"))
def test_any_text_can_be_read(text: str, separator: str) -> None:
    """Reading never fails, and no line is reported twice."""
    numbers = [record.number for record in records(text, separator)]

    assert numbers == sorted(set(numbers))
