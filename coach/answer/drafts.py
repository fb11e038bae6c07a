"""Answers that were typed in and have no critique yet: each is kept in a private file until it has one."""

from __future__ import annotations

from pathlib import Path

from coach.errors import StorageError
from coach.files import data_directory, keep_answer

FOLDER = "drafts"


def keep_draft(question_id: str, text: str) -> Path:
    """Write a typed answer to a new file that only the user can read, and return its path.

    It lies in the data directory, else in the temporary one. Raises StorageError when neither can be written.
    """
    return keep_answer(text.encode("utf-8", "replace"), f"{question_id}-", ".md", FOLDER)


def discard_draft(path: Path) -> None:
    """Delete a draft whose answer has its critique; raises StorageError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be deleted ({error.strerror})", "Delete it yourself.") from error


def delete_drafts(question_id: str | None = None) -> int:
    """Delete the drafts in the data directory (of one question, or all) and return how many; raises StorageError."""
    pattern = "*.md" if question_id is None else f"{question_id}-*.md"
    # The draft of "net" is no draft of "net-2": behind the id stands what makes a file name unique, without a dash.
    own = [
        path
        for path in sorted((data_directory() / FOLDER).glob(pattern))
        if question_id is None or "-" not in path.stem.removeprefix(f"{question_id}-")
    ]
    for path in own:
        discard_draft(path)
    return len(own)
