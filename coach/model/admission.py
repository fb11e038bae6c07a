"""Letting in as many at a time as a limit allows that may change meanwhile, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque

from coach.model.concurrency import Limit


class Admission:
    """A semaphore whose size is the limit's at every moment; for one event loop.

    ``close`` turns away everybody who waits, and whoever comes later.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._inside = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._closed = False

    @property
    def inside(self) -> int:
        """How many are in at this moment."""
        return self._inside

    async def enter(self) -> bool:
        """Wait until there is room and go in; return False, without going in, when it was closed."""
        if self._closed:
            return False
        if self._inside < self._limit.limit and not self._waiting:
            self._inside += 1
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise

    def leave(self) -> None:
        """Go out and let in whoever has waited longest, as far as the limit allows."""
        self._inside -= 1
        self.refresh()

    def refresh(self) -> None:
        """Let in more after the limit has grown."""
        while self._waiting and self._inside < self._limit.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(True)

    def close(self) -> None:
        """Turn away all who wait and all who come later; those inside stay."""
        self._closed = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(False)
