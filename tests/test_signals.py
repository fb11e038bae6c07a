"""From signals to a probability."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.judge import signals
from coach.judge.judging import Verdict
from coach.judge.signals import (
    MET,
    PARTLY,
    RED_FLAG_DOUBT,
    Signals,
    probability_of,
    verdict_of,
    worth_asking,
    yes_log_odds,
)

COSINE = st.floats(-0.2, 1.0)


@given(COSINE, COSINE, COSINE, st.floats(0, 1.5), st.floats(0, 1), st.floats(-5, 5), st.floats(0, 3))
def test_more_likely_yes_never_lowers_the_probability(
    statement: float, example: float, counter: float, support: float, words: float, odds: float, more: float
) -> None:
    """The model's view counts in its own direction, for points and red flags."""
    before = Signals(statement, example, counter, support, words, odds)
    after = Signals(statement, example, counter, support, words, odds + more)

    assert 0 <= probability_of("point", before) <= probability_of("point", after) <= 1
    assert 0 <= probability_of("red_flag", before) <= probability_of("red_flag", after) <= 1


def test_a_sentence_about_something_else_is_not_worth_asking_about() -> None:
    """Without any likeness the check is decided without the model."""
    assert not worth_asking("point", Signals(0.05, 0.05, 0.0, 0.05))
    assert probability_of("point", Signals(0.05, 0.05, 0.0, 0.05)) < 0.05


def test_a_reference_answer_is_always_asked_about() -> None:
    """A check that has only its statement is never left to the similarity alone."""
    assert worth_asking("point", Signals(0.99, 0.99, statement_only=True))
    assert worth_asking("point", Signals(0.0, 0.0, statement_only=True))


def test_nobody_is_accused_of_a_red_flag_that_the_model_does_not_see() -> None:
    """An honest sentence may hold most words of a wrong one: without the model's Yes it is not even suspected."""
    likeness = Signals(0.4, 0.41, 0.51, 0.52, 0.75)

    assert worth_asking("red_flag", Signals(0.9, 1.0, 0.0, 1.0, 1.0))
    assert probability_of("red_flag", replace(likeness, log_odds=-0.19)) < 0.35
    assert probability_of("red_flag", replace(likeness, log_odds=0.9)) > 0.9


def test_an_event_counts_for_it_and_its_lack_more_against_it() -> None:
    """A check that needs an event is hardly met without one; where grammar is not known, nothing follows."""
    unknown = Signals(0.5, 0.65, 0.3, 0.5, 0.3, 0.5)
    told, untold = (probability_of("point", replace(unknown, event=event)) for event in (1.0, 0.0))
    middle = probability_of("point", unknown)

    assert untold < middle < told
    assert middle - untold > told - middle


def test_another_weight_is_another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of the rule, which is part of a result's key, changes with every weight and limit."""
    before = signals.rule_sha256()

    monkeypatch.setitem(signals.RULES, "point", replace(signals.RULES["point"], bias=-1.0))
    changed = signals.rule_sha256()
    monkeypatch.undo()
    monkeypatch.setattr(signals, "DISBELIEF", 0.0)
    more = signals.rule_sha256()
    monkeypatch.undo()
    monkeypatch.setitem(signals.RULES, "matched_point", replace(signals.RULES["matched_point"], told=0.5))
    untold = signals.rule_sha256()
    monkeypatch.undo()

    assert len({before, changed, more, untold}) == 4
    assert signals.rule_sha256() == before


ORDER = [Verdict.NOT_MET, Verdict.PARTLY, Verdict.MET]


def test_each_verdict_begins_at_its_threshold() -> None:
    """MET and PARTLY are the first probabilities of their verdicts; the ends of the scale are clear."""
    assert verdict_of(MET) is Verdict.MET
    assert verdict_of(MET - 0.001) is Verdict.PARTLY
    assert verdict_of(PARTLY) is Verdict.PARTLY
    assert verdict_of(PARTLY - 0.001) is Verdict.NOT_MET
    assert (verdict_of(0.0), verdict_of(1.0)) == (Verdict.NOT_MET, Verdict.MET)


def test_a_red_flag_is_suspected_only_where_it_costs_something() -> None:
    """A statement that is perhaps wrong is not held against anybody below the probability at which its cost begins."""
    assert verdict_of(RED_FLAG_DOUBT, "red_flag") is Verdict.PARTLY
    assert verdict_of(RED_FLAG_DOUBT - 0.001, "red_flag") is Verdict.NOT_MET
    assert verdict_of(MET, "red_flag") is Verdict.MET


def test_no_probability_is_unjudged_and_not_a_no() -> None:
    """What was not judged is never reported as missing."""
    assert verdict_of(None) is Verdict.UNJUDGED


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_gives_a_lower_verdict(one: float, other: float) -> None:
    """The verdict rises with the probability."""
    low, high = sorted((one, other))

    assert ORDER.index(verdict_of(low)) <= ORDER.index(verdict_of(high))


def test_spellings_are_summed() -> None:
    """Case and leading spaces make no other word."""
    odds = yes_log_odds({"Yes": math.log(0.3), " yes": math.log(0.3), "No": math.log(0.2), "NO": math.log(0.1)})

    assert odds == pytest.approx(math.log(0.6 / 0.3))


def test_neither_word_is_no_decision() -> None:
    """A reply about something else is not taken for a No."""
    assert yes_log_odds({"Maybe": -0.1, "The": -3.0}) is None


def test_a_missing_word_is_at_most_as_likely_as_the_last_alternative() -> None:
    """What is not listed gets half of the least likely alternative."""
    assert yes_log_odds({"Yes": math.log(0.9), "Sure": math.log(0.02)}) == pytest.approx(math.log(0.9 / 0.01))


@given(st.dictionaries(st.text(max_size=5), st.floats(-40, 0), max_size=20))
def test_any_alternatives_give_a_finite_number_or_none(tokens: dict[str, float]) -> None:
    """Odd replies never become infinite or NaN."""
    odds = yes_log_odds(tokens)

    assert odds is None or math.isfinite(odds)
