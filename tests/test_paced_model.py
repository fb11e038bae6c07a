"""Tests of coach.model.pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

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
from coach.model.concurrency import AdaptiveLimit, FixedLimit
from coach.model.pace import EndpointDownError, PacedChatModel, Patience

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

    await model.complete(REQUEST)
    assert time.now == 107.0
    model.observe({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "5s"})
    await model.complete(REQUEST)
    assert time.now == 112.0


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

    assert (unchanged, limit.limit, model.push_backs) == (17, 8, 1)
