"""One embedded server for several processes: pages that stand open for hours lend it to whoever judges meanwhile.

The model needs 2.5 GB, and two of them on one machine are half as fast. Whoever lends holds a lock in the data
directory for as long as the server lives, so that what a crash left behind is never taken for a server.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from coach.files import data_directory, make_private_directory, write_whole
from coach.model.embedded_server import Endpoint
from coach.version import version

_NAME = "embedded"
_ASK_SECONDS, _TURN_SECONDS = 0.2, 0.02
#: Told while something takes long: (what, done, total).
OnProgress = Callable[[str, int, int], None]


class Loan:
    """Where processes of this user say that they lend a server of a file (None: the embedded model's own).

    A context manager that ends what was lent. A data directory that cannot be written lends nothing to anybody.
    """

    def __init__(self, file: Path | None) -> None:
        folder = data_directory()
        self._path = folder / f"{_NAME}.json"
        self._lock = FileLock(folder / f"{_NAME}.lock", timeout=0, mode=0o600, thread_local=False)
        self._of = {"file": str(file.absolute()) if file else "", "version": version()}

    async def server(self, on_progress: OnProgress | None, *, lend: bool) -> Endpoint | None:
        """Return where another process serves the file, as soon as it has loaded it; None where nobody does.

        In that case, and with ``lend``, others wait from now on until ``tell`` is called, or this is closed.
        """
        while lend or Path(self._lock.lock_file).exists():
            try:
                make_private_directory(self._path.parent)
                self._lock.acquire()
                if not lend:
                    self._lock.release()
                else:
                    write_whole(self._path, json.dumps(self._of))
                return None
            except Timeout:
                lent = self._read()
            except OSError:
                return None
            if any(lent.get(name, value) != value for name, value in self._of.items()):
                _say(on_progress, "Loading another model beside that of `coach web`")
                return None
            if "base_url" in lent:
                return Endpoint(lent["base_url"], lent["api_key"], lent["model"])
            _say(on_progress, "Waiting for the model that `coach web` is loading")
            await asyncio.sleep(_ASK_SECONDS)
        return None

    @property
    def lends(self) -> bool:
        """Whether others may come."""
        return self._lock.is_locked

    def tell(self, endpoint: Endpoint) -> None:
        """Say where the server is, to those who may know; raises StorageError."""
        if self.lends:
            write_whole(self._path, json.dumps(self._of | asdict(endpoint)))

    def _read(self) -> dict[str, str]:
        try:
            lent: dict[str, str] = json.loads(self._path.read_text(encoding="utf-8"))
            return lent
        except (OSError, ValueError):
            # It is about to be written.
            return {}

    def __enter__(self) -> Self:
        """Return the loan."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what was lent."""
        if self.lends:
            self._path.unlink(missing_ok=True)
            self._lock.release()


class Turn:
    """One answer at a time on a server that several processes use; an async context manager.

    ``forget`` is called when another one was served in between.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        folder = data_directory()
        self._lock = FileLock(folder / f"{_NAME}-turn.lock", timeout=0, mode=0o600, thread_local=False)
        self._last = folder / f"{_NAME}-turn"
        self._forget = forget

    async def __aenter__(self) -> None:
        """Wait until nobody else has the turn."""
        while True:
            try:
                self._lock.acquire()
                break
            except Timeout:
                await asyncio.sleep(_TURN_SECONDS)
        own = str(os.getpid())
        if not self._last.exists() or self._last.read_text() != own:
            self._forget()
            write_whole(self._last, own)

    async def __aexit__(self, *_: object) -> None:
        """Let the next one have it."""
        self._lock.release()


def _say(on_progress: OnProgress | None, what: str) -> None:
    if on_progress:
        on_progress(what, 0, 1)
