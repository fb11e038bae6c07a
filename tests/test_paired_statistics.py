"""Tests of coach.calibrate.paired_statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from coach.calibrate.calibration import Scale, Statistic
from coach.calibrate.paired_statistics import (
    NAMES,
    mean_of,
    paired_statistics,
    point_statistics,
    rank_correlation,
    steps_of,
)

FIVE = Scale(low=0, high=5, step=1)
BY = ("marks of the judge", "human marks")
FIRST, SECOND = [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 4.0, 4.0]
MARKS = st.integers(0, 50).map(lambda tenths: tenths / 10)


def correlated(n: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return marks that agree roughly, many of them equal."""
    random = np.random.default_rng(seed)
    human = np.clip(np.round(random.normal(3, 1.3, n) * 2) / 2, 0, 5)
    return list(map(float, np.clip(human + random.normal(0, 1, n), 0, 5))), list(map(float, human))


def values(statistics: dict[str, Statistic]) -> dict[str, float | None]:
    """Return the figures without intervals."""
    return {name: statistic.value for name, statistic in statistics.items()}


def test_a_small_table_gives_what_was_computed_by_hand() -> None:
    """All seven statistics of four answers are the ones worked out on paper."""
    found = values(paired_statistics(FIRST, SECOND, FIVE, 0, BY))

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

    found = values(paired_statistics(judge, human, FIVE, 0, BY))

    rounded = [steps_of(np.array(marks), FIVE).astype(int) for marks in (judge, human)]
    assert found["pearson"] == pytest.approx(stats.pearsonr(judge, human).statistic, abs=1e-6)
    assert found["spearman"] == pytest.approx(stats.spearmanr(judge, human).statistic, abs=1e-6)
    assert found["qwk"] == pytest.approx(cohen_kappa_score(*rounded, weights="quadratic"), abs=1e-6)


@given(st.lists(st.tuples(MARKS, MARKS), min_size=3, max_size=30))
def test_kappa_is_that_of_the_contingency_table(pairs: list[tuple[float, float]]) -> None:
    """For any marks the closed form equals the kappa of the table, and is None exactly where that is undefined."""
    first, second = zip(*pairs, strict=True)
    found = point_statistics(first, second, FIVE)["qwk"]

    rounded = [steps_of(np.array(marks), FIVE).astype(int) for marks in (first, second)]
    if found is None:
        assert len({*rounded[0], *rounded[1]}) == 1
    else:
        expected = cohen_kappa_score(*rounded, weights="quadratic", labels=range(6))
        assert found == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.tuples(MARKS, MARKS), max_size=12))
