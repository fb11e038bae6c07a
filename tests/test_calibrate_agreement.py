"""Tests of coach.calibrate.agreement: the report on a judge, and its statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from calibration_cases import full_report
from gold_factory import QUEUE, STACK, gold_plan, gold_row, gold_rows, judged
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scripted_judge import ScriptedJudge
from sklearn.metrics import cohen_kappa_score

from coach.calibrate.agreement import (
    agreement_of,
    agreement_views,
    build_report,
    calibrated,
    marked,
    point_figures,
)
from coach.calibrate.gold import GoldRow, JudgedAnswer
from coach.calibrate.mapping import fit_half
from coach.calibrate.result import Agreement, AgreementReport, Scale
from coach.calibrate.run import judge_summary
from coach.errors import InputError

NAMES = tuple(Agreement.model_fields)
FIVE = Scale(low=0, high=5, step=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND = [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 4.0, 4.0]
MARKS = st.integers(0, 50).map(lambda tenths: tenths / 10)


def report_on(answers: list[JudgedAnswer], repeats: int = 1, **plan: Any) -> AgreementReport:
    """Return the report on judged answers, on a scale of 0 to 5 unless the marks are on another."""
    summary = gold_plan([answer.task.row for answer in answers], **{"scale": (0, 5), **plan}).summary
    judge = judge_summary(ScriptedJudge(lambda task, check: 1.0))
    return build_report(answers, summary, judge, created_at=NOW, coach_version="1", repeats=repeats)


def report_of(rows: list[GoldRow], scores: Sequence[float | None]) -> AgreementReport:
    """Return the report on rows that a judge gave these scores."""
    return report_on(judged(rows, scores))


def test_scores_are_mapped_linearly_to_the_scale() -> None:
    """A score of 50 stands for the middle of any scale; answers without a score are left out."""
    answers = judged([gold_row(1, 3), gold_row(2, 3), gold_row(3, 3)], [0, None, 50])

    assert [answer.pair.judge for answer in marked(answers, Scale(low=1, high=4, step=1))] == [1, 2.5]


def test_pooled_and_per_question_figures_differ_where_questions_do() -> None:
    """A judge that is perfect within each question, but shifted between them, is told from one that is not."""
    questions = ["a"] * 3 + ["b"] * 3
    human = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    judge = [1.0, 2.0, 3.0, 3.0, 4.0, 5.0]

    views = agreement_views(judge, human, questions, FIVE, 0)

    assert views.per_question.pearson.value == 1.0
    assert views.per_question.pearson.n == 2
    assert views.pooled.pearson.value == pytest.approx(4 / 40**0.5, abs=1e-6)
    assert views.pooled.bias.value == views.per_question.bias.value == 1.0


def test_a_question_that_says_nothing_is_left_out_of_the_average() -> None:
    """Two answers, or equal marks, give no correlation; the average says how many questions it rests on."""
    questions = ["a"] * 3 + ["b"] * 3 + ["c"] * 2
    human = [1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 1.0, 2.0]

    views = agreement_views(human, human, questions, FIVE, 0)

    assert (views.per_question.pearson.value, views.per_question.pearson.n) == (1.0, 1)
    assert "undefined for 2 of 3 questions" in (views.per_question.pearson.reason or "")
    assert views.per_question.rmse.n == 2


def test_each_question_has_its_own_row() -> None:
    """Means and figures of a question are those of its own answers, in the order of the file."""
    rows = [gold_row(n, n, QUEUE if n % 2 else STACK) for n in range(6)]

    first, second = report_of(rows, [0, 20, 40, 60, 80, 100]).questions

    assert (first.text, first.n, first.human_mean, first.judge_mean) == (STACK[0], 3, 2.0, 2.0)
    assert (second.text, second.human_mean, second.pearson, second.bias) == (QUEUE[0], 3.0, 1.0, 0.0)


def test_the_human_ceiling_is_measured_on_the_answers_of_both_raters() -> None:
    """Rater against rater, and the judge against each of them, on exactly the same answers."""
    rows = [gold_row(n, n, rater_1=float(n), rater_2=float(5 - n)) for n in range(6)] + [gold_row(7, 1, rater_1=1.0)]

    ceiling = report_of(rows, [0, 20, 40, 60, 80, 100, 50]).human

    assert ceiling is not None
    assert ceiling.n == 6
    assert ceiling.raters.pooled.pearson.value == -1.0
    assert ceiling.judge_rater_1.pooled.pearson.value == 1.0
    assert ceiling.judge_rater_2.pooled.pearson.value == -1.0
    assert ceiling.raters.pooled.bias.value == 0.0


def test_without_two_raters_there_is_no_ceiling() -> None:
    """One rater alone cannot disagree with himself."""
    assert report_of([gold_row(1, 2, rater_1=2.0)], [40]).human is None


def test_length_is_compared_for_judge_and_people() -> None:
    """A judge that rewards length shows it beside people who do not."""
    rows = [gold_row(n, mark, answer="word " * (n + 1)) for n, mark in enumerate([3.0, 1.0, 4.0, 1.0, 5.0, 0.0])]

    found = report_of(rows, [10, 20, 30, 40, 50, 60]).length

    assert found["judge"].value == 1.0
    assert found["human"].value is not None
    assert abs(found["human"].value) < 0.5


def test_the_reliability_curve_has_the_bins_that_hold_answers() -> None:
    """Each tenth of the judge's scale shows the mean mark people gave; 100 belongs to the last one."""
    rows = [gold_row(1, 1), gold_row(2, 2), gold_row(3, 3), gold_row(4, 5)]

    first, last = report_of(rows, [41, 45, 49.9, 100]).reliability

    assert (first.low, first.high, first.n, first.human_mean) == (40, 50, 3, 2.0)
    assert first.human_interval == pytest.approx((2 - 1.96 / 3**0.5, 2 + 1.96 / 3**0.5), abs=1e-3)
    assert (last.low, last.high, last.n, last.human_interval) == (90, 100, 1, None)


