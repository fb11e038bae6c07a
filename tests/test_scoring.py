"""The score is arithmetic that a reader can check: bounded, monotonic, and moved by judged checks alone."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scoring_cases import Case, cases, cases_with_a_check, make_check, make_rubric

from coach.bank.questions import Check
from coach.submit.scoring import (
    ERROR_CORRELATION,
    HARM_COST,
    LEVEL_THRESHOLDS,
    RED_FLAG_COST,
    Z_90,
    check_shares,
    criterion_credit,
    gains_of,
    harm_factor,
    interval_of,
    level_of,
    red_flag_ramp,
    score_answer,
    score_criteria,
    standard_deviation,
)

TINY = 1e-9


def score(case: Case) -> float | None:
    """Return the score of a case."""
    return score_answer(case.rubric, case.checks, case.probabilities)


def judged(case: Case, kind: str) -> list[Check]:
    """Return the judged checks of a kind."""
    return [c for c in case.checks if c.kind == kind and case.probabilities[c.id] is not None]


@given(cases())
def test_score_credit_level_and_interval_stay_in_their_bounds(case: Case) -> None:
    """Credit lies in 0..1, level in 0..4, the score in 0..100 and inside its interval."""
    for item in score_criteria(case.rubric, case.checks, case.probabilities):
        assert (item.credit is None) == (item.level is None)
        if item.credit is not None and item.level is not None:
            assert 0 <= item.credit <= 1
            assert 0 <= item.level <= 4
    total = score(case)
    if total is not None:
        assert 0 <= total <= 100 + TINY
        low, high = interval_of(total, standard_deviation(case.rubric, case.checks, case.probabilities))
        assert 0 <= low <= total + TINY
        assert total - TINY <= high <= 100


@given(cases(), st.data())
def test_more_of_a_point_never_lowers_the_score(case: Case, data: st.DataObject) -> None:
    """A judged point whose probability rises cannot cost anything."""
    assume(judged(case, "point"))
    check = data.draw(st.sampled_from(judged(case, "point")))
    higher = data.draw(st.floats(case.probabilities[check.id] or 0, 1))

    assert (score(case.with_probability(check, higher)) or 0) >= (score(case) or 0) - TINY


@given(cases(), st.data())
def test_more_of_a_red_flag_never_raises_the_score(case: Case, data: st.DataObject) -> None:
    """A judged red flag whose probability rises cannot earn anything."""
    assume(judged(case, "red_flag"))
    check = data.draw(st.sampled_from(judged(case, "red_flag")))
    higher = data.draw(st.floats(case.probabilities[check.id] or 0, 1))

    assert (score(case.with_probability(check, higher)) or 0) <= (score(case) or 0) + TINY


@given(cases_with_a_check(), st.data())
def test_an_unjudged_check_moves_nothing(case: Case, data: st.DataObject) -> None:
    """Score and interval are the same as if the question did not have the check: unjudged is not zero."""
    check = data.draw(st.sampled_from(case.checks))
    unjudged = case.with_probability(check, None)
    without = unjudged.without(check)

    assert score(unjudged) == score(without)
    assert standard_deviation(unjudged.rubric, unjudged.checks, unjudged.probabilities) == standard_deviation(
        without.rubric, without.checks, without.probabilities
    )


@given(cases(), st.floats(0.1, 2), st.floats(0.1, 2))
def test_only_the_proportions_of_weights_matter(case: Case, of_criteria: float, of_checks: float) -> None:
    """Multiplying all weights of the criteria, or all weights of the checks, changes no score and no interval."""
    rubric = case.rubric.model_copy(
        update={
            "criteria": [c.model_copy(update={"weight": c.weight * of_criteria}) for c in case.rubric.criteria],
        }
    )
    checks = [check.model_copy(update={"weight": check.weight * of_checks}) for check in case.checks]

    assert score_answer(rubric, checks, case.probabilities) == pytest.approx(score(case))
    assert standard_deviation(rubric, checks, case.probabilities) == pytest.approx(
        standard_deviation(case.rubric, case.checks, case.probabilities), abs=1e-6
    )


@given(cases())
def test_all_points_and_no_red_flag_make_a_hundred(case: Case) -> None:
    """The best answer gets 100, the worst 0, with an interval of no width."""
    best = {check.id: float(check.kind == "point") for check in case.checks}
    worst = {check.id: float(check.kind == "red_flag") for check in case.checks}
    assume(any(check.kind == "point" for check in case.checks))

    assert score_answer(case.rubric, case.checks, best) == pytest.approx(100)
    assert score_answer(case.rubric, case.checks, worst) == 0
    assert standard_deviation(case.rubric, case.checks, best) == pytest.approx(0)


@given(cases())
def test_without_a_judged_point_there_is_no_score(case: Case) -> None:
    """Red flags alone make no score: it is unknown, not zero."""
    for check in case.checks:
        if check.kind == "point":
            case = case.with_probability(check, None)

    assert score(case) is None
    assert all(item.credit is None for item in score_criteria(case.rubric, case.checks, case.probabilities))
    assert check_shares(case.rubric, case.checks, case.probabilities) == {}


@given(cases_with_a_check(), st.data())
def test_a_gain_is_what_the_score_rises_by(case: Case, data: st.DataObject) -> None:
    """The promised gain comes true when the check is put right, and is never more than the check's share."""
    check = data.draw(st.sampled_from(case.checks))
    gain = gains_of(case.rubric, case.checks, case.probabilities).get(check.id, 0.0)
    before = score(case)
    put_right = case.with_probability(check, 1.0 if check.kind == "point" else 0.0)

    assert gain >= 0
    if case.probabilities[check.id] is None or before is None:
        assert gain == 0
    else:
        assert before + gain == pytest.approx(score(put_right))
        share = check_shares(case.rubric, case.checks, case.probabilities).get(check.id, 0.0)
        assert gain <= abs(share) + TINY


