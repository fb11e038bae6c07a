"""Writing a file so that its readers see the old content or the whole new one, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coach.errors import StorageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new empty file beside ``path``, private to the user, that takes its place at the end.

    When the block fails, ``path`` stays as it was and the new file is removed. Raises StorageError, also for an
    OSError of the block.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
            _sync(name)
            os.replace(name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error})", "Free some space or check the permissions."
        ) from error


def _sync(name: str) -> None:
    # Without it a power cut can leave the new name with nothing behind it.
    with open(name, "rb+") as file:
        os.fsync(file.fileno())
