"""Tests of coach.calibrate.calibration_terminal."""

from __future__ import annotations

import pytest
from calibration_cases import full_report, hostile_report, report_on
from gold_factory import gold_rows
from terminal_output import encoded

from coach.calibrate.calibration_terminal import CalibrationReport
from coach.calibrate.result import AgreementReport, Statistic


def shown(report: AgreementReport, width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal shows of a report."""
    return encoded(CalibrationReport(report), width, encoding)


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
