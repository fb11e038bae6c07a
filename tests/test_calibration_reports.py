"""Tests of coach.reports.calibration_words, calibration_terminal, calibration_charts and calibration_html."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from gold_factory import STACK, gold_plan, gold_row, gold_rows, judged
from rich.console import Console
from scripted_judge import ScriptedJudge

from coach.core import extras
from coach.core.agreement_report import build_report, calibrated, judge_summary
from coach.errors import ConfigurationError
from coach.models.calibration import AgreementReport, RepeatSpread, Scale, Statistic
from coach.models.gold import GoldRow
from coach.reports import calibration_words as words
from coach.reports.calibration_charts import reliability_chart, scatter_chart
from coach.reports.calibration_html import calibration_page
from coach.reports.calibration_terminal import CalibrationReport

HOSTILE = "<script>alert(1)</script> \x1b[31m [bold]x[/bold] \u202e & \" ' {{ 7*7 }} ]]>"


def report_on(rows: list[GoldRow], scores: list[float | None], **options: Any) -> AgreementReport:
    """Return a report, with the mapping it leads to when there is enough data."""
    answers = judged(rows, scores)
    judge = judge_summary(ScriptedJudge(lambda task, check: 1.0))
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    report = build_report(answers, gold_plan(rows, **options).summary, judge, created_at=now, coach_version="1")
    return calibrated(report, answers, "mine")[0] if len(rows) >= 40 else report


def full_report() -> AgreementReport:
    """Return a report with every section."""
    scores: list[float | None] = [2.5 * n for n in range(39)]
    repeat = RepeatSpread(times=3, answers=39, mean_sd=0.5, max_sd=2, max_range=4, changed=7)
    return report_on(gold_rows(40), [*scores, None]).model_copy(update={"repeat": repeat})


def hostile_report() -> AgreementReport:
    """Return a report in which everything that comes from outside is an attack."""
    rows = [
        gold_row(n, n % 5, (HOSTILE, HOSTILE), answer=f"{HOSTILE} {n}", row_id=HOSTILE, label=HOSTILE) for n in range(8)
    ]
    report = report_on(rows, [10.0 * n for n in range(8)])
    outside = {"judge": HOSTILE, "model": HOSTILE, "endpoint": HOSTILE, "prompt_version": HOSTILE}
    return report.model_copy(
        update={
            "judge": report.judge.model_copy(update=outside),
            "gold": report.gold.model_copy(update={"name": HOSTILE}),
        }
    )


def shown(report: AgreementReport, width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal of this width and encoding shows; a character that it lacks is an error."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    Console(file=file, width=width, force_terminal=False).print(CalibrationReport(report))
    file.flush()
    return raw.getvalue().decode(encoding)


class Page(HTMLParser):
    """The tags, attributes and visible text of a page; wrongly nested tags fail."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and what it carries."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself, as SVG does."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Check that the tag closed is the one opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if "style" not in self.open:
            self.text += data


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
    assert words.figure(field, statistic) == text


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (3.5, "3.5"), (100, "100"), (0.25, "0.25"), (-1, "−1")])
def test_marks_are_written_as_people_do(value: float, text: str) -> None:
    """Whole marks have no decimals."""
    assert words.mark(value) == text


def test_the_headline_tells_what_matters() -> None:
    """Scale, raters, bias, length and what was left out are said in sentences."""
    rows = [
        gold_row(n, n % 6, rater_1=n % 6, rater_2=min(5, n % 6 + n % 2), answer="words " * (9 + n)) for n in range(30)
    ]
    scores: list[float | None] = [min(100.0, row.score * 20 + 30) for row in rows[:-1]]

    text = " ".join(words.headline(report_on(rows, [*scores, None], scale=(0, 5))))

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

    text = " ".join(words.headline(report_on(rows, [20 * row.score for row in rows])))

    assert "neither clearly milder nor clearly stricter" in text


def test_missing_figures_are_explained_once() -> None:
    """Figures with the same reason share a line."""
    views = report_on([gold_row(n, 2) for n in range(5)], [10.0 * n for n in range(5)]).agreement

    assert words.reasons([("All answers", views.pooled)]) == [
        "Pearson r, Spearman rho (All answers: all human marks are equal)"
    ]


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


