"""The Yes/No decision from the alternatives of one token."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.judge.log_odds import yes_log_odds


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
