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
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from coach.errors import EmbeddedModelError
from coach.model.completion import ChatModel, Completion, CompletionRequest, Message, Usage
from coach.model.embedded_file import INSTALL_HINT

if TYPE_CHECKING:
    from coach.model.embedded_child import Settings

MAGIC = b"GGUF"
#: A gigabyte from a slow disk takes a minute.
READY_SECONDS = 180.0
CLOSE_SECONDS = 2.0
DOCTOR_HINT = "Run `coach doctor` to check the embedded model, or choose another one with --model or COACH_MODEL."
MEMORY_HINT = "The embedded model needs about 2.5 GB of free memory; close other programs or choose another model."
#: No prompt goes on like this after its fixed part, so nothing beyond that part is shared with the next one.
_ELSEWHERE = "#"
#: The directory that holds the package: as the child's working directory it is searched first for modules, so the
#: child runs this code even from a checkout, and never a file that happens to lie where the user is.
IMPORT_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Endpoint:
    """Where the served model is reached: an OpenAI-compatible base URL, its key, and the model's id."""

    base_url: str
    api_key: str = field(repr=False)
    model: str


class EmbeddedServer:
    """A running child process; a context manager that ends it. Made by ``start``."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes], api_key: str, model: str) -> None:
        self._process = process
        self._errors = errors
        self._api_key = api_key
        self._model = model
        self._ready: Future[Endpoint] = Future()
        # A running future cannot be cancelled, so one impatient waiter does not spoil it for the others.
        self._ready.set_running_or_notify_cancel()
        self._reader = threading.Thread(target=self._read_reply, name="embedded-server", daemon=True)
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
        _check_model(path)
        settings: Settings = {
            "model": str(path),
            "alias": path.stem,
            "api_key": secrets.token_urlsafe(32),
            "threads": threads or _processors(),
            "context": context,
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child lives
        try:
            process = _spawn(errors)
        except OSError as error:
            errors.close()
            raise EmbeddedModelError(
                f"the embedded model could not be started ({error.strerror})", MEMORY_HINT
            ) from None
        server = cls(process, errors, settings["api_key"], settings["alias"])
        server._send(settings)
        return server

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child is alive (it may still be loading)."""
        return self._process.poll() is None

    def await_ready(self, timeout: float = READY_SECONDS) -> Endpoint:
        """Wait until the model is loaded; raises EmbeddedModelError when it fails or takes over ``timeout`` seconds."""
        try:
            return self._ready.result(timeout)
        except TimeoutError:
            raise _too_slow(timeout) from None

    async def await_ready_async(self, timeout: float = READY_SECONDS) -> Endpoint:
        """Wait like ``await_ready`` without blocking the event loop."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._ready), timeout)
        except TimeoutError:
            raise _too_slow(timeout) from None

    def close(self) -> None:
        """End the child and wait until it is gone; closing twice is fine."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        loaded = self._ready.done()
        self._process.stdin.close()
        try:
            # While it loads the child cannot notice the closed pipe.
            self._process.wait(CLOSE_SECONDS if loaded else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> EmbeddedServer:
        """Return the server itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the child."""
        self.close()

    def _send(self, settings: Settings) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        except BrokenPipeError:
            # The child is dead already; whoever waits for it learns why.
            return

    def _read_reply(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            reply = json.loads(line) if line else {}
            address = reply["address"]
        except (ValueError, KeyError, TypeError):
            self._ready.set_exception(self._failure(line))
            return
        self._ready.set_result(Endpoint(f"{address}/v1", self._api_key, self._model))

    def _failure(self, line: bytes) -> EmbeddedModelError:
        """Return what is known about a child that ended, or ends now, without serving."""
        status = self._process.wait()
        if status < 0:
            reason = f"its process was ended by {_signal_name(-status)}"
            return EmbeddedModelError(f"the embedded model could not be loaded: {reason}", MEMORY_HINT)
        self._errors.seek(0)
        said = self._errors.read(64 * 1024).decode("utf-8", "replace")
        reason = _reason(said) or _error_of(line) or f"its process ended with code {status}"
        return EmbeddedModelError(f"the embedded model could not be loaded: {reason}", DOCTOR_HINT)


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
        #: The messages up to the end of the fixed part that the server holds; None where that is not sure.
        self._held: tuple[Message, ...] | None = None

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return self._model.endpoint

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request, the first about an answer after what settles the server; raises ModelError.

        The usage counts all of them.
        """
        held, self._held = self._held, None
        used = Usage(0, 0, 0)
        if request.fixed_characters is not None:
            fixed = _cut(request.messages, request.fixed_characters)
            for messages in (fixed,) if fixed == held else (_cut(request.messages, 0), fixed):
                used += (await self._model.complete(_elsewhere(messages))).usage
            held = fixed
        completion = await self._model.complete(request)
        # After a failure nobody knows what the server holds.
        self._held = held if held is not None and _goes_on_from(request.messages, held) else None
        return replace(completion, usage=used + completion.usage)


def _cut(messages: tuple[Message, ...], characters: int) -> tuple[Message, ...]:
    """Return the messages with the first characters of the last one."""
    *before, last = messages
    return (*before, Message(last.role, last.content[:characters]))


def _elsewhere(messages: tuple[Message, ...]) -> CompletionRequest:
    """Return a request that goes on from messages as no other does."""
    *before, last = messages
    return CompletionRequest((*before, Message(last.role, last.content + _ELSEWHERE)), max_tokens=1)


def _goes_on_from(messages: tuple[Message, ...], held: tuple[Message, ...]) -> bool:
    return _cut(messages, len(held[-1].content)) == held


def _spawn(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "coach.model.embedded_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
        cwd=IMPORT_ROOT,
        # No other pipe may be held open by this child, or its siblings would never see theirs end.
        close_fds=True,
        # Ctrl-C in the terminal goes to this process alone, which may still want its answers.
        start_new_session=True,
    )


def _check_model(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            magic = stream.read(len(MAGIC))
    except OSError as error:
        raise EmbeddedModelError(f"{path}: cannot be read ({error.strerror})", DOCTOR_HINT) from None
    if magic != MAGIC:
        raise EmbeddedModelError(f"{path}: not a GGUF model", DOCTOR_HINT)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _too_slow(timeout: float) -> EmbeddedModelError:
    return EmbeddedModelError(f"the embedded model was not ready after {timeout:g} seconds", MEMORY_HINT)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _reason(said: str) -> str:
    """Return the first error that llama.cpp logged (the later ones are its echoes), else the last line, if any."""
    logged = re.search(r"^[\d.]+ E (?:\w+ +)?\w+: (.+)$", said, re.MULTILINE)
    if logged:
        return logged[1].strip()[:300]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _error_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
