"""What the history leaves in files beside it: exports, and rescue files of attempts that it could not save.

A locked or damaged history never costs the critique that was just paid for: ``save_or_rescue``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from pydantic import ValidationError

from coach.answer.answer import AssessmentWarning
from coach.answer.read import delete_drafts
from coach.errors import InputError, StorageError
from coach.files import data_directory, keep_answer
from coach.history.records import AttemptRecord, Deletion
from coach.history.store import Conditions, HistoryStore, new_record
from coach.schema import first_problem
from coach.submit.assessment import Assessment

_PREFIX, _SUFFIX = "coach-attempt-", ".jsonl"


@dataclass(frozen=True)
class SavedAttempt:
    """What became of an attempt: its number, or a warning and (unless that failed too) the file it lies in."""

    attempt_id: int | None = None
    warning: AssessmentWarning | None = None
    rescue_file: Path | None = None


def save_or_rescue(
    open_store: Callable[[], HistoryStore], question_id: str, answer: str, assessment: Assessment, *, bank_title: str
) -> SavedAttempt:
    """Save the attempt; where the history cannot be used, write it to a rescue file. Raises no CoachError.

    ``open_store`` is ``HistoryStore.open`` or the like; the store is closed here.
    """
    record = new_record(question_id, answer, assessment, bank_title)
    path = None
    try:
        with open_store() as store:
            return SavedAttempt(attempt_id=store.add_record(record))
    except StorageError as error:
        problem = error
    try:
        path = write_rescue_file(record)
        text = (
            f"This attempt is not in the history: {problem.message}. {problem.hint} "
            f"It was written to {path}; `coach history --import {path}` adds it later."
        )
    except StorageError as error:
        text = f"This attempt is not saved: {problem.message}; {error.message}. {problem.hint}"
    return SavedAttempt(None, AssessmentWarning(code="history-not-saved", message=text), path)


def write_rescue_file(record: AttemptRecord) -> Path:
    """Write the record to a new private file in the data directory, else in the temporary directory; return its path.

    Raises StorageError when neither can be written.
    """
    try:
        content = (record.model_dump_json(by_alias=True) + "\n").encode()
    except ValueError as error:
        raise StorageError("the answer is no text that a file can hold", "Copy the answer yourself.") from error
    return keep_answer(content, f"{_PREFIX}{record.created_at:%Y%m%dT%H%M%SZ}-", _SUFFIX)


def read_records(path: Path) -> list[AttemptRecord]:
    """Read an export or a rescue file; raises InputError that names the file and the line."""
    hint = "Give a file that `coach history --export` or a failed save wrote."
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})", hint) from error
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no UTF-8 text", hint) from None
    records: list[AttemptRecord] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(_Line.model_validate_json(line))
        except ValidationError as error:
            raise InputError(f"{path}:{number}: {first_problem(error)}", hint) from None
    return records


class _Line(AttemptRecord):
    """A line of a file; only exported ones have a number, which a new history does not keep."""

    id: int | None = None


def rescue_files() -> list[Path]:
    """Return the rescue files of this user, in the data directory and the temporary one, oldest name first."""
    found: list[Path] = []
    for directory in dict.fromkeys((data_directory(), Path(tempfile.gettempdir()))):
        with suppress(OSError):
            # In a directory that others may write, a link is a trap.
            found += sorted(
                path
                for path in directory.glob(f"{_PREFIX}*{_SUFFIX}")
                if path.is_file() and not path.is_symlink() and (os.name == "nt" or path.lstat().st_uid == os.geteuid())
            )
    return found


def delete_attempts(store: HistoryStore, *, everything: bool = False, **which: Unpack[Conditions]) -> Deletion:
    """Delete attempts as ``HistoryStore.delete`` does, and what rescue files and drafts hold of the same answers.

    An attempt that has a number is in no rescue file, and no draft belongs to it or to a bank.
    """
    question_id, numbered = which.get("question_id"), bool(which.get("ids"))
    return Deletion(
        attempts=store.delete(everything=everything, **which),
        rescue_files=0 if numbered else delete_rescue_files(question_id, which.get("bank_title")),
        drafts=delete_drafts(question_id) if not numbered and (question_id or everything) else 0,
    )


def delete_rescue_files(question_id: str | None = None, bank_title: str | None = None) -> int:
    """Delete the rescue files (of one question, of one bank, or all) and return how many; raises StorageError.

    A file that cannot be read as an attempt is deleted only when all are.
    """

    def chosen(path: Path) -> bool:
        if not (question_id or bank_title):
            return True
        with suppress(InputError):
            return any(
                question_id in (None, record.question_id) and bank_title in (None, record.bank_title)
                for record in read_records(path)
            )
        return False

    paths = [path for path in rescue_files() if chosen(path)]
    for path in paths:
        _delete(path)
    return len(paths)


def delete_if_rescue_file(path: Path) -> bool:
    """Delete the file when it is one of the user's rescue files; return whether it was. Raises StorageError."""
    if path.resolve() not in [rescued.resolve() for rescued in rescue_files()]:
        return False
    _delete(path)
    return True


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be deleted ({error.strerror})", "Delete it yourself.") from error
