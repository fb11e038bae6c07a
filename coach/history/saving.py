"""Saving an attempt so that a locked or damaged database never costs the critique that was just paid for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coach.answer.answer import AssessmentWarning
from coach.errors import StorageError
from coach.history.record_files import write_rescue_file
from coach.history.store import HistoryStore, new_record
from coach.submit.assessment import Assessment

NOT_SAVED = "history-not-saved"


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
    try:
        with open_store() as store:
            return SavedAttempt(attempt_id=store.add_record(record))
    except StorageError as error:
        problem = error
    try:
        path = write_rescue_file(record)
    except StorageError as error:
        text = f"This attempt is not saved: {problem.message}; {error.message}. {problem.hint}"
        return SavedAttempt(warning=AssessmentWarning(code=NOT_SAVED, message=text))
    text = (
        f"This attempt is not in the history: {problem.message}. {problem.hint} "
        f"It was written to {path}; `coach history --import {path}` adds it later."
    )
    return SavedAttempt(warning=AssessmentWarning(code=NOT_SAVED, message=text), rescue_file=path)
