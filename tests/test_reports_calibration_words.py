"""Tests of coach.calibrate.calibration_words."""

from __future__ import annotations

import re

import pytest
from calibration_cases import full_report, report_on
from gold_factory import gold_row, gold_rows

from coach.calibrate import calibration_words as words
from coach.calibrate.result import RepeatSpread, Statistic


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
