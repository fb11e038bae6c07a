"""What the pages keep beside the history: drafts of what is typed, and which points somebody thinks were left out.

Drafts are private files beside those of ``coach submit``, one for each text.

Two pages may be open on one question, and each writes its text every second. So a page says what it read or wrote last;
where the draft says something else by now, somebody else's words stand there, and the page gets a draft of its own.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coach.answer.read import DRAFTS, discard_draft
from coach.errors import StorageError
from coach.files import data_directory, make_private_directory, write_whole

_NOTES = "left-out.json"
_FOLLOW_UP = re.compile(r"f\d+")


@dataclass(frozen=True)
class Draft:
    """One text that has no report yet; ``name`` tells it from the others to the same question."""

    name: str
    text: str
    written: datetime


def follow_up_draft(attempt: int) -> str:
    """Return the name of the draft in which the follow-up question of an attempt is answered."""
    return f"f{attempt}"


def drafts_of(question_id: str) -> list[Draft]:
    """Return the drafts of answers to a question, the newest first; those to follow-up questions are none."""
    drafts = []
    for name, path in _paths(question_id).items():
        if not _FOLLOW_UP.fullmatch(name):
            with suppress(OSError):
                written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                drafts.append(Draft(name, _text(path), written))
    return sorted((draft for draft in drafts if draft.text.strip()), key=lambda draft: draft.written, reverse=True)


def read_draft(question_id: str, name: str) -> str:
    """Return the text of one draft; empty when there is none."""
    path = _paths(question_id).get(name)
    try:
        return _text(path) if path else ""
    except OSError:
        return ""


def keep_draft(question_id: str, name: str, text: str, base: str | None = None) -> str:
    """Write a draft and return its name: a new one where ``name`` is empty, or where others wrote something else there.

    ``base`` is what the writer read or wrote there last; None where nobody else can have written. An empty text
    deletes its draft. Raises StorageError.
    """
    path = _paths(question_id).get(name)
    if path and base is not None and read_draft(question_id, name) not in (base, text, ""):
        path = None
    elif not path and _FOLLOW_UP.fullmatch(name):
        path = _folder() / f"{question_id}-{name}.md"
    if not text.strip():
        if path:
            discard_draft(path)
        return name
    # A page that goes away may send its text twice before it has heard what the draft is called.
    same = next((draft.name for draft in drafts_of(question_id) if draft.text == text), None) if not path else None
    if same:
        return same
    path = path or _folder() / f"{question_id}-w{secrets.token_hex(5)}.md"
    write_whole(path, text)
    return _name(path, question_id)


def drop_draft(question_id: str, name: str, text: str) -> None:
    """Delete a draft whose text is kept elsewhere; one that was written on stays. Raises StorageError."""
    path = _paths(question_id).get(name)
    if path and _text(path) == text:
        discard_draft(path)


def _folder() -> Path:
    folder = data_directory() / DRAFTS
    try:
        make_private_directory(folder.parent)
        make_private_directory(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made ({error.strerror})", "Check its permissions.") from error
    return folder


def _paths(question_id: str) -> dict[str, Path]:
    """Return the drafts by name. What a page names is looked up here, and never made into a path."""
    paths = {_name(path, question_id): path for path in (data_directory() / DRAFTS).glob(f"{question_id}-*.md")}
    # The draft of "net-2" is none of "net".
    return {name: path for name, path in paths.items() if "-" not in name and not path.is_symlink()}


def _name(path: Path, question_id: str) -> str:
    return path.stem.removeprefix(f"{question_id}-")


def _text(path: Path) -> str:
    # Line ends as they are: what was written must be what is read.
    return path.read_bytes().decode("utf-8", "replace")


def keep_left_out(attempt: int, check_ids: list[str]) -> None:
    """Keep which points the candidate thought were left out of an attempt; raises StorageError."""
    if check_ids:
        _write_notes({**_notes(), str(attempt): check_ids})


def left_out_of(attempt: int) -> list[str]:
    """Return the points that the candidate thought were left out."""
    return _notes().get(str(attempt), [])


def drop_of_attempts(question_id: str, attempts: list[int]) -> None:
    """Delete what is kept beside deleted attempts at a question; raises StorageError."""
    notes, paths = _notes(), _paths(question_id)
    left = {number: names for number, names in notes.items() if int(number) not in attempts}
    if left != notes:
        _write_notes(left)
    for attempt in attempts:
        if path := paths.get(follow_up_draft(attempt)):
            discard_draft(path)


def _notes() -> dict[str, list[str]]:
    try:
        notes = json.loads((_folder() / _NOTES).read_text(encoding="utf-8"))
        return {str(int(attempt)): [str(name) for name in names] for attempt, names in notes.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write_notes(notes: dict[str, list[str]]) -> None:
    write_whole(_folder() / _NOTES, json.dumps(notes))
