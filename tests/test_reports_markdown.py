"""Tests of coach.report.markdown."""

from __future__ import annotations

import re

import pytest
from assessment_factory import SENTENCES, dicom_assessment, dicom_question, dicom_rubric
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
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
from syrupy.assertion import SnapshotAssertion

from coach.report.display_text import clean, lines
from coach.report.markdown import markdown_report
from coach.report.markdown_parts import escape
from coach.report.view import build_view

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
#: What the writer itself uses; anything else came from foreign text.
OWN = {"heading", "paragraph", "bullet_list", "ordered_list", "list_item", "blockquote", "hr", "inline"}
OWN_INLINE = {"text", "softbreak", "hardbreak", "strong", "em", "code_inline"}


def kinds(tokens: list[Token]) -> set[str]:
    """Return the kinds of tokens, without their open and close ends."""
    return {re.sub("_(open|close)$", "", token.type) for token in tokens}


def read(markdown: str) -> str:
    """Return what a reader sees of Markdown: its text, line ends as line feeds."""
    seen = []
    for block in PARSER.parse(markdown):
        for token in block.children or []:
            seen.append("\n" if token.type in ("softbreak", "hardbreak") else token.content)
    return "".join(seen)


def test_the_report_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole report is the one that was looked at and found good."""
    assert markdown_report(rich_view()) == snapshot


def test_an_unscored_answer_reads_well(snapshot: SnapshotAssertion) -> None:
    """An answer that was not judged gets a reason and a next step, never a zero."""
    text = markdown_report(unscored_view())

    assert text == snapshot
    assert WHY_UNSCORED in read(text)
    assert "of 100" not in text


def test_what_is_wrong_stands_before_what_is_missing() -> None:
    """The red flag is read first."""
    text = markdown_report(full_view())

    assert 0 < text.index(MISTAKE) < text.index(MISSING)


def test_quotes_are_verbatim_and_marked_in_the_answer() -> None:
    """The sentence that earned a point is quoted word for word and bold in the answer."""
    text = markdown_report(full_view())

    assert f"> “{SENTENCES[2]}”" in text
    assert f"**{SENTENCES[2]}**[3]" in text


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two assessments that differ in all numbers but in no words give the same report in words."""
    text = markdown_report(full_view(show_score=False))

    assert text == markdown_report(other_numbers_view())
    assert not re.search(r"level \d|%|of 100|\d points?\b|█", text)


def test_foreign_text_cannot_become_structure() -> None:
    """Hostile text anywhere adds no heading, link, image, HTML or code to the report."""
    tokens = PARSER.parse(markdown_report(hostile_view()))
    inline = [child for token in tokens for child in token.children or []]

    assert kinds(tokens) <= OWN
    assert kinds(inline) <= OWN_INLINE
    assert {child.content for child in inline if child.type == "code_inline"} <= {
        f"{'█' * filled}{'░' * (20 - filled)}" for filled in range(21)
    }
    own = [token for token in PARSER.parse(markdown_report(full_view())) if token.type == "heading_open"]
    # The outline is one section more.
    assert len([token for token in tokens if token.type == "heading_open"]) == len(own) + 1


@given(st.text(st.characters(), max_size=120))
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    """What a reader of the Markdown sees is the text itself."""
    shown = " ".join(clean(text).split())

    assert read(escape(shown)) == shown


MARKUP = st.text(st.sampled_from(list("#-*_>`~[]()!<&|\\1.: \n\tab=+")), max_size=80)


@given(MARKUP)
def test_no_answer_changes_the_structure(answer: str) -> None:
    """Whatever characters an answer has, the report holds its text and keeps its shape."""
    view = build_view(dicom_assessment(), dicom_question(), dicom_rubric(), answer)
    report = markdown_report(view)
    tokens = PARSER.parse(report)

    assert kinds(tokens) <= OWN
    assert kinds([child for token in tokens for child in token.children or []]) <= OWN_INLINE
    assert "".join(lines(answer).split()) in "".join(read(report).split())


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"),
        ("plain. Text, 1.5 (fine)", "plain. Text, 1.5 (fine)"),
        ("C-STORE", "C-STORE"),
        ("a\n    - b", "a\n\\- b"),
        ("<b> & [x](y)", r"\<b\> \& \[x\](y)"),
    ],
)
def test_only_what_could_be_structure_is_escaped(text: str, escaped: str) -> None:
    """The source stays readable."""
    assert escape(text) == escaped