def test_labels_are_summed_up() -> None:
    """A data set's own labels are ranked by what people gave them; answers without a label are left out."""
    rows = [gold_row(1, 1, label="wrong"), gold_row(2, 5, label="right"), gold_row(3, 3), gold_row(4, 2, label="wrong")]

    summaries = report_of(rows, [0, 100, 50, 20]).labels

    assert [(s.label, s.n, s.human_mean, s.judge_mean) for s in summaries] == [
        ("right", 1, 5.0, 5.0),
        ("wrong", 2, 1.5, 0.5),
    ]


def test_the_ten_worst_disagreements_carry_their_text() -> None:
    """They are sorted by distance in either direction, with what is needed to look at them."""
    rows = [gold_row(n, 2.5) for n in range(12)]
    scores = [50.0 + n * 4 * (-1) ** n for n in range(12)]

    worst = report_of(rows, scores).worst

    assert [item.id for item in worst] == [f"row-{n}" for n in range(11, 1, -1)]
    assert worst[0].difference == pytest.approx(-2.2)
    assert (worst[0].answer, worst[0].question, worst[0].line) == (rows[11].answer, STACK[0], 12)


def test_the_spread_of_equal_scores_is_zero() -> None:
    """A judge that repeats itself has no spread; an answer that was not judged every time does not count."""
    answers = judged([gold_row(1, 1), gold_row(2, 1)], [40, 40])
    thrice = [replace(answers[0], scores=(40.0, 40.0, 40.0)), replace(answers[1], scores=(1.0, 2.0))]

    spread = report_on(thrice, 3).repeat

    assert spread is not None
    assert (spread.answers, spread.mean_sd, spread.max_sd, spread.max_range, spread.changed) == (1, 0, 0, 0, 0)


def test_the_spread_is_the_sample_standard_deviation() -> None:
    """Maximum and mean over the answers, in points."""
    answers = judged([gold_row(1, 1), gold_row(2, 1)], [40, 40])
    twice = [replace(answers[0], scores=(40.0, 42.0)), replace(answers[1], scores=(40.0, 40.0))]

    spread = report_on(twice, 2).repeat

    assert spread is not None
    assert spread.max_sd == pytest.approx(2**0.5, abs=1e-4)
    assert spread.mean_sd == pytest.approx(2**0.5 / 2, abs=1e-4)
    assert (spread.max_range, spread.changed) == (2.0, 1)
    once = report_on(answers, 2).repeat
    assert once is not None
    assert (once.answers, once.mean_sd, once.max_range) == (0, None, None)
    assert report_on(answers).repeat is None


