"""Tests of coach.model.rate_limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.model.rate_limits import LONGEST_PAUSE, Allowance, RateLimits, read_rate_limits, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("250ms", 0.25), ("1h2m3s", 3723.0), ("12.5", 12.5), ("1d", 86400.0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Durations come in the forms that servers send."""
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "1x", "-1s", "1 s", "9" * 60])
def test_what_is_no_duration_is_not_said(text: str) -> None:
    """Anything else counts as not said."""
    assert seconds_of(text) is None


def test_an_exhausted_limit_asks_for_a_pause() -> None:
    """Without requests or tokens left the pause lasts until the limit is reset, the longer one of both."""
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "100",
        "x-ratelimit-reset-tokens": "6s",
    }

    assert read_rate_limits(headers).pause(tokens_needed=50) == 2.0
    assert read_rate_limits(headers).pause(tokens_needed=500) == 6.0


def test_what_is_in_flight_uses_up_what_is_left() -> None:
    """Five left are enough for one request, not for one after five that are on their way."""
    limits = RateLimits(requests=Allowance(5, 1.0))

    assert limits.pause(0) == 0.0
    assert limits.pause(0, in_flight=5) == 1.0


def test_a_pause_has_an_end() -> None:
    """A limit of a day is not waited for."""
    assert RateLimits(requests=Allowance(0, 80_000.0)).pause(0) == LONGEST_PAUSE


@given(st.dictionaries(st.sampled_from(["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]), st.text()))
def test_no_header_does_harm(headers: dict[str, str]) -> None:
    """Whatever a server sends, a pause is a number of seconds."""
    assert 0 <= read_rate_limits(headers).pause(10) <= LONGEST_PAUSE
