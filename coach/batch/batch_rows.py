"""Which rows the inputs of a batch hold now, so that rows that were taken out of a file leave the reports too.

``rows.bin`` in the output directory holds a hash of 16 bytes for each row id of the last run that read its inputs to
the end. Without it (the last run stopped early) every row of the journal is shown.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from coach.batch.scratch import scratch_database, scratch_errors
from coach.errors import StorageError

ROWS_NAME = "rows.bin"
_HASH = 16


class RowsWriter:
    """Notes the rows of a run; nothing is left of it unless ``keep`` is called. Raises StorageError."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / ROWS_NAME
        self._file: BinaryIO | None = None
        try:
            handle, self._name = tempfile.mkstemp(prefix=f".{ROWS_NAME}.", suffix=".part", dir=directory)
            self._file = os.fdopen(handle, "wb")
        except OSError as error:
            raise _failed(self._path, error) from error

    def add(self, row_id: str) -> None:
        """Note a row."""
        assert self._file is not None
        try:
            self._file.write(_hash(row_id))
        except OSError as error:
            raise _failed(self._path, error) from error

    def keep(self) -> None:
        """All rows were noted: they are the rows of the batch from now on."""
        assert self._file is not None
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._name, self._path)
        except OSError as error:
            raise _failed(self._path, error) from error
        self._file = None

    def close(self) -> None:
        """Drop what was noted, and what an earlier run kept, unless ``keep`` was called."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                file.close()
            for name in (self._name, self._path):
                with suppress(OSError):
                    os.unlink(name)


def belongs(directory: Path) -> Callable[[str], bool] | None:
    """Return a function that tells whether a row id is one of the batch's rows; None when that is not known.

    Raises StorageError.
    """
    path = directory / ROWS_NAME
    if not path.is_file():
        return None
    database = scratch_database()
    with scratch_errors():
        database.execute("CREATE TABLE rows (hash BLOB PRIMARY KEY) WITHOUT ROWID")
    try:
        with path.open("rb") as file:
            while len(piece := file.read(_HASH)) == _HASH:
                with scratch_errors():
                    database.execute("INSERT OR IGNORE INTO rows VALUES (?)", (piece,))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})", "Check its permissions.") from error

    def known(row_id: str) -> bool:
        with scratch_errors():
            return database.execute("SELECT 1 FROM rows WHERE hash = ?", (_hash(row_id),)).fetchone() is not None

    return known


def _hash(row_id: str) -> bytes:
    return hashlib.blake2b(row_id.encode(), digest_size=_HASH).digest()


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written ({error.strerror or error})",
        "What was finished is kept. Free some space or check the permissions, then run the same command again.",
    )
