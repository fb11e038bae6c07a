"""Answers that were typed in and have no critique yet: each is kept in a private file until it has one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from coach.edges.history.location import data_directory, make_private_directory
from coach.errors import StorageError

FOLDER = "drafts"


def keep_draft(question_id: str, text: str) -> Path:
    """Write a typed answer to a new file that only the user can read, and return its path.

    It lies in the data directory, else in the temporary one. Raises StorageError when neither can be written.
    """
    failures = []
    for folder in (data_directory() / FOLDER, Path(tempfile.gettempdir())):
        try:
            if folder.name == FOLDER:
                make_private_directory(folder)
            return _write_new(folder, f"{question_id}-", text)
        except OSError as error:
            failures.append(f"{folder}: {error.strerror or error}")
    raise StorageError(f"your answer cannot be kept in a file ({'; '.join(failures)})", "Copy it yourself.")


def discard_draft(path: Path) -> None:
    """Delete a draft whose answer has its critique; raises StorageError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be deleted ({error.strerror})", "Delete it yourself.") from error


def _write_new(folder: Path, prefix: str, text: str) -> Path:
    # mkstemp makes a file that only the user can read, and never follows or replaces one that is there.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".md")
    path = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
    return path