def test_an_example_by_hand() -> None:
    """Two criteria of weights 3 and 1, a point of double weight, and a red flag that is surely there."""
    rubric = make_rubric([3, 1])
    checks = [
        make_check("a", "c0", weight=2),
        make_check("b", "c0", weight=1),
        make_check("wrong", "c0", "red_flag", weight=1.5),
        make_check("c", "c1"),
    ]
    probabilities = {"a": 0.9, "b": 0.3, "wrong": 1.0, "c": 0.5}

    earned = (2 * 0.9 + 1 * 0.3) / 3
    credit = earned - RED_FLAG_COST  # the red flag weighs as much as the criterion's points do on average

    assert criterion_credit(rubric.criteria[0], checks, probabilities) == pytest.approx(credit)
    assert score_answer(rubric, checks, probabilities) == pytest.approx(100 * (3 * credit + 1 * 0.5) / 4)
    assert check_shares(rubric, checks, probabilities) == pytest.approx(
        {"a": 50, "b": 25, "wrong": -75 * RED_FLAG_COST, "c": 25}
    )


def test_the_standard_deviation_of_two_checks_by_hand() -> None:
    """Independent errors add as squares, and a part of them goes together."""
    rubric = make_rubric([1])
    checks = [make_check("a", "c0"), make_check("b", "c0")]

    part = 50 * math.sqrt(0.5 * 0.5)
    expected = math.sqrt((1 - ERROR_CORRELATION) * 2 * part**2 + ERROR_CORRELATION * (2 * part) ** 2)

    assert standard_deviation(rubric, checks, {"a": 0.5, "b": 0.5}) == pytest.approx(expected)
    assert interval_of(50, 10) == pytest.approx((50 - 10 * Z_90, 50 + 10 * Z_90))
    assert interval_of(3, 10)[0] == 0
    assert interval_of(97, 10)[1] == 100


