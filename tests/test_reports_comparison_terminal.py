"""Tests of coach.compare.comparison_terminal."""

from __future__ import annotations

import re

import pytest
from comparison_cases import NEW
from comparison_views import (
    example_view,
    hostile_view,
    improved_view,
    series_views,
    unchanged_view,
    unscored_view,
    worse_view,
)
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from terminal_output import encoded, printed, words_of

from coach.compare.comparison_terminal import TerminalComparison
from coach.compare.comparison_view import ComparisonView
from coach.compare.series_view import SeriesView


def shown(view: ComparisonView, width: int = 80, series: SeriesView | None = None, *, terminal: bool = False) -> str:
    """Return what a console of this width prints of a view."""
    return printed(TerminalComparison(view, series), width, terminal=terminal)


@pytest.mark.parametrize("width", [70, 120])
def test_the_report_reads_well(width: int, snapshot: SnapshotAssertion) -> None:
    """The whole report, stacked and side by side, is the one that was looked at and found good."""
    assert shown(improved_view(), width) == snapshot


def test_a_worse_answer_reads_well(snapshot: SnapshotAssertion) -> None:
    """The report on a regression is the one that was looked at and found good."""
    assert shown(worse_view()) == snapshot


def test_no_clear_change_reads_well(snapshot: SnapshotAssertion) -> None:
    """The report on a harmless rewording is the one that was looked at and found good."""
    assert shown(unchanged_view()) == snapshot


def test_a_version_without_a_score_reads_well(snapshot: SnapshotAssertion) -> None:
    """The report says why nothing was compared, and goes on with what is missing."""
    assert shown(unscored_view()) == snapshot


def test_an_example_reads_well(snapshot: SnapshotAssertion) -> None:
    """The comparison with an example is the one that was looked at and found good."""
    assert shown(example_view()) == snapshot


def test_a_series_reads_well(snapshot: SnapshotAssertion) -> None:
    """The table and the last step are those that were looked at and found good."""
    view, series = series_views()

    assert shown(view, 80, series) == snapshot


def test_a_series_in_words_reads_well(snapshot: SnapshotAssertion) -> None:
    """The series without numbers is the one that was looked at and found good."""
    view, series = series_views(show_score=False)

    assert shown(view, 80, series) == snapshot


@pytest.mark.parametrize(("width", "side_by_side"), [(60, False), (109, False), (110, True), (200, True)])
def test_the_texts_stand_side_by_side_where_there_is_room(width: int, side_by_side: bool) -> None:
    """From 110 columns on the old text stands left and the new one right, line by line."""
    text = shown(improved_view(), width)

    assert bool(re.search(r"Old: first\.md +│ New: second\.md", text)) is side_by_side


@pytest.mark.parametrize("width", [60, 100, 110, 130, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Every line fits, and none ends in blanks."""
    rows = shown(improved_view(), width).splitlines()

    assert max(cell_len(row) for row in rows) <= width
    assert [row for row in rows if row != row.rstrip()] == []


@pytest.mark.parametrize("width", [70, 130])
def test_the_new_text_stands_there_word_for_word(width: int) -> None:
    """Without the marks, the added sentences are the candidate's own words, and what was cut is marked as cut."""
    text = words_of(shown(improved_view(), width))

    assert "{+There is a worklist too.+}[4]" in text or width == 130
    assert "[-A CT sends its images" in text
    if width == 70:
        stacked = text[text.index("The text, old and new") :]
        kept = re.sub(r"\[-.*?-\](\[\d\])?|<1 | 1>|\{\+|\+\}(\[\d\])?", "", stacked)
        assert " ".join(NEW.split()).split(". ", 1)[1][:100] in " ".join(kept.split())


def test_styles_are_used_only_where_a_terminal_shows_them() -> None:
    """A terminal gets colours, a pipe gets plain text, and the words are the same."""
    plain, styled = shown(improved_view(), 130), shown(improved_view(), 130, terminal=True)

    assert "\x1b" not in plain
    assert "\x1b[" in styled
    assert re.sub(r"\x1b\[[\d;]*m", "", styled) == plain


@pytest.mark.parametrize("width", [80, 140])
def test_foreign_text_cannot_steer_the_terminal(width: int) -> None:
    """Escape sequences, direction overrides and markup from outside are shown as text."""
    text = re.sub(r"\x1b\[[\d;]*m", "", shown(hostile_view(), width, terminal=True))

    assert not [char for char in text if not char.isprintable() and char != "\n"]
    assert "[red]style[/red]" in words_of(text)
    assert "\u241b[31mred" in words_of(text)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_with_few_characters_are_served(encoding: str) -> None:
    """Where an encoding lacks a sign, a plain one stands in, and no text is lost."""
    view, series = series_views()
    text = encoded(TerminalComparison(view, series), 130, encoding)

    assert "there -> missing" in words_of(text)
    assert "v3 (best)" in text
    assert "?" not in text.replace("a PACS depend on it?", "")