def test_nothing_is_ever_nan(pairs: list[tuple[float, float]]) -> None:
    """Whatever the data, a figure is a finite number, or None with a reason; an interval encloses finite numbers."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]

    for statistic in paired_statistics(first, second, FIVE, 0, BY).values():
        if statistic.value is None:
            assert statistic.reason
            assert statistic.interval is None
        else:
            assert math.isfinite(statistic.value)
        if statistic.interval:
            assert statistic.interval[0] <= statistic.interval[1]


def test_marks_that_are_all_equal_have_no_correlation() -> None:
    """The reason names the side whose marks do not differ."""
    found = paired_statistics([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], FIVE, 0, BY)

    assert (found["pearson"].value, found["pearson"].reason) == (None, "all human marks are equal")
    assert found["rmse"].value == pytest.approx(math.sqrt(2 / 3), abs=1e-6)
    assert found["bias"].value == 0.0


def test_equal_marks_on_both_sides_are_named_both() -> None:
    """Two constant sides have no kappa either, and no rank correlation."""
    found = paired_statistics([2.0] * 4, [2.0] * 4, FIVE, 0, BY)

    assert found["spearman"].reason == "all marks of the judge and all human marks are equal"
    assert (found["qwk"].value, found["qwk"].reason) == (None, "all marks fall on the same step")
    assert found["exact"].value == 1.0


def test_two_answers_are_too_few() -> None:
    """Below three answers nothing is computed, and the reason says how many there are."""
    found = paired_statistics([1.0, 2.0], [1.0, 2.0], FIVE, 0, BY)

    assert {(s.value, s.n, s.reason) for s in found.values()} == {(None, 2, "only 2 answers; at least 3 are needed")}
    assert set(point_statistics([1.0, 2.0], [1.0, 2.0], FIVE)) == set(NAMES)


def test_the_same_seed_gives_the_same_intervals() -> None:
    """Resampling depends on the seed alone."""
    judge, human = correlated(60)

    once, again, other = (paired_statistics(judge, human, FIVE, seed, BY) for seed in (4, 4, 5))

    assert once == again
    assert once["pearson"].interval != other["pearson"].interval


def test_intervals_are_those_of_another_bootstrap() -> None:
    """scipy's own percentile bootstrap of Pearson's r gives nearly the same interval."""
    judge, human = correlated(200)
    interval = paired_statistics(judge, human, FIVE, 0, BY)["pearson"].interval

    reference = stats.bootstrap(
        (judge, human),
        lambda a, b, axis: stats.pearsonr(a, b, axis=axis).statistic,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert interval == pytest.approx((reference.low, reference.high), abs=0.02)


def test_large_files_are_resampled_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interval from small blocks is as wide as one from a single block, so none of the resamples is lost."""
    judge, human = correlated(120)
    whole = paired_statistics(judge, human, FIVE, 0, BY)["rmse"].interval
    monkeypatch.setattr("coach.calibrate.paired_statistics._BLOCK", 120 * 7)

    assert paired_statistics(judge, human, FIVE, 0, BY)["rmse"].interval == whole


def test_an_interval_needs_marks_that_differ() -> None:
    """When most resamples are constant the figure stands, without an interval that would pretend to be exact."""
    found = paired_statistics([1.0, 1.0, 1.0, 2.0], [1.0, 1.0, 1.0, 2.0], FIVE, 0, BY)["pearson"]

    assert (found.value, found.interval) == (1.0, None)
    assert found.reason == "too few different marks for an interval"


@pytest.mark.parametrize(
    ("marks", "scale", "steps"),
    [
        ([0.49, 0.5, 2.4999999999, 4.6, 9.0, -1.0], FIVE, [0, 1, 3, 5, 5, 0]),
        ([1.0, 1.24, 1.25, 3.9], Scale(low=1, high=4, step=0.5), [0, 0, 1, 6]),
        ([3.0, 97.0], Scale(low=0, high=100, step=10), [0, 10]),
    ],
)
def test_marks_are_rounded_to_steps(marks: Sequence[float], scale: Scale, steps: Sequence[int]) -> None:
    """Halves go up, noise of the last digits does not decide, and what lies outside counts as the end."""
    assert list(steps_of(np.array(marks), scale)) == steps


def test_rank_correlation_is_spearmans() -> None:
    """Lengths are compared by rank, so one very long answer does not decide."""
    found = rank_correlation([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 9000.0], 0, BY)

    assert (found.value, found.n) == (1.0, 4)
    assert rank_correlation([1.0], [1.0], 0, BY).reason == "only 1 answer; at least 3 are needed"


def test_an_average_leaves_out_what_is_undefined_and_says_so() -> None:
    """Questions without a figure do not count as zero."""
    found = mean_of([0.5, None, 0.7, 0.6], "question", 0)

    assert found.value == pytest.approx(0.6)
    assert found.n == 3
    assert found.reason == "undefined for 1 of 4 questions, which are left out"
    assert found.interval is not None


def test_an_average_over_few_questions_has_no_interval() -> None:
    """Two questions cannot say how questions differ; none at all have no average."""
    assert mean_of([0.5, 0.7], "question", 0).reason == "too few questions for an interval"
    assert mean_of([None, None], "question", 0) == Statistic(value=None, n=0, reason="undefined for every question")
