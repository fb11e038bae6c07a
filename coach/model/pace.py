"""Many requests at a pace that the server bears: how much is in flight, when to wait, try again, and give up.

The number in flight grows until the server pushes back, then halves (AIMD: Chiu and Jain, "Analysis of the increase and
decrease algorithms for congestion avoidance", 1989); the doubling at the start is TCP's slow start (RFC 5681, section
3.1). The openai package's own retries are off here: they would hide the server's push-back.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
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
_START = 4


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
    """Wraps a chat model; implements ``coach.model.completion.ChatModel``."""

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
        self.name, self.endpoint = model.name, model.endpoint
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
                self._not_before = max(self._not_before, now + error.retry_after)
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
