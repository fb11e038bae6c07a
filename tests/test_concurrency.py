"""Tests of coach.model.concurrency."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.model.concurrency import AdaptiveLimit, FixedLimit


def round_of(limit: AdaptiveLimit) -> None:
    """Let as many requests succeed as may be in flight."""
    for _ in range(limit.limit):
        limit.succeeded()


def test_it_doubles_until_the_server_pushes_back() -> None:
    """Each round of successes doubles the limit, up to the maximum."""
    limit = AdaptiveLimit(maximum=20, start=2)
    seen = []
    for _ in range(5):
        seen.append(limit.limit)
        round_of(limit)

    assert seen == [2, 4, 8, 16, 20]


def test_a_push_back_halves_and_growth_is_slow_afterwards() -> None:
    """After a push-back the limit is half, and grows by about one in a round."""
    limit = AdaptiveLimit(maximum=64, start=16)
    limit.pushed_back(sent_at=1.0, now=2.0)
    halved = limit.limit
    round_of(limit)
    round_of(limit)

    assert halved == 8
    assert limit.limit == 9


def test_push_backs_of_one_burst_count_once() -> None:
    """Requests that were sent before the last decrease say nothing new; those sent after it do."""
    limit = AdaptiveLimit(maximum=64, start=32)
    for sent_at in (1.0, 1.1, 1.2):
        limit.pushed_back(sent_at, now=2.0)
    once = limit.limit
    limit.pushed_back(sent_at=2.5, now=3.0)

    assert (once, limit.limit) == (16, 8)


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 50), st.integers(1, 50))
def test_the_limit_stays_within_its_bounds(answers: list[bool], maximum: int, start: int) -> None:
    """Whatever happens, at least one request and at most the maximum may be in flight."""
    limit = AdaptiveLimit(maximum, start)
    for time, ok in enumerate(answers):
        if ok:
            limit.succeeded()
        else:
            limit.pushed_back(time, time + 0.5)
        assert 1 <= limit.limit <= maximum


def test_a_fixed_limit_stays() -> None:
    """What the user fixed is not changed by anything."""
    limit = FixedLimit(7)
    limit.succeeded()
    limit.pushed_back(1.0, 2.0)

    assert (limit.limit, limit.maximum) == (7, 7)