def test_a_red_flag_that_is_merely_suspected_costs_nothing() -> None:
    """Below even odds a red flag is free, then its cost rises steadily to the full one."""
    ramp = [red_flag_ramp(step / 100) for step in range(101)]

    assert set(ramp[:51]) == {0.0}
    assert ramp == sorted(ramp)
    assert ramp[100] == 1.0


def test_a_red_flag_costs_at_most_twice_the_usual() -> None:
    """One heavy red flag cannot outweigh everything else beyond double its cost."""
    criterion, point = make_rubric([1]).criteria[0], make_check("a", "c0")
    credits = [
        criterion_credit(criterion, [point, make_check("wrong", "c0", "red_flag", weight)], {"a": 1.0, "wrong": 1.0})
        for weight in (1.0, 2.0, 10.0)
    ]

    assert credits == pytest.approx([1 - RED_FLAG_COST, 1 - 2 * RED_FLAG_COST, 1 - 2 * RED_FLAG_COST])


def test_levels_begin_at_their_thresholds() -> None:
    """Each threshold is the first credit of its level."""
    assert list(LEVEL_THRESHOLDS) == sorted(LEVEL_THRESHOLDS)
    for level, threshold in enumerate(LEVEL_THRESHOLDS, 1):
        assert level_of(threshold) == level
        assert level_of(threshold - 0.001) == level - 1
    assert (level_of(0), level_of(1)) == (0, 4)


def test_a_criterion_without_a_credit_does_not_count() -> None:
    """The total leaves out what was not judged instead of counting it as zero."""
    rubric = make_rubric([1, 1])
    checks = [make_check("a", "c0"), make_check("b", "c1")]
    scored = score_criteria(rubric, checks, {"a": 0.8, "b": None})

    assert scored[1].credit is None
    assert score_answer(rubric, checks, {"a": 0.8, "b": None}) == pytest.approx(80)
    assert score_answer(rubric, checks, {}) is None


def test_enough_is_full_and_less_is_in_proportion() -> None:
    """Where 60 % of the points' weight is enough, three of five points fill the criterion, and one is a third of it."""
    rubric = make_rubric([1], enough=0.6)
    checks = [make_check(name, "c0") for name in "abcde"]

    def score_with(names: str) -> float | None:
        return score_answer(rubric, checks, {check.id: float(check.id in names) for check in checks})

    assert score_with("a") == pytest.approx(100 / 3)
    assert score_with("abc") == pytest.approx(100)
    assert score_with("abcde") == pytest.approx(100)


def test_a_wrong_verdict_matters_less_where_enough_was_shown() -> None:
    """An answer that shows more than enough has a narrower interval than the same doubts at the edge."""
    rubric = make_rubric([1], enough=0.5)
    checks = [make_check(name, "c0") for name in "abcdef"]
    more = dict.fromkeys("abcde", 0.95) | {"f": 0.5}
    edge = dict.fromkeys("ab", 0.95) | dict.fromkeys("cde", 0.05) | {"f": 0.5}

    assert standard_deviation(rubric, checks, more) < 0.2 * standard_deviation(rubric, checks, edge)


def test_harm_keeps_an_answer_below_half_and_more_harm_lower() -> None:
    """From the verdict "met" on, the best answer with one recommendation of harm stays below 50; two leave less."""
    rubric = make_rubric([1])
    flags = [make_check(name, "whole-answer", "red_flag", harm=True) for name in ("x", "y")]
    checks = [make_check("a", "c0"), *flags]

    assert score_answer(rubric, checks, {"a": 1.0, "x": 0.6, "y": 0.0}) == pytest.approx(100 * (1 - HARM_COST))
    assert score_answer(rubric, checks, {"a": 1.0, "x": 0.5, "y": None}) == pytest.approx(100)
    assert harm_factor(checks, {"x": 1.0, "y": 1.0}) == pytest.approx((1 - HARM_COST) ** 2)
    assert HARM_COST > 0.5
