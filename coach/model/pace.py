"""Many requests at a pace that the server bears: how much is in flight, when to wait, try again, and give up.

The number in flight grows until the server pushes back, then halves (AIMD: Chiu and Jain, "Analysis of the increase and
decrease algorithms for congestion avoidance", 1989); the doubling at the start is TCP's slow start (RFC 5681, section
3.1). The openai package's own retries are off here: they would hide the server's push-back.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from coach.errors import (
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelServerError,
    ModelTimeoutError,
)
from coach.model.completion import ChatModel, Completion, CompletionRequest

#: The most requests in flight where nobody says how many.
MAXIMUM = 64
#: A limit that says it is used up for longer than this is not waited for here; the server will say so with a 429.
LONGEST_PAUSE = 120.0
#: What a request of a batch takes, more or less, for the server's limit on tokens.
_TOKENS_OF_A_REQUEST = 2000
_START = 4
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class AdaptiveLimit:
    """The number of requests in flight that the server seems to bear. Pure: time comes in as an argument.

    It doubles with every round of successes until the first push-back, and grows by one a round afterwards. A round
    is as many successes as requests may be in flight. Push-backs of requests that were sent before the last
    decrease say nothing new, so they count once.
    """

    def __init__(self, maximum: int = MAXIMUM, start: int = _START) -> None:
        self.maximum = max(1, maximum)
        self._limit = float(min(max(1, start), self.maximum))
        self._doubling = True
        self._decreased_at = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight now, from 1."""
        return int(self._limit)

    def succeeded(self) -> None:
        """Note that a request was answered."""
        grown = self._limit + (1.0 if self._doubling else 1.0 / self._limit)
        self._limit = min(float(self.maximum), grown)

    def pushed_back(self, sent_at: float, now: float) -> None:
        """Note that the request sent at ``sent_at`` met a rate limit, a time-out or an overloaded server."""
        if sent_at < self._decreased_at:
            return
        self._doubling = False
        self._decreased_at = now
        self._limit = max(1.0, self._limit / 2)


class FixedLimit(AdaptiveLimit):
    """A number of requests in flight that nothing changes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, start=limit)

    def pushed_back(self, sent_at: float, now: float) -> None:
        """Nothing changes."""


def pause_of(headers: Mapping[str, str], in_flight: int = 0) -> float:
    """Return the seconds to wait before the next request because of what a response says about limits.

    Names of headers are in small letters; what is missing or unreadable counts as not said. ``in_flight`` requests were
    sent after the one that brought these headers, and use up what is left. The headers are OpenAI's (its guide "Rate
    limits"); many compatible services send the same.
    """
    pause = 0.0
    for kind, needed in (("requests", 1 + in_flight), ("tokens", _TOKENS_OF_A_REQUEST * (1 + in_flight))):
        remaining = headers.get(f"x-ratelimit-remaining-{kind}", "").strip()
        reset = seconds_of(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if reset is not None and re.fullmatch(r"\d{1,12}", remaining) and int(remaining) < needed:
            pause = max(pause, reset)
    return min(pause, LONGEST_PAUSE)


def seconds_of(text: str) -> float | None:
    """Return the seconds of a duration such as ``1s``, ``6m0s``, ``250ms``, ``1h2m`` or ``12.5``; else None."""
    text = text.strip()
    if not text or len(text) > 40 or not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit or ""] for number, unit in _PART.findall(text))


@dataclass(frozen=True)
class Patience:
    """How long a batch puts up with a server. Times are in seconds.

    A request is tried ``tries`` times, ``first_wait`` apart and then twice as long each time, up to ``longest_wait``.
    The endpoint counts as down after ``failures`` failed tries in a row over at least ``down_after``. A server that
    asks to wait longer than ``longest_retry_after`` is not waited for.
    """

    #: Enough to find out first whether the endpoint is down.
    tries: int = 7
    first_wait: float = 0.5
    longest_wait: float = 20.0
    failures: int = 10
    down_after: float = 15.0
    longest_retry_after: float = 300.0


class EndpointDownError(ModelConnectionError):
    """The endpoint failed so often in a row that going on would only burn through the rows."""

    retryable = False


class PacedChatModel:
    """Wraps a chat model; implements ``coach.model.completion.ChatModel``.

    ``observe`` is called by the wrapped model with the headers of each response, where it can.
    """

    def __init__(
        self,
        model: ChatModel,
        limit: AdaptiveLimit,
        patience: Patience | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._limit = limit
        self._patience = patience or Patience()
        self._inside = 0
        self._room = asyncio.Condition()
        self._clock = clock
        self._sleep = sleep
        self._not_before = 0.0
        self._failures = 0
        self._failing_since = 0.0
        self._down: EndpointDownError | None = None

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return self._model.endpoint

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take note of the limits that a response's headers tell."""
        pause = pause_of(headers, max(0, self._inside - 1))
        if pause:
            self._wait_at_least(pause)

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request when it is its turn, again after failures that may pass; raises ModelError.

        Raises EndpointDownError, now and at every later call, once the endpoint counts as down.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._try(request)
            except ModelError as error:
                wait = self._wait_after(error, attempt)
                if wait is None:
                    raise
            await self._sleep(wait)

    async def _try(self, request: CompletionRequest) -> Completion:
        async with self._room:
            await self._room.wait_for(lambda: self._inside < self._limit.limit)
            self._inside += 1
        try:
            while (wait := self._not_before - self._clock()) > 0:
                await self._sleep(wait)
            if self._down:
                raise self._down
            sent_at = self._clock()
            try:
                completion = await self._model.complete(request)
            except ModelError as error:
                self._failed(error, sent_at)
                raise
            self._failures = 0
            self._limit.succeeded()
            return completion
        finally:
            self._inside -= 1
            async with self._room:
                # One for the place that is free now, one for what the limit may have grown by.
                self._room.notify(2)

    def _failed(self, error: ModelError, sent_at: float) -> None:
        now = self._clock()
        if isinstance(error, ModelRateLimitError | ModelTimeoutError):
            self._limit.pushed_back(sent_at, now)
        if isinstance(error, ModelRateLimitError):
            self._failures = 0
            if error.retry_after is not None and error.retry_after <= self._patience.longest_retry_after:
                self._wait_at_least(error.retry_after)
        elif isinstance(error, ModelConnectionError | ModelServerError):
            if not self._failures:
                self._failing_since = now
            self._failures += 1
            patience = self._patience
            if self._failures >= patience.failures and now - self._failing_since >= patience.down_after:
                self._down = EndpointDownError(
                    f"{self.endpoint} failed {self._failures} times in a row; last: {error.message}", error.hint
                )
        else:
            # It answered, whatever it said.
            self._failures = 0

    def _wait_after(self, error: ModelError, attempt: int) -> float | None:
        """Return how long to wait before the next try; None when there is none."""
        patience = self._patience
        if self._down:
            raise self._down from None
        # The judges put unreadable replies right in their own way.
        if not error.retryable or isinstance(error, ModelReplyError) or attempt >= patience.tries:
            return None
        if isinstance(error, ModelRateLimitError) and error.retry_after is not None:
            # All wait for it at the door; this one needs no wait of its own.
            return 0.0 if error.retry_after <= patience.longest_retry_after else None
        longest = min(patience.longest_wait, patience.first_wait * 2.0 ** (attempt - 1))
        # Not all at the same moment again.
        return longest * random.uniform(0.5, 1.0)

    def _wait_at_least(self, seconds: float) -> None:
        self._not_before = max(self._not_before, self._clock() + seconds)
