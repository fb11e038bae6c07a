"""The lock that keeps a second process out of a journal's directory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from coach.errors import InputError, StorageError

LOCK_NAME = "journal.lock"
OWNER_NAME = "journal.pid"


class JournalLock:
    """Held from construction to ``release``; the system releases it when the process ends, however it ends.

    Raises InputError that names the directory (and the other process's id, if known) when it is held already.
    """

    def __init__(self, directory: Path) -> None:
        self._owner = directory / OWNER_NAME
        self._lock = FileLock(directory / LOCK_NAME, mode=0o600, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{directory}: another process{self._other()} is writing its results there",
                "Wait until it has ended, or choose another directory.",
            ) from None
        except (OSError, NotImplementedError) as error:
            raise StorageError(
                f"{directory}: cannot be locked ({error})", "Choose a directory on a disk that supports file locks."
            ) from error
        # Only for the other process's message, so a disk that is full is no reason to stop.
        with suppress(OSError):
            self._owner.write_text(f"{os.getpid()}\n", encoding="ascii")

    def release(self) -> None:
        """Let others in."""
        with suppress(OSError):
            self._owner.unlink()
        self._lock.release()

    def _other(self) -> str:
        try:
            owner = self._owner.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            return ""
        return f" (process {owner})" if owner.isdigit() else ""
