"""The embedded model as an endpoint: a child process that serves a GGUF file on loopback.

A process of its own, because the server holds the GIL while it loads, and stopping it inside a process that goes on
can hang or crash. The child ends when the pipe from this process closes, however this process ends.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from coach.errors import EmbeddedModelError
from coach.files import PACKAGE
from coach.model.completion import ChatModel, Completion, CompletionRequest, Message, Usage
from coach.model.embedded_file import INSTALL_HINT

if TYPE_CHECKING:
    from coach.model.embedded_child import Settings
    from coach.model.openai_client import OpenAIChatModel

_MAGIC = b"GGUF"
#: A gigabyte from a slow disk takes a minute.
_READY_SECONDS = 180.0
_CLOSE_SECONDS = 2.0
_DOCTOR_HINT = "Run `coach doctor` to check the embedded model, or choose another one with --model or COACH_MODEL."
_MEMORY_HINT = "The embedded model needs about 2.5 GB of free memory; close other programs or choose another model."
#: No prompt goes on like this after its fixed part, so nothing beyond that part is shared with the next one.
_ELSEWHERE = "#"


@dataclass(frozen=True)
class Endpoint:
    """Where the served model is reached: an OpenAI-compatible base URL, its key, and the model's id."""

    base_url: str
    api_key: str = field(repr=False)
    model: str


class EmbeddedServer:
    """A running child process; a context manager that ends it. Made by ``start``."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes], api_key: str, model: str) -> None:
        self.process, self.model = process, model
        self._errors = errors
        self._ready: Future[Endpoint] = Future()
        # A running future cannot be cancelled, so one impatient waiter does not spoil it for the others.
        self._ready.set_running_or_notify_cancel()
        self._reader = threading.Thread(
            target=self._read_reply, args=(api_key, model), name="embedded-server", daemon=True
        )
        self._reader.start()

    @classmethod
    def start(cls, model_path: Path, context: int = 8192, threads: int | None = None) -> EmbeddedServer:
        """Start serving the file and return at once; it loads meanwhile.

        One request is answered at a time, of up to ``context`` tokens (prompt and reply), with ``threads`` threads
        (all processors that this process may use when None). Raises EmbeddedModelError when the server is not
        installed or the file is not a model.
        """
        path = model_path.absolute()
        if importlib.util.find_spec("xllamacpp") is None:
            raise EmbeddedModelError("the server of the embedded model (xllamacpp) is not installed", INSTALL_HINT)
        try:
            with path.open("rb") as stream:
                magic = stream.read(len(_MAGIC))
        except OSError as error:
            raise EmbeddedModelError(f"{path}: cannot be read ({error.strerror})", _DOCTOR_HINT) from None
        if magic != _MAGIC:
            raise EmbeddedModelError(f"{path}: not a GGUF model", _DOCTOR_HINT)
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        settings: Settings = {
            "model": str(path),
            "alias": path.stem,
            "api_key": secrets.token_urlsafe(32),
            "threads": threads or available,
            "context": context,
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child lives
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "coach.model.embedded_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                # The child's working directory is searched first for modules: so it runs this code even from a
                # checkout, and never a file that happens to lie where the user is.
                cwd=PACKAGE.parent,
                # No other pipe may be held open by this child, or its siblings would never see theirs end.
                close_fds=True,
                # Ctrl-C in the terminal goes to this process alone, which may still want its answers.
                start_new_session=True,
            )
        except OSError as error:
            errors.close()
            raise EmbeddedModelError(
                f"the embedded model could not be started ({error.strerror})", _MEMORY_HINT
            ) from None
        assert process.stdin is not None
        # A child that is dead already breaks the pipe; whoever waits for it learns why.
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(settings).encode() + b"\n")
        return cls(process, errors, settings["api_key"], settings["alias"])

    async def ready(self, timeout: float = _READY_SECONDS) -> Endpoint:
        """Wait until the model is loaded; raises EmbeddedModelError when it fails or takes over ``timeout`` seconds."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._ready), timeout)
        except TimeoutError:
            raise EmbeddedModelError(
                f"the embedded model was not ready after {timeout:g} seconds", _MEMORY_HINT
            ) from None

    def close(self) -> None:
        """End the child and wait until it is gone; closing twice is fine."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        loaded = self._ready.done()
        self.process.stdin.close()
        try:
            # While it loads the child cannot notice the closed pipe.
            self.process.wait(_CLOSE_SECONDS if loaded else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the child."""
        self.close()

    def _read_reply(self, api_key: str, model: str) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        reply = {}
        with suppress(ValueError):
            reply = json.loads(line)
        if "address" in reply:
            self._ready.set_result(Endpoint(f"{reply['address']}/v1", api_key, model))
        else:
            self._ready.set_exception(self._failure(reply.get("error")))

    def _failure(self, exception: str | None) -> EmbeddedModelError:
        """Return what is known about a child that ended, or ends now, without serving."""
        status = self.process.wait()
        self._errors.seek(0)
        said = self._errors.read(64 * 1024).decode("utf-8", "replace").strip()
        # The first error that llama.cpp logged (the later ones are its echoes), else the last line.
        logged = re.search(r"^[\d.]+ E (?:\w+ +)?\w+: (.+)$", said, re.MULTILINE)
        reason = (logged[1] if logged else said.rpartition("\n")[2]).strip()[:300] or exception
        hint = _DOCTOR_HINT
        if status < 0:
            reason, hint = f"its process was ended by signal {-status} ({signal.strsignal(-status)})", _MEMORY_HINT
        return EmbeddedModelError(
            f"the embedded model could not be loaded: {reason or f'its process ended with code {status}'}", hint
        )


