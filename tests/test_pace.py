"""The pace of a batch: the limit grows and halves, waits are kept, a dead endpoint is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.errors import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelServerError,
    ModelTimeoutError,
)
from coach.model.completion import Completion, CompletionRequest, Message
from coach.model.pace import AdaptiveLimit, EndpointDownError, FixedLimit, PacedChatModel, Patience

REQUEST = CompletionRequest((Message("user", "hello"),), max_tokens=1)
SOUND = Completion("hi", "stop")
PATIENCE = Patience(tries=4, first_wait=1.0, longest_wait=8.0, failures=3, down_after=30.0)


@dataclass
class Time:
    """A clock that moves only when somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


class Scripted:
    """A model that gives replies and errors in order."""

    name = "scripted"
    endpoint = "http://127.0.0.1:1/v1"

    def __init__(self, replies: Sequence[Completion | ModelError]) -> None:
        self.replies = list(replies)

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return or raise what comes next."""
        reply = self.replies.pop(0)
        if isinstance(reply, ModelError):
            raise reply
        return reply


def paced(time: Time, *replies: Completion | ModelError, patience: Patience = PATIENCE) -> PacedChatModel:
    """Return a paced model whose time is ours."""
    return PacedChatModel(Scripted(replies), FixedLimit(4), patience, clock=time.clock, sleep=time.sleep)


@pytest.mark.parametrize("error", [ModelServerError("500"), ModelConnectionError("reset"), ModelTimeoutError("slow")])
async def test_what_may_pass_is_tried_again(error: ModelError) -> None:
    """The waits grow, and the reply is that of the try that succeeds."""
    time = Time()

    assert await paced(time, error, error, SOUND).complete(REQUEST) == SOUND
    assert 0.5 <= time.slept[0] <= 1.0 <= time.slept[1] <= 2.0


async def test_tries_have_an_end() -> None:
    """After the last try its error is raised."""
    model = paced(Time(), *[ModelServerError(f"try {number}") for number in range(4)])

    with pytest.raises(ModelServerError, match="try 3"):
        await model.complete(REQUEST)


@pytest.mark.parametrize("error", [ModelAuthenticationError("no"), ModelReplyError("html")])
async def test_what_will_not_pass_is_not_tried_again(error: ModelError) -> None:
    """A refused key is final, and unreadable replies are the judge's to put right."""
    time = Time()

    with pytest.raises(type(error)):
        await paced(time, error, SOUND).complete(REQUEST)
    assert time.slept == []


async def test_retry_after_holds_for_everybody() -> None:
    """What the server asks to wait is waited for, also by requests that it did not refuse."""
    time = Time()
    model = paced(time, ModelRateLimitError("slow down", retry_after=7.0), SOUND, SOUND)

    await asyncio.gather(model.complete(REQUEST), model.complete(REQUEST))
    assert time.now == 107.0


async def test_a_wait_that_is_too_long_is_a_failure() -> None:
    """A server that asks to come back tomorrow is not waited for."""
    time = Time()

    with pytest.raises(ModelRateLimitError):
        await paced(time, ModelRateLimitError("tomorrow", retry_after=80_000.0), SOUND).complete(REQUEST)
    assert time.slept == []


async def test_an_endpoint_that_stays_down_is_given_up() -> None:
    """Enough failures in a row over enough time end this request and all later ones at once."""
    patience = Patience(tries=50, first_wait=4.0, longest_wait=20.0, failures=3, down_after=30.0)
    time = Time()
    model = paced(time, *[ModelConnectionError("refused", "Start it.")] * 50, patience=patience)

    with pytest.raises(EndpointDownError, match="times in a row; last: refused") as caught:
        await model.complete(REQUEST)
    before = time.now
    with pytest.raises(EndpointDownError):
        await model.complete(REQUEST)

    assert caught.value.hint == "Start it."
    assert 130.0 <= time.now < 180.0
    assert time.now == before


async def test_a_success_in_between_counts_anew() -> None:
    """Failures that are not in a row never add up to an endpoint that is down."""
    broken = ModelServerError("500")
    patience = Patience(tries=9, first_wait=1.0, longest_wait=1.0, failures=3, down_after=0.0)
    model = paced(Time(), broken, broken, SOUND, broken, broken, SOUND, patience=patience)

    assert await model.complete(REQUEST) == await model.complete(REQUEST) == SOUND


async def test_only_rate_limits_and_time_outs_change_the_pace() -> None:
    """An error of the server halves nothing; being too fast does."""
    time = Time()
    limit = AdaptiveLimit(maximum=32, start=16)
    replies: list[Completion | ModelError] = [ModelServerError("500"), SOUND]
    model = PacedChatModel(Scripted(replies), limit, PATIENCE, clock=time.clock, sleep=time.sleep)
    await model.complete(REQUEST)
    unchanged = limit.limit
    model = PacedChatModel(
        Scripted([ModelTimeoutError("slow"), SOUND]), limit, PATIENCE, clock=time.clock, sleep=time.sleep
    )
    await model.complete(REQUEST)

    assert (unchanged, limit.limit) == (17, 8)


class Slow(Scripted):
    """A model that notes how many requests it has at a time."""

    def __init__(self) -> None:
        super().__init__([])
        self.inside = self.most = self.done = 0

    async def complete(self, request: CompletionRequest) -> Completion:
        """Take a while."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0.001)
        self.inside -= 1
        self.done += 1
        return SOUND


@pytest.mark.parametrize(("limit", "most"), [(FixedLimit(2), 2), (AdaptiveLimit(8, start=1), 8)])
async def test_no_more_are_in_flight_than_the_limit_allows(limit: AdaptiveLimit, most: int) -> None:
    """Whoever comes later waits until there is room; a limit that grows lets more in."""
    model = Slow()
    paced_model = PacedChatModel(model, limit)

    await asyncio.gather(*(paced_model.complete(REQUEST) for _ in range(60)))

    assert (model.most, model.done) == (most, 60)


async def test_one_who_gives_up_takes_no_place() -> None:
    """A cancelled wait, and a cancelled request, leave their place to the next."""
    model = Slow()
    paced_model = PacedChatModel(model, FixedLimit(1))
    tasks = [asyncio.create_task(paced_model.complete(REQUEST)) for _ in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert await asyncio.wait_for(paced_model.complete(REQUEST), 1) == SOUND
    assert model.done == 3


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
