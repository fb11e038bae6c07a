"""Tests of coach.compare.comparison_markdown."""

from __future__ import annotations

import re

from comparison_cases import compared
from comparison_views import example_view, hostile_view, improved_view, series_views, unscored_view, view_of
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from coach.compare.comparison_markdown import comparison_markdown


def test_the_report_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole report is the one that was looked at and found good."""
    assert comparison_markdown(improved_view()) == snapshot


def test_a_series_reads_well(snapshot: SnapshotAssertion) -> None:
    """The table of a series is the one that was looked at and found good."""
    assert comparison_markdown(*series_views()).split("## The last step")[0] == snapshot


def test_an_unscored_version_says_why() -> None:
    """A version that was not judged has a reason, never a zero."""
    text = comparison_markdown(unscored_view())

    assert "**Not compared**" in text
    assert "The answer is empty." in text


def test_an_example_is_labelled() -> None:
    """The note on the example is in every report."""
    assert "*This is one example of a strong answer, not the right answer" in comparison_markdown(example_view())


def test_foreign_text_cannot_become_structure() -> None:
    """Hostile text in every place adds no heading, link, image, HTML, code or table row."""
    text = comparison_markdown(hostile_view())
    headings = [line for line in text.splitlines() if line.lstrip("> ").startswith("#")]

    assert len(headings) == len([line for line in headings if line.startswith(("# What is", "## "))])
    assert "Heading" not in " ".join(headings)
    assert not re.search(r"(?<!\\)<|(?<!\\)`|(?<!\\)!?\[(?!\d)[^\]]*[^\\]\]\(", text)
    assert not [line for line in text.splitlines() if line.startswith("|")]


def test_a_change_of_punctuation_inside_a_word_is_bracketed() -> None:
    """Emphasis cannot begin behind a letter with a full stop; such a change is still marked."""
    old = "We had a long outage last May. It was full and nobody knew why it was so."
    new = old.replace("May.", "May!")
    text = comparison_markdown(view_of(compared(old, new), old, new))

    assert "May\\[-\\.-\\]" in text
    assert "{+!+}" in text


@settings(deadline=None, max_examples=20)
@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
def test_any_two_answers_can_be_shown(old: str, new: str) -> None:
    """Whatever the answers hold, the report can be written, and has all its parts."""
    text = comparison_markdown(view_of(compared(old, new), old, new))

    assert text.startswith("# What is the DICOM standard")
    assert text.endswith("\n")