class LoadingChatModel:
    """The embedded model from its start on: the first request waits until it has loaded, so nobody else does.

    ``connect`` makes the model to ask from the endpoint. Implements ``ChatModel``.
    """

    def __init__(self, server: EmbeddedServer, endpoint: str, connect: Callable[[Endpoint], OpenAIChatModel]) -> None:
        self.name, self.endpoint = server.model, endpoint
        self._server, self._connect = server, connect
        self._model: OpenAIChatModel | None = None

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request; raises ModelError, also when the model could not be loaded."""
        if self._model is None:
            endpoint = await self._server.ready()
            # Another request may have waited as well.
            self._model = self._model or self._connect(endpoint)
        return await self._model.complete(request)

    async def __aenter__(self) -> Self:
        """Return the model itself."""
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Close the connection, if there is one."""
        if self._model is not None:
            await self._model.__aexit__(*failure)


class RepeatableChatModel:
    """Makes a server that caches prompts deterministic: the same reply to the same request, whatever came before.

    llama.cpp reuses as much of the last prompt as the next one shares with it, and computes the rest in one piece.
    Where the piece begins changes the last digits of its results: on one answer the log-odds of a check moved by up
    to 0.09 when the answer was judged a second time. So before the first request about an answer the cache is brought
    to fixed points: the system message, then all that is the same for every answer. What comes next begins there each
    time. From one answer to the next one to the same question the server still holds all that, as computed then, and
    just goes back to its end.

    Wraps the model of a server with a single slot, asked one request at a time; implements ``ChatModel``.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.name, self.endpoint = model.name, model.endpoint
        #: The messages up to the end of the fixed part that the server holds; None where that is not sure.
        self._held: tuple[Message, ...] | None = None

    def forget(self) -> None:
        """Begin anew: somebody else has asked the server in between."""
        self._held = None

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request, the first about an answer after what settles the server; raises ModelError.

        The usage counts all of them.
        """
        held, self._held = self._held, None
        used = Usage(0, 0, 0)
        if request.fixed_characters is not None:
            fixed = _cut(request.messages, request.fixed_characters)
            for characters in (request.fixed_characters,) if fixed == held else (0, request.fixed_characters):
                lead_up = CompletionRequest(_cut(request.messages, characters, _ELSEWHERE), max_tokens=1)
                used += (await self._model.complete(lead_up)).usage
            held = fixed
        completion = await self._model.complete(request)
        # After a failure nobody knows what the server holds.
        self._held = held if held and _cut(request.messages, len(held[-1].content)) == held else None
        return replace(completion, usage=used + completion.usage)


def _cut(messages: tuple[Message, ...], characters: int, end: str = "") -> tuple[Message, ...]:
    """Return the messages with the first characters of the last one, and ``end`` after them."""
    *before, last = messages
    return (*before, Message(last.role, last.content[:characters] + end))
