"""Tests of coach.compare.difference."""

from __future__ import annotations

import math

import pytest
from assessment_factory import dicom_question, dicom_rubric, shipped_bank
from hypothesis import given
from hypothesis import strategies as st

from coach.compare.difference import JITTER, MIN_CHANGE, PairedDifference, paired_difference, rule_in_words
from coach.submit.changes import NOISE, Z
from coach.submit.scoring import check_shares, score_answer

CHECKS = shipped_bank().checks_of(dicom_question())
POINTS = [check.id for check in CHECKS if check.kind == "point"]
FLAGS = [check.id for check in CHECKS if check.kind == "red_flag"]
PROBABILITY = st.floats(0, 1).map(lambda p: round(p, 4))
VERDICTS = st.fixed_dictionaries({}, optional={check.id: PROBABILITY for check in CHECKS})


def compared(old: dict[str, float], new: dict[str, float]) -> PairedDifference:
    """Return the difference of two versions; a point that is not named has 0.5, a red flag 0.05."""
    default = {**dict.fromkeys(POINTS, 0.5), **dict.fromkeys(FLAGS, 0.05)}
    difference = paired_difference(dicom_rubric(), CHECKS, {**default, **old}, {**default, **new})
    assert difference is not None
    return difference


def share(check_id: str) -> float:
    """Return the points that a check can move at most."""
    return check_shares(dicom_rubric(), CHECKS, dict.fromkeys([*POINTS, *FLAGS], 0.5))[check_id]


@given(VERDICTS, VERDICTS)
def test_swapping_the_versions_mirrors_the_result_exactly(old: dict[str, float], new: dict[str, float]) -> None:
    """Position does not matter: every sign turns round, and nothing else changes by a single bit."""
    there = paired_difference(dicom_rubric(), CHECKS, old, new)
    back = paired_difference(dicom_rubric(), CHECKS, new, old)

    if there is None or back is None:
        assert there is back is None
        return
    mirrored = {"improved": "worse", "worse": "improved", "no_clear_change": "no_clear_change"}
    assert back.difference == -there.difference
    assert back.deviation == there.deviation
    assert back.interval == (-there.interval[1], -there.interval[0])
    assert back.verdict == mirrored[there.verdict]
    assert back.parts == pytest.approx({check: -part for check, part in there.parts.items()}, abs=1e-9)


@given(VERDICTS, VERDICTS)
def test_the_parts_add_up_to_the_difference_of_the_scores(old: dict[str, float], new: dict[str, float]) -> None:
    """Over the checks judged in both, the difference is that of the two scores, and each check has its part of it."""
    difference = paired_difference(dicom_rubric(), CHECKS, old, new)
    shared = [check for check in CHECKS if check.id in old and check.id in new]
    scores = [score_answer(dicom_rubric(), shared, side) for side in (old, new)]

    if scores[0] is None or scores[1] is None:
        assert difference is None
        return
    assert difference is not None
    assert difference.difference == pytest.approx(scores[1] - scores[0], abs=1e-9)
    assert math.fsum(difference.parts.values()) == pytest.approx(difference.difference, abs=1e-6)


@given(VERDICTS)
def test_a_version_is_never_better_than_itself(verdicts: dict[str, float]) -> None:
    """The same verdicts differ by nothing and without doubt."""
    difference = paired_difference(dicom_rubric(), CHECKS, verdicts, verdicts)

    assert difference is None or (difference.difference, difference.deviation, difference.verdict) == (
        0,
        0,
        "no_clear_change",
    )


def test_a_point_counts_by_its_share() -> None:
    """The part of a point is what it can move, times how far its probability rose."""
    difference = compared({"header-tags": 0.1}, {"header-tags": 0.9})

    assert difference.difference == pytest.approx(0.8 * share("header-tags"))
    assert difference.deviation == pytest.approx(NOISE * share("header-tags"))
    assert (difference.verdict, difference.threshold) == ("improved", MIN_CHANGE)


def test_only_checks_that_changed_add_doubt() -> None:
    """What both versions share cancels out, however uncertain it is."""
    one = compared({"header-tags": 0.1}, {"header-tags": 0.9})
    both = compared({"header-tags": 0.1, "modality-worklist": 0.2}, {"header-tags": 0.9, "modality-worklist": 0.8})

    assert both.deviation == pytest.approx(math.hypot(one.deviation, NOISE * share("modality-worklist")))


def test_the_last_digits_of_a_model_are_no_doubt() -> None:
    """A probability that differs by less than a served model repeats itself adds nothing to the doubt."""
    difference = compared({}, {"header-tags": 0.5 + JITTER / 2, "modality-worklist": 0.5 + 2 * JITTER})

    assert difference.deviation == pytest.approx(NOISE * share("modality-worklist"))


def test_what_rewording_can_move_is_no_change() -> None:
    """Many checks that each moved within the noise are no improvement, though their sum is above the minimum."""
    difference = compared({}, dict.fromkeys(POINTS, 0.5 + NOISE / 3))

    assert MIN_CHANGE < difference.difference < Z * difference.deviation
    assert difference.verdict == "no_clear_change"


def test_a_few_points_are_no_change() -> None:
    """A difference up to the minimum is not called better or worse, however sure it is."""
    assert PairedDifference(MIN_CHANGE, 0.1, {}).verdict == "no_clear_change"
    assert PairedDifference(-MIN_CHANGE, 0.1, {}).verdict == "no_clear_change"
    assert PairedDifference(MIN_CHANGE + 0.01, 0.1, {}).verdict == "improved"
    assert PairedDifference(-MIN_CHANGE - 0.01, 0.1, {}).verdict == "worse"


def test_a_red_flag_costs_what_it_costs_in_the_score() -> None:
    """A wrong statement makes the version worse; one that is only half suspected costs nothing."""
    surely = compared({}, {"guaranteed-plug-and-play": 0.95})
    perhaps = compared({}, {"guaranteed-plug-and-play": 0.49})
    not_at_all = compared({}, {"guaranteed-plug-and-play": 0.1})

    assert surely.difference == pytest.approx(share("guaranteed-plug-and-play"))
    assert surely.verdict == "worse"
    assert perhaps.difference == not_at_all.difference == 0
    assert perhaps.deviation > not_at_all.deviation == 0


def test_where_the_credit_is_at_zero_the_parts_are_scaled() -> None:
    """A criterion cannot lose more than it had: the parts of its checks share what it really lost."""
    poor = {check.id: 0.1 for check in CHECKS if check.criterion == "concepts" and check.kind == "point"}
    difference = compared(poor, {**poor, "only-a-file-format": 0.95})

    assert share("only-a-file-format") < difference.difference < 0
    assert difference.parts["only-a-file-format"] == pytest.approx(difference.difference)


def test_the_interval_stays_on_the_scale() -> None:
    """No interval of a difference reaches beyond 100 points."""
    low, high = PairedDifference(-99.0, 5.0, {}).interval

    assert low == -100
    assert -99 < high < -80


def test_the_rule_is_told_with_its_numbers() -> None:
    """The report can say how the verdict was found, and which of the two limits counted."""
    words = PairedDifference(9.0, 5.0, {}).in_words()

    assert "more than 8.2 points" in words
    assert "3 points" in words
    assert "1.64 standard deviations" in words
    assert "3 points" in rule_in_words()
