"""Tests of coach.calibrate.report: its words, and the document on a terminal, as a page and with charts."""

from __future__ import annotations

import importlib.util
import re
import sys
from xml.etree import ElementTree

import pytest
from calibration_cases import full_report, hostile_report, report_on
from gold_factory import gold_row, gold_rows
from html_page import Page, assert_self_contained
from terminal_output import encoded

from coach.calibrate.report import (
    calibration_document,
    figure,
    headline,
    mark,
)
from coach.calibrate.result import AgreementReport, RepeatSpread, Scale, Statistic
from coach.report.document import Chart
from coach.report.html import html_report
from coach.report.terminal import TerminalReport


def shown(report: AgreementReport, width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal shows of a report."""
    return encoded(TerminalReport(calibration_document(report)), width, encoding)


def charts_of(report: AgreementReport) -> list[ElementTree.Element]:
    """Return the charts of the page: the answers, and the reliability curve."""
    blocks = calibration_document(report, page=True).blocks
    return [ElementTree.fromstring(block.svg) for block in blocks if isinstance(block, Chart)]


def page_of(report: AgreementReport) -> str:
    """Return the report as an HTML page."""
    return html_report(calibration_document(report, page=True))


@pytest.mark.parametrize(
    ("field", "statistic", "text"),
    [
        ("pearson", Statistic(value=0.616, interval=(0.5, 0.7149), n=9), "0.62 [0.50, 0.71]"),
        ("pearson", Statistic(value=-0.2, n=9), "−0.20"),
        ("pearson", Statistic(value=None, n=2, reason="few"), "–"),
        ("exact", Statistic(value=0.5, interval=(0.4, 0.61), n=9), "50 % [40, 61]"),
        ("bias", Statistic(value=0.5, interval=(-0.1, 1.1), n=9), "+0.50 [−0.10, 1.10]"),
        ("bias", Statistic(value=-0.001, n=9), "0.00"),
    ],
)
def test_figures_are_short_and_signed(field: str, statistic: Statistic, text: str) -> None:
    """A figure has two decimals, its interval, a real minus sign, and a dash where it is undefined."""
    assert figure(field, statistic) == text


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (3.5, "3.5"), (100, "100"), (0.25, "0.25"), (-1, "−1")])
def test_marks_are_written_as_people_do(value: float, text: str) -> None:
    """Whole marks have no decimals."""
    assert mark(value) == text


def test_the_headline_tells_what_matters() -> None:
    """Scale, raters, bias, length and what was left out are said in sentences."""
    rows = [
        gold_row(n, n % 6, rater_1=n % 6, rater_2=min(5, n % 6 + n % 2), answer="words " * (9 + n)) for n in range(30)
    ]
    scores: list[float | None] = [min(100.0, row.score * 20 + 30) for row in rows[:-1]]

    text = " ".join(headline(report_on(rows, [*scores, None], scale=(0, 5))))

    assert "29 answers to 1 question, marked from 0 to 5 in steps of 1 (given)" in text
    assert re.search(
        r"Two raters agree with each other at r = \d\.\d\d; the judge agrees with one of them at r = ", text
    )
    assert re.search(r"The judge is milder than people by \d\.\d\d marks", text)
    assert "Correlation of marks with length" in text
    assert "Not judged and left out: 1 answer. too short (1)." in text


def test_a_judge_without_clear_bias_is_called_neither() -> None:
    """An interval around zero is no bias."""
    rows = gold_rows(20)

    text = " ".join(headline(report_on(rows, [20 * row.score for row in rows])))

    assert "neither clearly milder nor clearly stricter" in text


def test_missing_figures_are_explained_once() -> None:
    """Figures with the same reason share a line."""
    report = report_on([gold_row(n, 2) for n in range(5)], [10.0 * n for n in range(5)])

    assert "Pearson r, Spearman rho (all answers: all human marks are equal)" in shown(report)


def test_repeated_judging_is_told_in_words() -> None:
    """No change is said plainly; otherwise mean, maximum and range are given."""
    report = full_report()
    same = RepeatSpread(times=3, answers=5, mean_sd=0, max_sd=0, max_range=0, changed=0)
    none = RepeatSpread(times=3, answers=0, mean_sd=None, max_sd=None, max_range=None, changed=0)

    assert "7 changed" in shown(report)
    told = [shown(report.model_copy(update={"repeat": spread})) for spread in (same, none, None)]
    assert "Judged 3 times: 5 answers; every score stayed the same." in told[0]
    assert "No answer was judged 3 times." in told[1]
    assert "Repeated judging" not in told[2]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_shows_every_section(width: int) -> None:
    """Nothing is missing in a narrow window."""
    text = " ".join(shown(full_report(), width).split())

    for words_shown in ("Pearson", "Rater", "By label", "Repeated judging", "Calibration mine", "Farthest apart"):
        assert words_shown in text
    assert all(len(line) <= width for line in shown(full_report(), width).splitlines())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_old_terminals_show_everything(encoding: str) -> None:
    """Bars, dashes and minus signs have plain forms, so no encoding breaks the report."""
    report = full_report()
    low = Statistic(value=-0.25, interval=(-0.5, 0.1), n=9)
    pooled = report.agreement.pooled.model_copy(update={"bias": low})
    views = report.agreement.model_copy(update={"pooled": pooled})

    text = shown(report.model_copy(update={"agreement": views}), encoding=encoding)

    assert "-0.25 [-0.50, 0.10]" in text
    assert "####" in text


def test_foreign_text_is_harmless_on_the_terminal() -> None:
    """Escape sequences and direction marks are replaced, markup stays text."""
    text = shown(hostile_report(), 400)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]x[/bold]" in text


def test_a_report_with_nothing_judged_can_be_shown() -> None:
    """The report works without any figure."""
    assert "–" in shown(report_on(gold_rows(4), [None] * 4))


def test_the_page_is_complete_and_self_contained() -> None:
    """It has every section and both charts, no script, no inline style, and loads nothing."""
    html = page_of(full_report())
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
    html = page_of(hostile_report())
    page = Page(html)

    assert "<script>" not in html
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 8 * 2
    assert "{{ 7*7 }}" in page.text
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_the_same_report_gives_the_same_page() -> None:
    """Nothing random and no date of drawing is in it."""
    assert page_of(full_report()) == page_of(full_report())


def test_a_page_with_nothing_judged_can_be_shown() -> None:
    """The page works without any figure."""
    report = report_on(gold_rows(4), [None] * 4)

    assert "Not judged and left out: 4 answers. too short (4)." in Page(page_of(report)).text


def test_charts_are_plain_shapes_in_the_right_place() -> None:
    """A higher mark is drawn higher, and every dot says whose it is."""
    report = report_on([gold_row(n, n) for n in range(6)], [0.0, 10, 20, 30, 90, 100])

    root = charts_of(report)[0]

    dots = root.findall(".//circle")
    x = [float(dot.attrib["cx"]) for dot in dots]
    y = [float(dot.attrib["cy"]) for dot in dots]
    assert (x, y) == (sorted(x), sorted(y, reverse=True))
    assert dots[4].findtext("title") == "row-4: people 4, judge 4.5"
    assert {name for element in root.iter() for name in element.attrib} <= {
        "class", "role", "aria-label", "viewBox", "x", "y", "cx", "cy", "r", "d", "width", "height", "transform",
    }  # fmt: skip


def test_the_reliability_curve_shows_its_intervals() -> None:
    """One line for the diagonal, one for the curve, and one for each bin that has an interval."""
    report = full_report()

    root = charts_of(report)[1]

    lines = [path for path in root.findall(".//path") if "line reactive" in path.get("class", "")]
    assert len(lines) == 2 + sum(1 for item in report.reliability if item.human_interval)


@pytest.mark.parametrize(
    "scale", [Scale(low=0, high=100, step=10), Scale(low=-1, high=1, step=1), Scale(low=0, high=1, step=0.1)]
)
def test_any_scale_can_be_drawn(scale: Scale) -> None:
    """Ends and ticks follow the scale of the marks."""
    report = full_report()
    report = report.model_copy(update={"gold": report.gold.model_copy(update={"scale": scale}), "pairs": []})

    texts = [text.text for text in charts_of(report)[0].findall(".//text")]

    assert mark(scale.low) in texts
    assert mark(scale.high) in texts


def test_drawing_leaves_the_import_system_alone() -> None:
    """The charts' library adds a hook of an old kind, at which later imports would warn."""
    charts_of(full_report())

    assert [hook for hook in sys.meta_path if not hasattr(hook, "find_spec")] == []
    assert importlib.util.find_spec("no_such_package") is None
