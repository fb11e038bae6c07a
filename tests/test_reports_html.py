"""Tests of coach.report.html."""

from __future__ import annotations

import re

from assessment_factory import ANSWER, SENTENCES, dicom_assessment, dicom_question, dicom_rubric
from html_page import Page, assert_self_contained, without_style
from hypothesis import given
from hypothesis import strategies as st
from report_cases import (
    HOSTILE,
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

from coach.report.display_text import clean, one_line
from coach.report.html import html_report
from coach.report.view import build_view


def test_the_page_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole page, but for its style sheet, is the one that was looked at and found good."""
    assert without_style(html_report(rich_view())) == snapshot


def test_an_unscored_answer_says_why() -> None:
    """An answer that was not judged gets a reason and a next step, never a zero."""
    page = Page(html_report(unscored_view()))

    assert WHY_UNSCORED in page.text
    assert "coach submit dicom-standard" in page.text
    assert "svg" not in page.tags
    assert "of 100" not in page.text


def test_the_page_loads_and_runs_nothing() -> None:
    """The page holds all that it needs, and its policy allows nothing else."""
    assert_self_contained(html_report(rich_view()))


def test_the_page_can_be_used_without_eyes() -> None:
    """Language, one main heading, ordered headings and words for every picture."""
    page = Page(html_report(rich_view()))

    assert ("html", "lang", "en") in page.attributes
    assert (page.tags["h1"], page.tags["main"]) == (1, 1)
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert labels[0] == "61 of 100, likely between 52 and 69"
    assert len(labels) == page.tags["svg"] == 4


def test_every_link_leads_somewhere() -> None:
    """Markers lead to the marked sentence, and step links to the step; no place has two names."""
    page = Page(html_report(full_view()))

    places = [value for _, name, value in page.attributes if name == "id"]
    targets = {value.removeprefix("#") for _, name, value in page.attributes if name == "href"}
    assert len(places) == len(set(places))
    assert targets <= set(places)
    assert {"quote-1", "quote-8", "step-2"} <= targets


def test_what_is_wrong_stands_before_what_is_missing() -> None:
    """The red flag is read first."""
    text = Page(html_report(full_view())).text

    assert 0 < text.index(MISTAKE) < text.index(MISSING)


def test_quotes_are_verbatim_and_marked_in_the_answer() -> None:
    """The sentence that earned a point is quoted word for word and marked in the answer."""
    html = html_report(full_view())

    assert f"“{SENTENCES[2]}”" in Page(html).text
    assert f'<mark class="earned">{SENTENCES[2]}</mark>' in html
    assert f'<mark class="against">{SENTENCES[4]}</mark>' in html


def test_the_marked_answer_is_the_answer() -> None:
    """Without its markers, the answer on the page is the answer, word for word."""
    answer = re.search(r'<div class="answer" dir="auto">(.*?)</div>', html_report(full_view()), re.DOTALL)

    assert answer
    assert Page(re.sub(r"<sup>.*?</sup>", "", answer[1])).text == " ".join(ANSWER.split())


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two assessments that differ in all numbers but in no words give the same page in words."""
    html = html_report(full_view(show_score=False))
    page = Page(html)

    assert html == html_report(other_numbers_view())
    assert not re.search(r"level \d|%|of 100|\d points?\b", page.text)
    assert "svg" not in page.tags


def test_foreign_text_cannot_become_markup() -> None:
    """Hostile text in every place is read on the page as text, and adds no tag that the page does not use."""
    page = Page(html_report(hostile_view()))

    assert page.tags.keys() <= Page(html_report(rich_view())).tags.keys()
    assert page.text.count(one_line(HOSTILE)) > 10
    assert not any(name.startswith("on") for _, name, _ in page.attributes)


@given(st.text(st.characters(), max_size=100))
def test_any_answer_can_be_shown(answer: str) -> None:
    """Whatever an answer holds, the page stays whole and shows it."""
    view = build_view(dicom_assessment(), dicom_question(), dicom_rubric(), answer)
    html = html_report(view)

    html.encode("utf-8")
    shown = " ".join(clean(answer).replace("\u2060", "").split())
    assert shown in Page(html).text
