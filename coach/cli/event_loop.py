"""Running what waits for a model; asyncio and ssl load only then, because `coach --help` needs neither."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from coach.cli.console import say

T = TypeVar("T")


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own and return its result; says so when Ctrl-C ended it."""
    import asyncio

    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        say("Interrupted.")
        raise
