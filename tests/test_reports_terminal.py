"""Tests of coach.report.terminal."""

from __future__ import annotations

import re

import pytest
from assessment_factory import ANSWER, SENTENCES, dicom_assessment, dicom_question, dicom_rubric
from hypothesis import given
from hypothesis import strategies as st
from report_cases import (
    MISSING,
    MISTAKE,
    WHY_UNSCORED,
    full_view,
    hostile_view,
    other_numbers_view,
    rich_view,
    unscored_view,
)
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from terminal_output import encoded, printed, words_of

from coach.report.terminal import TerminalReport
from coach.report.view import ReportView, build_view


def shown(view: ReportView, width: int = 80, *, terminal: bool = False) -> str:
    """Return what a console of this width prints of a view."""
    return printed(TerminalReport(view), width, terminal=terminal)


@pytest.mark.parametrize("width", [60, 80])
def test_the_report_reads_well(width: int, snapshot: SnapshotAssertion) -> None:
    """The whole report, without colour, is the one that was looked at and found good."""
    assert shown(rich_view(), width) == snapshot


def test_without_numbers_the_report_reads_well(snapshot: SnapshotAssertion) -> None:
    """The report in words only is the one that was looked at and found good."""
    assert shown(full_view(show_score=False)) == snapshot


def test_an_unscored_answer_reads_well(snapshot: SnapshotAssertion) -> None:
    """An answer that was not judged gets a reason and a next step, never a zero."""
    text = shown(unscored_view())

    assert text == snapshot
    assert WHY_UNSCORED in words_of(text)
    assert "of 100" not in text


@pytest.mark.parametrize("width", [60, 61, 79, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Every line fits, with hanging indents, and none ends in blanks."""
    rows = shown(rich_view(), width).splitlines()

    assert max(cell_len(row) for row in rows) <= width
    assert [row for row in rows if row != row.rstrip()] == []


def test_long_lines_are_kept_readable() -> None:
    """A very wide window does not make very wide lines."""
    assert max(len(row) for row in shown(full_view(), 140).splitlines()) <= 100


def test_what_is_wrong_stands_before_what_is_missing() -> None:
    """The red flag is read first."""
    text = words_of(shown(full_view()))

    assert 0 < text.index(MISTAKE) < text.index(MISSING)


def test_quotes_are_verbatim() -> None:
    """The sentence that earned a point stands in the report word for word, and marked in the answer."""
    text = words_of(shown(full_view()))

    assert f"[3] “{SENTENCES[2]}”" in text
    assert f"{SENTENCES[2]}[3]" in text
    assert f"{SENTENCES[4]}[!1]" in text


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two assessments that differ in all numbers but in no words give the same report in words."""
    text = shown(full_view(show_score=False))

    assert text == shown(other_numbers_view())
    assert not re.search(r"level \d|%|of 100|\d points?\b|━", text)


def test_styles_are_used_only_where_a_terminal_shows_them() -> None:
    """A terminal gets colours, a pipe gets plain text, and the words are the same."""
    plain, styled = shown(full_view()), shown(full_view(), terminal=True)

    assert "\x1b" not in plain
    assert "\x1b[" in styled
    assert re.sub(r"\x1b\[[\d;]*m", "", styled) == plain


@pytest.mark.parametrize("terminal", [False, True])
def test_foreign_text_cannot_steer_the_terminal(terminal: bool) -> None:
    """Escape sequences, direction overrides and markup from outside are shown as text."""
    text = shown(hostile_view(), 140, terminal=terminal)

    own_styles = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert not [char for char in own_styles if not char.isprintable() and char != "\n"]
    assert "[red]style[/red]" in words_of(own_styles)
    assert ":smile:" in own_styles
    assert "\u241b[31mred" in own_styles


@given(st.text(st.characters(), max_size=200))
def test_any_answer_can_be_shown(answer: str) -> None:
    """No answer breaks the report or reaches the terminal with control characters."""
    text = shown(build_view(dicom_assessment(), dicom_question(), dicom_rubric(), answer), 60)

    text.encode("utf-8")
    assert not [char for char in text if (char < " " and char != "\n") or "\x7f" <= char <= "\x9f"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_with_few_characters_are_served(encoding: str) -> None:
    """Where an encoding lacks a sign, a plain one stands in, and no text is lost."""
    view = build_view(dicom_assessment(), dicom_question(), dicom_rubric(), f"{ANSWER}\nCafé 日本 ✓")
    text = encoded(TerminalReport(view), 80, encoding)

    assert "+ Explains that DICOM covers both" in text
    assert "####" in text
    assert "Judged by" in text
    assert ("Café ??" if encoding == "cp1252" else "Caf? ??") in text
