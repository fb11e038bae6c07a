"""Tests of coach.compare.comparison_html."""

from __future__ import annotations

import re

from comparison_cases import NEW, OLD, compared
from comparison_views import (
    example_view,
    hostile_view,
    improved,
    improved_view,
    other_numbers,
    series_views,
    unscored_view,
    view_of,
)
from html_page import Page, assert_self_contained, without_style
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import HOSTILE
from syrupy.assertion import SnapshotAssertion

from coach.compare.comparison_html import comparison_html
from coach.report.display_text import one_line


def test_the_page_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole page, but for its style sheet, is the one that was looked at and found good."""
    assert without_style(comparison_html(*series_views())) == snapshot


def test_the_page_loads_and_runs_nothing() -> None:
    """The page holds all that it needs, and its policy allows nothing else."""
    assert_self_contained(comparison_html(*series_views()))


def test_the_page_shares_the_look_of_the_report_on_one_answer() -> None:
    """The style sheet of the assessment is part of the page, so that both look alike."""
    assert "--accent: #1c6a66" in comparison_html(improved_view())


def test_what_was_cut_and_added_is_marked_up() -> None:
    """Removed and new words have their own elements, with the number of the change that they brought."""
    html = comparison_html(improved_view())

    assert re.search(r"<del>A CT sends its images[^<]*</del>&NoBreak;<sup><span class=\"marker\" id=\"text-1\">", html)
    assert "<ins>There is a worklist too.</ins>" in html
    assert html.count('class="moved" title="moved sentence 1"') == 2


def test_both_texts_stand_on_the_page_word_for_word() -> None:
    """Without their markers, the two columns are the two answers."""
    html = re.sub(r"&NoBreak;<sup>.*?</sup>", "", comparison_html(improved_view()))
    columns = re.findall(r'<div class="text" dir="auto">(.*?)</div>', html, re.DOTALL)

    assert Page("".join(columns[0::2])).text == " ".join(OLD.split())
    assert Page("".join(columns[1::2])).text == " ".join(NEW.split())


def test_every_link_leads_somewhere() -> None:
    """The number of a change leads to the sentence in the text; no place has two names."""
    page = Page(comparison_html(improved_view()))
    places = [value for _, name, value in page.attributes if name == "id"]
    targets = {value.removeprefix("#") for _, name, value in page.attributes if name == "href"}

    assert len(places) == len(set(places))
    assert {"text-1", "text-5"} <= targets <= set(places)


def test_what_was_lost_stands_first() -> None:
    """The regression is read before the gains, and before the text diff."""
    text = Page(comparison_html(improved_view())).text

    assert 0 < text.index("Lost: put this back first") < text.index("Gained") < text.index("The text, old and new")


def test_the_best_version_of_a_series_is_marked() -> None:
    """The table has one row for each version, and one of them is marked in words and by its class."""
    html = comparison_html(*series_views())

    assert html.count('<tr class="best">') == 1
    assert Page(html).tags["tr"] == 4
    assert "v3 (best)" in Page(html).text


def test_an_unscored_version_says_why() -> None:
    """A version that was not judged has a reason, never a zero."""
    page = Page(comparison_html(unscored_view()))

    assert "Not scored: The answer is empty." in page.text
    assert "0 of 100" not in page.text


def test_an_example_is_labelled() -> None:
    """The note on the example is in every report."""
    assert "one example of a strong answer, not the right answer" in Page(comparison_html(example_view())).text


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two comparisons that differ in all numbers but in no words give the same page in words."""
    html = comparison_html(improved_view(show_score=False))

    assert html == comparison_html(view_of(other_numbers(improved()), show_score=False))
    assert not re.search(r"%|of 100|\d points?\b", Page(html).text)


def test_foreign_text_cannot_become_markup() -> None:
    """Hostile text in every place is read on the page as text, and adds no tag that the page does not use."""
    page = Page(comparison_html(hostile_view()))

    assert page.tags.keys() <= Page(comparison_html(*series_views())).tags.keys()
    assert page.text.count(one_line(HOSTILE)) > 8
    assert not any(name.startswith("on") for _, name, _ in page.attributes)


@settings(deadline=None, max_examples=20)
@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
def test_any_two_answers_can_be_shown(old: str, new: str) -> None:
    """Whatever the answers hold, the page stays whole."""
    html = comparison_html(view_of(compared(old, new), old, new))

    html.encode("utf-8")
    assert Page(html).tags["main"] == 1
