"""The journal's file: lines that are appended whole, a torn tail that is repaired, reading by offset."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coach.errors import StorageError

SYNC_RECORDS = 64
SYNC_SECONDS = 1.0
_BLOCK = 65_536
_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class StoredLine:
    """One complete line of the file, without its end; ``number`` from 1, ``offset`` in bytes."""

    number: int
    offset: int
    content: bytes


class JournalFile:
    """An append-only file of lines, private to the user. Every failure is a StorageError that names the file.

    A line is handed to the system in one write before ``append`` returns, so ``kill -9`` loses none. It reaches the
    disk itself with the next ``fsync``: after 64 lines, after a second (looked at when a line is appended), and at
    ``close``. A power cut can lose what was appended since then, and no more.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._fd: int | None = None
        with self._errors("opened"):
            if writable:
                self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY, 0o600)
                # A file that somebody copied here may be open to everybody.
                os.chmod(path, 0o600)
                _sync_directory(path.parent)
            self._reader = path.open("rb", buffering=0)
            self._end = os.fstat(self._reader.fileno()).st_size
        self._unsynced = 0
        self._synced_at = time.monotonic()
        self._broken = False

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._end

    def lines(self) -> Iterator[StoredLine]:
        """Yield the complete lines; what follows the last line end is left to ``tail``."""
        offset = 0
        number = 0
        with self._errors("read"), self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                number += 1
                yield StoredLine(number, offset, line[:-1])
                offset += len(line)

    def tail(self) -> bytes:
        """Return what follows the last line end: nothing, unless a crash tore the last line."""
        end = self._end
        tail = b""
        while end > 0:
            start = max(0, end - _BLOCK)
            block = self.read(start, end - start)
            cut = block.rfind(b"\n")
            if cut >= 0:
                return block[cut + 1 :] + tail
            tail = block + tail
            end = start
        return tail

    def end_tail(self) -> None:
        """Add the line end that is all that the last line lacks."""
        with self._errors("repaired"):
            self._write(b"\n")

    def cut_tail(self, length: int) -> None:
        """Remove the last ``length`` bytes: a torn line."""
        assert self._fd is not None
        with self._errors("repaired"):
            os.ftruncate(self._fd, self._end - length)
            self._end -= length

    def append(self, line: bytes) -> int:
        """Append one line (without its end) and return its offset.

        When the disk is full the part that was written is removed again, and the file stays readable.
        """
        if self._broken or self._fd is None:
            raise StorageError(f"{self._path}: cannot be written any more", "Run the command again to go on.")
        offset = self._end
        with self._errors("written"):
            self._write(line + b"\n")
            self._unsynced += 1
            if self._unsynced >= SYNC_RECORDS or time.monotonic() - self._synced_at >= SYNC_SECONDS:
                self.sync()
        return offset

    def read(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``."""
        with self._errors("read"):
            self._reader.seek(offset)
            content = b""
            while len(content) < length and (more := self._reader.read(length - len(content))):
                content += more
            return content

    def sync(self) -> None:
        """Bring everything that was appended to the disk."""
        if self._fd is None or not self._unsynced:
            return
        try:
            with self._errors("written"):
                os.fsync(self._fd)
        except StorageError:
            # The system may have dropped what it could not write; a later fsync would not tell.
            self._broken = True
            raise
        self._unsynced = 0
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Synchronise and close."""
        try:
            self.sync()
        finally:
            self._reader.close()
            if self._fd is not None:
                fd, self._fd = self._fd, None
                os.close(fd)

    def _write(self, data: bytes) -> None:
        assert self._fd is not None
        written = 0
        try:
            # One write; only a disk that fills up (or a size limit) takes a part, and then says why at the next.
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError:
            self._undo()
            raise
        self._end += written

    def _undo(self) -> None:
        assert self._fd is not None
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            # The torn line stays; opening the journal again removes it, and nothing may follow it before that.
            self._broken = True

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{self._path}: cannot be {action} ({error.strerror or error})",
                "What was finished is kept. Free some space or check the permissions, then run the same command again.",
            ) from error


def _sync_directory(directory: Path) -> None:
    # A new file's name is part of its directory. Windows has no such thing as opening one.
    if os.name == "posix":
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
