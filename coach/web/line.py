"""Answers that wait to be judged, the one that is judged now, and what the pages that watch are told."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from coach.bank.questions import Bank, Question
from coach.errors import CoachError, InputError
from coach.history.records import AttemptRecord

#: A waiting answer that no page asked about for so long gives its turn to the next one; its text stays as a draft.
UNSEEN_SECONDS = 60.0
#: So many answers may wait, and so many that are done are remembered.
MAX_WAITING, _REMEMBERED = 20, 50
#: A stream says that it lives, so that nothing between closes it.
_HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True)
class Event:
    """What a watching page is told."""

    name: str
    data: dict[str, Any]


@dataclass
class Judging:
    """One answer on its way. Its events are kept, so that a page that comes late, or again, misses none.

    ``state`` is waiting, judging, done, stopped or failed. ``attempt`` is the number of the attempt whose follow-up
    question is answered, None for an answer to a question of the bank.
    """

    bank: Bank
    question: Question
    text: str
    attempt: int | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = "waiting"
    events: list[Event] = field(default_factory=list)
    #: Ids of the points that the candidate thinks were left out.
    left_out: set[str] = field(default_factory=set)
    #: The result, and the path of its page.
    record: AttemptRecord | None = None
    path: str = ""
    #: Number of the saved attempt.
    saved_as: int | None = None
    #: Name of the draft that keeps the text until its attempt is saved, and what went wrong with saving it.
    draft: str = ""
    warning: str = ""
    seen: float = field(default_factory=time.monotonic)
    _closing: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "stopped", "failed")

    def tell(self, name: str, **data: Any) -> None:
        """Add an event and wake the pages that watch."""
        self.events.append(Event(name, data))
        self._news.set()
        self._news = asyncio.Event()

    def end(self, state: str, **data: Any) -> None:
        """Tell the last event."""
        self.state = state
        self.tell(state, **data)

    def close(self) -> None:
        """End the streams of an answer that will not be judged any more in this process."""
        self._closing = True
        self._news.set()

    async def follow(self, after: int) -> AsyncIterator[tuple[int, Event] | None]:
        """Yield the events behind number ``after``, numbered, then new ones to the end; None to say that it lives."""
        while True:
            news = self._news
            while after < len(self.events):
                after += 1
                yield after, self.events[after - 1]
            if self._closing or self.ended:
                return
            try:
                await asyncio.wait_for(news.wait(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                yield None


class Line:
    """Answers before one judge, one at a time; run ``work`` as a task."""

    def __init__(self, judge: Callable[[Judging], Awaitable[None]]) -> None:
        self._judge = judge
        self._known: dict[str, Judging] = {}
        self._waiting: list[Judging] = []
        self._arrived = asyncio.Event()
        self._current: tuple[Judging, asyncio.Future[None]] | None = None

    def add(self, judging: Judging) -> Judging:
        """Put an answer into the line and return it, or the very same one that is there already.

        Raises InputError when too many wait.
        """
        for known in self._known.values():
            same = (known.question.text, known.text, known.attempt)
            if not known.ended and same == (judging.question.text, judging.text, judging.attempt):
                return known
        if len(self._waiting) >= MAX_WAITING:
            raise InputError(f"{MAX_WAITING} answers are waiting already", "Your text is kept; try again later.")
        self._known[judging.id] = judging
        for old in [known for known in self._known.values() if known.ended][:-_REMEMBERED]:
            del self._known[old.id]
        self._waiting.append(judging)
        self._arrived.set()
        return judging

    def get(self, judging_id: str) -> Judging | None:
        """Return an answer by its id; it counts as seen."""
        judging = self._known.get(judging_id)
        if judging:
            judging.seen = time.monotonic()
        return judging

    def ahead(self, judging: Judging) -> int:
        """Return how many answers come before this one."""
        before = self._waiting.index(judging) if judging in self._waiting else 0
        return before + (self._current is not None and self._current[0] is not judging)

    def stop(self, judging: Judging) -> None:
        """Take an answer out of the line, or stop judging it."""
        if judging in self._waiting:
            self._waiting.remove(judging)
            judging.end("stopped")
        elif self._current and self._current[0] is judging:
            self._current[1].cancel()

    def latest(self, chosen: Callable[[Judging], bool]) -> Judging | None:
        """Return the answer that came last of those that are chosen."""
        return next((judging for judging in reversed(self._known.values()) if chosen(judging)), None)

    def forget(self, chosen: Callable[[Judging], bool]) -> None:
        """Forget answers that are done, as their attempts were deleted."""
        for known in [known for known in self._known.values() if known.ended and chosen(known)]:
            del self._known[known.id]

    def close(self) -> None:
        """End every stream, so that the server need not wait for them."""
        for judging in self._known.values():
            judging.close()

    async def work(self) -> None:
        """Judge answers for ever."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            judging = self._waiting.pop(0)
            if time.monotonic() - judging.seen > UNSEEN_SECONDS:
                judging.end("stopped")
                continue
            judging.state = "judging"
            judging.tell("started")
            task = asyncio.ensure_future(self._judge(judging))
            self._current = (judging, task)
            try:
                # Not "await task": a stopped answer and a stopping server would look the same.
                await asyncio.wait({task})
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
            finally:
                self._current = None
            if task.cancelled():
                judging.end("stopped")
            elif isinstance(error := task.exception(), CoachError):
                judging.end("failed", message=error.message, hint=error.hint)
            elif error is not None:
                judging.end("failed", message="something went wrong inside the coach", hint="Your text is kept.")
                asyncio.get_running_loop().call_exception_handler({"message": "judging failed", "exception": error})


LINE: web.AppKey[Line] = web.AppKey("line", Line)
