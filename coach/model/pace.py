"""A chat model that keeps the server's pace: how much is in flight, when to wait, when to try again, when to give up.

The openai package's own retries are off here: they would hide the server's push-back, which is what the pace is
found by.
"""

from __future__ import annotations

import asyncio
import random
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
from coach.model.admission import Admission
from coach.model.completion import ChatModel, Completion, CompletionRequest
from coach.model.concurrency import Limit
from coach.model.rate_limits import read_rate_limits

#: What a request of a batch takes, more or less, for the server's limit on tokens.
_TOKENS_OF_A_REQUEST = 2000


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
        limit: Limit,
        patience: Patience | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._limit = limit
        self._patience = patience or Patience()
        self._admission = Admission(limit)
        self._clock = clock
        self._sleep = sleep
        self._not_before = 0.0
        self._failures = 0
        self._failing_since = 0.0
        self._down: EndpointDownError | None = None
        #: How often the server pushed back: rate limits and time-outs.
        self.push_backs = 0

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
        pause = read_rate_limits(headers).pause(_TOKENS_OF_A_REQUEST, max(0, self._admission.inside - 1))
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
        await self._admission.enter()
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
            self._admission.leave()

    def _failed(self, error: ModelError, sent_at: float) -> None:
        now = self._clock()
        if isinstance(error, ModelRateLimitError | ModelTimeoutError):
            self.push_backs += 1
            self._limit.pushed_back(sent_at, now)
        if isinstance(error, ModelRateLimitError):
            self._failures = 0
            if error.retry_after is not None and error.retry_after <= self._patience.longest_retry_after:
                self._wait_at_least(error.retry_after)
        elif isinstance(error, ModelConnectionError | ModelServerError):
            self._count_failure(error, now)
        else:
            # It answered, whatever it said.
            self._failures = 0

    def _count_failure(self, error: ModelError, now: float) -> None:
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        patience = self._patience
        if self._failures >= patience.failures and now - self._failing_since >= patience.down_after:
            self._down = EndpointDownError(
                f"{self.endpoint} failed {self._failures} times in a row; last: {error.message}", error.hint
            )

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
