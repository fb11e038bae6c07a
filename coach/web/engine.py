"""The model behind the pages, in a thread with an event loop of its own.

Opening a model, the sentence encoder and the judging of an answer all hold the processor for a while; here they hold up
no page. One answer is judged at a time: the scores of the embedded model repeat only so.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from coach.bank.questions import Bank, Check, Question
from coach.errors import CoachError, ModelConnectionError
from coach.judge.judging import CheckVerdict, OnVerdict
from coach.submit.assessment import Assessment

if TYPE_CHECKING:
    from coach.submit.open import Session, Settings

#: Nobody waits longer after Ctrl-C for what cannot be stopped, such as a library that is being loaded: it ends with the
#: process, and so does the embedded model's own.
_CLOSE_SECONDS = 0.7
_OPENING = "Getting the model ready"


class Engine:
    """Opens the model of the settings behind the pages and judges answers with it; ``note`` says what takes long."""

    def __init__(self, settings: Settings, bank: Bank) -> None:
        self._settings, self._bank = settings, bank
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="judge", daemon=True)
        self._running = threading.Event()
        self.note = ""

    def start(self) -> None:
        """Start to open the model, and return at once; why that failed is told to whoever wants an answer judged."""
        self._thread.start()
        self._running.wait()
        self._loop.call_soon_threadsafe(self._open)

    async def assess(
        self, bank: Bank, question: Question, text: str, on_verdict: OnVerdict, on_note: Callable[[str], None]
    ) -> Assessment:
        """Assess one answer to a question of a bank; raises CoachError. The callbacks run in the caller's loop."""
        loop = asyncio.get_running_loop()

        def tell_verdict(check: Check, verdict: CheckVerdict) -> None:
            loop.call_soon_threadsafe(on_verdict, check, verdict)

        def tell_note(note: str) -> None:
            loop.call_soon_threadsafe(on_note, note)

        work = self._assess(bank, question, text, tell_verdict, tell_note)
        # Cancelling it here cancels it there.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def warm_up(self, question: Question) -> None:
        """Let the embedded model read beforehand what it is asked about every answer to this question."""
        self._loop.call_soon_threadsafe(self._warm_up, question)

    async def close(self) -> None:
        """End the model, and what it does."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end, self._turn = asyncio.Event(), asyncio.Lock()
        self._opening: asyncio.Task[Session] | None = None
        self._warming: asyncio.Task[None] | None = None
        async with AsyncExitStack() as self._stack:
            self._running.set()
            await self._end.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    def _open(self) -> asyncio.Task[Session]:
        """Return the task that opens the model; one that failed is begun anew."""
        failed = self._opening and self._opening.done() and (self._opening.cancelled() or self._opening.exception())
        if self._opening is None or failed:
            self._opening = asyncio.create_task(self._session())
            # A failure that nobody waits for is told when somebody does.
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._opening

    async def _session(self) -> Session:
        from coach.submit import open as opening

        def progress(what: str, done: int, total: int) -> None:
            self.note = f"{what}: {100 * done // max(1, total)} %"

        # What is loaded stays; looking for garbage in all of it would hold up every page for a moment.
        gc.freeze()
        self.note = _OPENING
        try:
            # A model whose process is gone.
            await self._stack.aclose()
            session = opening.open_session(self._settings, self._bank, lend=True, on_progress=progress)
            opened = await self._stack.enter_async_context(session)
            gc.freeze()
            return opened
        finally:
            self.note = ""

    async def _assess(
        self, bank: Bank, question: Question, text: str, on_verdict: OnVerdict, on_note: Callable[[str], None]
    ) -> Assessment:
        from coach.answer.prepare import prepare_answer
        from coach.submit.open import unopened_session

        if prepare_answer(text, question, bank.language).unscored_reason is not None:
            # It gets no score whatever a model says, so it waits for none.
            with suppress(CoachError):
                return await unopened_session(self._settings, bank).assessor.assess(question, text)
        opening = self._open()
        while not opening.done():
            on_note(self.note or _OPENING)
            # Whoever stops waiting stops no model that others wait for.
            await asyncio.wait({opening}, timeout=1.0)
        if self._turn.locked():
            on_note(_OPENING)
        async with self._turn:
            on_note("")
            session = opening.result()
            assessor = session.assessor if bank is self._bank else replace(session.assessor, bank=bank)
            try:
                return await assessor.assess(question, text, on_verdict)
            except ModelConnectionError:
                if session.choice.embedded and self._opening is opening:
                    # Its process is gone; the next answer starts another one.
                    self._opening = None
                raise

    def _warm_up(self, question: Question) -> None:
        if self._warming and not self._warming.done():
            return
        self._warming = asyncio.create_task(self._warm(question))
        self._warming.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _warm(self, question: Question) -> None:
        session = await asyncio.shield(self._open())
        # Other models are paid for by the request, or serve others too.
        if session.choice.embedded:
            async with self._turn:
                await session.assessor.warm_up(question)