def test_repeated_judging_is_told_in_words() -> None:
    """No change is said plainly; otherwise mean, maximum and range are given."""
    report = full_report()
    same = RepeatSpread(times=3, answers=5, mean_sd=0, max_sd=0, max_range=0, changed=0)
    none = RepeatSpread(times=3, answers=0, mean_sd=None, max_sd=None, max_range=None, changed=0)

    assert "7 changed" in (words.repeat_text(report) or "")
    told = [words.repeat_text(report.model_copy(update={"repeat": spread})) for spread in (same, none, None)]
    assert told == [
        "Judged 3 times: 5 answers; every score stayed the same.",
        "No answer was judged 3 times.",
        None,
    ]


def test_foreign_text_is_harmless_on_the_terminal() -> None:
    """Escape sequences and direction marks are replaced, markup stays text."""
    text = shown(hostile_report(), 400)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]x[/bold]" in text


def test_a_report_with_nothing_judged_can_be_shown() -> None:
    """Both views work without any figure."""
    report = report_on(gold_rows(4), [None] * 4)

    assert "–" in shown(report)
    assert "Not judged and left out: 4 answers. too short (4)." in Page(calibration_page(report)).text


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
    assert page.tags.count("svg") == 2
    assert page.tags.count("circle") == len(full_report().pairs) + len(full_report().reliability)
    assert page.tags.count("article") == 10
    assert not {"script", "link", "img", "iframe", "object", "use"} & set(page.tags)
    assert not {name for name, _ in page.attributes} & {"style", "href", "src", "onload", "onclick", "xlink:href"}
    assert "default-src 'none'" in html
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


def test_charts_are_plain_shapes_in_the_right_place() -> None:
    """A higher mark is drawn higher, and every dot says whose it is."""
    report = report_on([gold_row(n, n) for n in range(6)], [0.0, 10, 20, 30, 90, 100])

    root = ElementTree.fromstring(scatter_chart(report))

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

    root = ElementTree.fromstring(reliability_chart(report))

    lines = [path for path in root.findall(".//path") if "line reactive" in path.get("class", "")]
    assert len(lines) == 2 + sum(1 for item in report.reliability if item.human_interval)


@pytest.mark.parametrize(
    "scale", [Scale(low=0, high=100, step=10), Scale(low=-1, high=1, step=1), Scale(low=0, high=1, step=0.1)]
)
def test_any_scale_can_be_drawn(scale: Scale) -> None:
    """Ends and ticks follow the scale of the marks."""
    report = full_report()
    report = report.model_copy(update={"gold": report.gold.model_copy(update={"scale": scale}), "pairs": []})

    texts = [text.text for text in ElementTree.fromstring(scatter_chart(report)).findall(".//text")]

    assert words.mark(scale.low) in texts
    assert words.mark(scale.high) in texts


def test_drawing_leaves_the_import_system_alone() -> None:
    """The charts' library adds a hook of an old kind, at which later imports would warn."""
    scatter_chart(full_report())

    assert [hook for hook in sys.meta_path if not hasattr(hook, "find_spec")] == []
    assert importlib.util.find_spec("no_such_package") is None


def test_the_report_is_read_back_from_its_json() -> None:
    """JSON holds the same object as the other views, under the contract's names."""
    report = full_report()

    data = report.model_dump_json(by_alias=True)

    assert AgreementReport.model_validate_json(data) == report
    assert '"schema":"coach/agreement@1"' in data
    assert "NaN" not in data


def test_a_missing_package_is_named_with_the_command_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not installed the extra is told how."""
    report = full_report()
    monkeypatch.setattr(extras, "CHARTS", ("no_such_package",))
    monkeypatch.setattr(extras, "STATISTICS", ("numpy", "no_such_package"))

    with pytest.raises(ConfigurationError, match="no_such_package, which is not installed") as charts:
        scatter_chart(report)
    with pytest.raises(ConfigurationError, match="comparing a judge with human marks needs no_such_package"):
        extras.require_statistics()

    assert "pip install 'answer-feedback-coach[calibrate]'" in charts.value.hint
    assert STACK[0] in [item.text for item in report.questions]