def test_unjudged_answers_are_counted_by_reason_and_change_nothing() -> None:
    """Leaving them out gives the same figures; reasons that differ only in their details are one."""
    rows = gold_rows(20)
    scores: list[float | None] = [5.0 * n for n in range(20)]
    extra = [gold_row(n, 5) for n in (30, 31, 32)]
    missing = judged(extra, [None] * 3)
    reasons = ["The answer is too short to judge (3 words).", "The answer is too short to judge (4 words).", "blocked"]
    missing = [replace(answer, reason=reason) for answer, reason in zip(missing, reasons, strict=True)]
    missing[2] = replace(missing[2], failed=True)

    whole = report_on([*judged(rows, scores), *missing])

    assert (whole.judged, whole.unjudged, whole.failed) == (20, 3, 1)
    assert [(r.reason, r.count) for r in whole.unjudged_reasons] == [
        ("The answer is too short to judge", 2),
        ("blocked", 1),
    ]
    assert whole.agreement == report_on(judged(rows, scores)).agreement


def test_a_report_without_any_score_is_still_a_report() -> None:
    """When nothing could be judged every figure is None with a reason."""
    report = report_on(judged(gold_rows(4), [None] * 4))

    assert report.judged == 0
    assert report.agreement.pooled.pearson.reason == "only 0 answers; at least 3 are needed"
    assert (report.questions, report.worst, report.reliability, report.human) == ([], [], [], None)
    assert report.seconds_per_answer is None


def test_cost_and_time_are_those_of_the_judged_answers() -> None:
    """Time is an average, cost a sum, and unknown costs stay unknown."""
    answers = judged(gold_rows(3), [10, 20, None])
    timed = [
        replace(answers[0], seconds=1.0, cost_usd=0.5),
        replace(answers[1], seconds=3.0, cost_usd=0.25),
        answers[2],
    ]

    assert (report_on(timed).seconds_per_answer, report_on(timed).cost_usd) == (2.0, 0.75)
    assert report_on(answers).cost_usd is None


def test_a_calibration_is_fitted_on_one_half_and_measured_on_the_other() -> None:
    """A judge whose scale is squeezed is put right on questions that the fit never saw."""
    rows = gold_rows(40)
    answers = judged(rows, [40 + 4 * row.score + (n % 3) for n, row in enumerate(rows)])

    report, calibration = calibrated(report_on(answers), answers, "mine")

    outcome = report.calibration
    assert outcome is not None
    assert (outcome.fit_questions, outcome.held_out_questions) == (2, 2)
    assert outcome.fit_answers + outcome.held_out_answers == 40
    assert outcome.before.rmse.value is not None
    assert outcome.after.rmse.value is not None
    assert outcome.after.rmse.value < outcome.before.rmse.value / 2
    assert (calibration.name, calibration.judge, calibration.model) == ("mine", "scripted", "scripted-model")
    assert (calibration.n, calibration.knots, calibration.created_at) == (outcome.fit_answers, outcome.knots, NOW)


def test_fitting_does_not_see_the_held_out_half() -> None:
    """Changing the marks of the other half changes the report on it, not the mapping."""
    rows = gold_rows(40)
    answers = judged(rows, [2.5 * n for n in range(40)])
    report, calibration = calibrated(report_on(answers), answers, "mine")
    fit_ids = fit_half((pair.question_id for pair in report.pairs), report.gold.seed)
    turned = [
        a if a.task.question.id in fit_ids else replace(a, task=replace(a.task, row=replace(a.task.row, score=2.0)))
        for a in answers
    ]

    again, same = calibrated(report_on(turned), turned, "mine")

    assert same.knots == calibration.knots
    assert again.calibration != report.calibration


@pytest.mark.parametrize("rows", [gold_rows(12), [gold_row(n, n % 5) for n in range(40)]])
def test_too_little_data_makes_no_calibration(rows: list[GoldRow]) -> None:
    """A dozen answers, or a single question, are refused with what would be needed."""
    answers = judged(rows, [float(n) for n in range(len(rows))])

    with pytest.raises(InputError, match="too few for a calibration"):
        calibrated(report_on(answers), answers, "mine")


