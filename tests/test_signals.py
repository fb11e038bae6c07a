"""From signals to a probability."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.judge import signals
from coach.judge.signals import Signals, probability_of, worth_asking

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

    monkeypatch.setitem(signals.WEIGHTS, "point", replace(signals.WEIGHTS["point"], bias=-1.0))
    changed = signals.rule_sha256()
    monkeypatch.undo()
    monkeypatch.setattr(signals, "DISBELIEF", 0.0)
    more = signals.rule_sha256()
    monkeypatch.undo()
    monkeypatch.setattr(signals, "UNTOLD", 0.0)
    untold = signals.rule_sha256()
    monkeypatch.undo()

    assert len({before, changed, more, untold}) == 4
    assert signals.rule_sha256() == before
