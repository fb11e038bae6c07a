"""How deep a request lies: the calls of our own code between the command's entry and the moment a request goes out."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import openai
import pytest

import coach

_ROOT = Path(coach.__file__).resolve().parent


class OwnFrames:
    """Counts own calls, also across tasks: what a task does stands on what the task that started it is doing.

    Make it before the program runs, and look at ``deepest`` afterwards: the calls down to a post of the openai client.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: The calls of the deepest request, outermost first within each task.
        self.deepest: list[str] = []
        self._starter: dict[asyncio.Task[Any] | None, asyncio.Task[Any] | None] = {}
        create = asyncio.BaseEventLoop.create_task

        def noting(loop: asyncio.BaseEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
            task: asyncio.Task[Any] = create(loop, work, **options)
            self._starter[task] = asyncio.current_task(loop)
            return task

        monkeypatch.setattr(asyncio.BaseEventLoop, "create_task", noting)
        post = openai.AsyncOpenAI.post

        async def counted(client: openai.AsyncOpenAI, *arguments: Any, **options: Any) -> Any:
            self._take()
            return await post(client, *arguments, **options)

        monkeypatch.setattr(openai.AsyncOpenAI, "post", counted)

    def _take(self) -> None:
        """Note the calls of this moment, if they are more than ever before."""
        frames = [frame for frame, _ in traceback.walk_stack(sys._getframe())][::-1]
        task = self._starter.get(asyncio.current_task())
        while task is not None:
            frames += _awaited(task.get_coro())
            task = self._starter.get(task)
        calls = [_name(frame) for frame in frames if Path(frame.f_code.co_filename).is_relative_to(_ROOT)]
        self.deepest = max(self.deepest, calls, key=len)


def _awaited(work: Any) -> Iterator[FrameType]:
    """Yield the frames of a coroutine that waits, from the outermost to the innermost."""
    while (frame := getattr(work, "cr_frame", None) or getattr(work, "gi_frame", None)) is not None:
        yield frame
        work = getattr(work, "cr_await", None) or getattr(work, "gi_yieldfrom", None)


def _name(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).relative_to(_ROOT)}:{frame.f_code.co_qualname}"
