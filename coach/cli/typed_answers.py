"""Answers that somebody typed in for this run: nothing else holds them, so they outlive whatever goes wrong."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from coach.cli.console import say
from coach.errors import CoachError, StorageError


def was_typed(file: str | None) -> bool:
    """Return whether the answer was written in the editor (None) or typed into a terminal (``-``)."""
    return file is None or (file == "-" and sys.stdin.isatty())


@contextmanager
def kept_until_done(question_id: str, text: str) -> Iterator[None]:
    """Keep a typed answer in a file while the block runs; when the block fails the file stays and is named.

    It is written before the block starts, so that not even a killed process loses the answer.
    """
    from coach.answer.read import discard_draft, keep_draft

    try:
        draft = keep_draft(question_id, text)
    except StorageError as error:
        say(f"warning: {error.message}. {error.hint}")
        yield
        return
    command = f"coach submit {question_id} {shlex.quote(str(draft))}"
    kept = f"Your answer is not lost. Hand it in again with: {command}"
    try:
        yield
    except CoachError as error:
        error.hint = f"{error.hint}\n{kept}".strip()
        raise
    except BaseException:
        say(kept)
        raise
    with suppress(StorageError):
        discard_draft(draft)
