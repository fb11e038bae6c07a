"""Tests of coach.calibrate.calibration_html."""

from __future__ import annotations

import re

from calibration_cases import full_report, hostile_report, report_on
from gold_factory import gold_rows
from html_page import Page, assert_self_contained

from coach.calibrate.calibration_html import calibration_page


def test_the_page_is_complete_and_self_contained() -> None:
    """It has every section and both charts, no script, no inline style, and loads nothing."""
    html = calibration_page(full_report())
    page = Page(html)

    for heading in (
        "Judge against human marks",
        "Among people",
        "By label",
        "Calibration mine",
        "Question by question",
    ):
        assert heading in page.text
    assert page.tags["svg"] == 2
    assert page.tags["circle"] == len(full_report().pairs) + len(full_report().reliability)
    assert page.tags["article"] == 10
    assert_self_contained(html)
    assert "http" not in re.sub(r"http-equiv|http://127\.0\.0\.1:1/v1|<style>.*?</style>", "", html, flags=re.DOTALL)


def test_foreign_text_is_escaped_on_the_page() -> None:
    """An answer, question, id, label or model name that is HTML is shown as text, also inside the charts."""
    html = calibration_page(hostile_report())
    page = Page(html)

    assert "<script>" not in html
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 8 * 2
    assert "{{ 7*7 }}" in page.text
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_the_same_report_gives_the_same_page() -> None:
    """Nothing random and no date of drawing is in it."""
    assert calibration_page(full_report()) == calibration_page(full_report())


def test_a_report_with_nothing_judged_can_be_shown() -> None:
    """The page works without any figure."""
    report = report_on(gold_rows(4), [None] * 4)

    assert "Not judged and left out: 4 answers. too short (4)." in Page(calibration_page(report)).text
