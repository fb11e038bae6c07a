"""Ctrl-C in a long run: the first one finishes what is in flight, the second one stops at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def run_until_interrupted(work: Coroutine[Any, Any, Result], on_first: Callable[[], None]) -> Result:
    """Run ``work``; the first SIGINT calls ``on_first``, the second cancels the work.

    Raises KeyboardInterrupt when the work was cancelled so. Where the event loop takes no signal handlers (Windows),
    Ctrl-C raises KeyboardInterrupt at once.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    interrupts = 0

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            on_first()
        else:
            task.cancel()

    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        return await task
    except asyncio.CancelledError:
        if interrupts > 1:
            raise KeyboardInterrupt from None
        raise
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