def test_the_report_on_a_good_judge_is_better_than_on_a_random_one() -> None:
    """The whole chain orders judges as it should."""
    rows = gold_rows(40)
    good = report_on(judged(rows, [20 * row.score for row in rows]))
    bad = report_on(judged(rows, [float(n * 37 % 100) for n in range(40)]))

    assert good.agreement.pooled.pearson.value == 1.0
    assert bad.agreement.pooled.pearson.value is not None
    assert bad.agreement.pooled.pearson.value < 0.5
    assert fmean(abs(item.difference) for item in good.worst) == 0


def correlated(n: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return marks that agree roughly, many of them equal."""
    random = np.random.default_rng(seed)
    human = np.clip(np.round(random.normal(3, 1.3, n) * 2) / 2, 0, 5)
    return list(map(float, np.clip(human + random.normal(0, 1, n), 0, 5))), list(map(float, human))


def values(agreement: Agreement) -> dict[str, float | None]:
    """Return the figures without intervals."""
    return {name: getattr(agreement, name).value for name in NAMES}


def test_a_small_table_gives_what_was_computed_by_hand() -> None:
    """All seven statistics of four answers are the ones worked out on paper."""
    found = values(agreement_of(FIRST, SECOND, FIVE, 0))

    r = 4 / math.sqrt(20)  # deviations -1.5 -0.5 0.5 1.5 and -1 -1 1 1; ranks have the same ones
    assert found == pytest.approx(
        {
            "pearson": r,
            "spearman": r,
            "qwk": 1 - 0.5 / (1.25 + 1 + 0.25),
            "rmse": math.sqrt(0.5),
            "exact": 0.5,
            "adjacent": 1.0,
            "bias": -0.5,
        },
        abs=1e-6,
    )


def test_correlations_and_kappa_are_those_of_scipy_and_scikit_learn() -> None:
    """On 300 answers with many ties each figure equals that of the reference implementation."""
    judge, human = correlated(300)

    found = values(agreement_of(judge, human, FIVE, 0))

    rounded = [np.floor(np.array(marks) + 0.5).astype(int) for marks in (judge, human)]
    assert found["pearson"] == pytest.approx(stats.pearsonr(judge, human).statistic, abs=1e-6)
    assert found["spearman"] == pytest.approx(stats.spearmanr(judge, human).statistic, abs=1e-6)
    assert found["qwk"] == pytest.approx(cohen_kappa_score(*rounded, weights="quadratic"), abs=1e-6)


@given(st.lists(st.tuples(MARKS, MARKS), min_size=3, max_size=30))
def test_kappa_is_that_of_the_contingency_table(pairs: list[tuple[float, float]]) -> None:
    """For any marks the closed form equals the kappa of the table, and is None exactly where that is undefined."""
    first, second = zip(*pairs, strict=True)
    found = point_figures(first, second, FIVE)["qwk"]

    rounded = [np.floor(np.array(marks) + 0.5).astype(int) for marks in (first, second)]
    if found is None:
        assert len({*rounded[0], *rounded[1]}) == 1
    else:
        expected = cohen_kappa_score(*rounded, weights="quadratic", labels=range(6))
        assert found == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.tuples(MARKS, MARKS), max_size=12))
def test_nothing_is_ever_nan(pairs: list[tuple[float, float]]) -> None:
    """Whatever the data, a figure is a finite number, or None with a reason; an interval encloses finite numbers."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]

    for _, statistic in agreement_of(first, second, FIVE, 0):
        if statistic.value is None:
            assert statistic.reason
            assert statistic.interval is None
        else:
            assert math.isfinite(statistic.value)
        if statistic.interval:
            assert statistic.interval[0] <= statistic.interval[1]


def test_marks_that_are_all_equal_have_no_correlation() -> None:
    """The reason names the side whose marks do not differ."""
    found = agreement_of([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], FIVE, 0)

    assert (found.pearson.value, found.pearson.reason) == (None, "all human marks are equal")
    assert found.rmse.value == pytest.approx(math.sqrt(2 / 3), abs=1e-6)
    assert found.bias.value == 0.0


def test_equal_marks_on_both_sides_are_named_both() -> None:
    """Two constant sides have no kappa either, and no rank correlation."""
    found = agreement_of([2.0] * 4, [2.0] * 4, FIVE, 0)

    assert found.spearman.reason == "all marks of the judge and all human marks are equal"
    assert (found.qwk.value, found.qwk.reason) == (None, "all marks fall on the same step")
    assert found.exact.value == 1.0


def test_two_answers_are_too_few() -> None:
    """Below three answers nothing is computed, and the reason says how many there are."""
    found = agreement_of([1.0, 2.0], [1.0, 2.0], FIVE, 0)

    assert {(s.value, s.n, s.reason) for _, s in found} == {(None, 2, "only 2 answers; at least 3 are needed")}
    assert set(point_figures([1.0, 2.0], [1.0, 2.0], FIVE)) == set(NAMES)


def test_the_same_seed_gives_the_same_intervals() -> None:
    """Resampling depends on the seed alone."""
    judge, human = correlated(60)

    once, again, other = (agreement_of(judge, human, FIVE, seed) for seed in (4, 4, 5))

    assert once == again
    assert once.pearson.interval != other.pearson.interval


def test_intervals_are_those_of_another_bootstrap() -> None:
    """scipy's own percentile bootstrap of Pearson's r gives nearly the same interval."""
    judge, human = correlated(200)
    interval = agreement_of(judge, human, FIVE, 0).pearson.interval

    reference = stats.bootstrap(
        (judge, human),
        lambda a, b, axis: stats.pearsonr(a, b, axis=axis).statistic,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert interval == pytest.approx((reference.low, reference.high), abs=0.02)


def test_an_interval_needs_marks_that_differ() -> None:
    """When most resamples are constant the figure stands, without an interval that would pretend to be exact."""
    found = agreement_of([1.0, 1.0, 1.0, 2.0], [1.0, 1.0, 1.0, 2.0], FIVE, 0).pearson

    assert (found.value, found.interval) == (1.0, None)
    assert found.reason == "too few different marks for an interval"


@pytest.mark.parametrize(
    ("marks", "scale", "same"),
    [
        ([0.49, 0.5, 2.4999999999, 4.6, 9.0, -1.0], FIVE, [0, 1, 3, 5, 5, 0]),
        ([1.0, 1.24, 1.25, 3.9], Scale(low=1, high=4, step=0.5), [1.0, 1.0, 1.5, 4.0]),
        ([3.0, 97.0, 50.0], Scale(low=0, high=100, step=10), [0, 100, 50]),
    ],
)
def test_marks_are_rounded_to_steps(marks: Sequence[float], scale: Scale, same: Sequence[float]) -> None:
    """Halves go up, noise of the last digits does not decide, and what lies outside counts as the end."""
    assert point_figures(marks, same, scale)["exact"] == 1.0


def test_an_average_over_few_questions_has_no_interval() -> None:
    """Two questions cannot say how questions differ; none at all have no average."""
    two = agreement_views(FIRST + FIRST, SECOND + FIRST, ["a"] * 4 + ["b"] * 4, FIVE, 0).per_question.rmse
    none = agreement_views(FIRST, SECOND, list("abcd"), FIVE, 0).per_question.rmse

    assert (two.n, two.interval, two.reason) == (2, None, "too few questions for an interval")
    assert (none.value, none.n, none.reason) == (None, 0, "undefined for every question")


def test_an_average_over_questions_leaves_out_what_is_undefined_and_has_an_interval() -> None:
    """Questions without a figure do not count as zero."""
    questions = [name for name in "abcd" for _ in range(4)]

    found = agreement_views(FIRST * 4, [*SECOND * 3, 2.0, 2.0, 2.0, 2.0], questions, FIVE, 0).per_question

    assert (found.pearson.n, found.rmse.n) == (3, 4)
    assert found.pearson.reason == "undefined for 1 of 4 questions, which are left out"
    assert found.pearson.interval is not None


def test_the_report_is_read_back_from_its_json() -> None:
    """JSON holds the same object as the other views, under the contract's names."""
    report = full_report()

    data = report.model_dump_json(by_alias=True)

    assert AgreementReport.model_validate_json(data) == report
    assert '"schema":"coach/agreement@1"' in data
    assert "NaN" not in data
