"""Which versions ``coach compare`` compares: files, saved attempts and the example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coach.answer.read import read_answer_file, read_standard_input
from coach.compare.compare import Revision
from coach.errors import InputError, StorageError

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.history.records import Attempt

_EXEMPLAR = "exemplar"
_EXAMPLE_LABEL = "one example of a strong answer"
#: So many of the newest attempts are looked at for assessments that need not be made again.
_LOOKED_AT = 20


@dataclass(frozen=True)
class CompareInputs:
    """The versions, oldest first; saved attempts whose assessments may be reused; and a word on what was chosen."""

    revisions: list[Revision]
    attempts: list[Attempt]
    note: str = ""


def gather_inputs(
    bank: Bank, question: Question, files: Sequence[str], compare_with: str | None, bank_path: Path | None
) -> CompareInputs:
    """Read the files, and take from the history and the examples what is needed beside them.

    Raises InputError when the options do not fit together or there is too little to compare, AnswerUnreadableError for
    a file, and StorageError when the history is needed and cannot be read.
    """
    if compare_with not in (None, _EXEMPLAR):
        raise InputError(f"--with {compare_with}: there is no such comparison", "Use: --with exemplar")
    if compare_with and len(files) > 1:
        raise InputError(
            "--with exemplar takes one version of the answer", "Name one file, or none for the last attempt."
        )
    if list(files).count("-") > 1:
        raise InputError("- stands for standard input, which can be read once", "Name files for the other versions.")
    example = [_example(question, bank_path)] if compare_with else []
    revisions = [_read(file) for file in files]
    wanted = max(0, 2 - len(revisions) - len(example))
    attempts = _attempts(bank, question, needed=wanted > 0)
    if len(attempts) < wanted:
        raise _too_few(question, len(attempts), wanted)
    taken = [_revision(attempt) for attempt in attempts[len(attempts) - wanted :]]
    versions = _distinct([*taken, *revisions, *example])
    note = f"Comparing {' with '.join(version.label for version in versions)}." if taken else ""
    return CompareInputs(versions, attempts, note)


def _read(file: str) -> Revision:
    if file == "-":
        return Revision("standard input", read_standard_input())
    return Revision(file, read_answer_file(Path(file)))


def _example(question: Question, bank_path: Path | None) -> Revision:
    from coach.bank.examples import exemplar_answers

    answers = exemplar_answers(question.id, bank_path)
    if "strong" in answers:
        return Revision(_EXAMPLE_LABEL, answers["strong"], example=True)
    raise InputError(
        f"the bank has no example of a strong answer to {question.id}",
        "Put one into examples/exemplars beside the bank, or compare two files.",
    )


def _attempts(bank: Bank, question: Question, *, needed: bool) -> list[Attempt]:
    """Return the newest attempts, oldest first; a history that is not needed is no reason to fail."""
    from coach.history.store import HistoryStore

    try:
        with HistoryStore.open() as store:
            return store.attempts(question.id, _LOOKED_AT, bank_title=bank.title)
    except StorageError:
        if needed:
            raise
        return []


def _revision(attempt: Attempt) -> Revision:
    return Revision(f"attempt {attempt.id} ({attempt.created_at.astimezone():%Y-%m-%d %H:%M})", attempt.answer)


def _too_few(question: Question, count: int, wanted: int) -> InputError:
    have = "no saved attempt" if count == 0 else "only one saved attempt"
    hint = f"Save one with: coach submit {question.id} FILE"
    if wanted == 2:
        hint = f"Name two files: coach compare {question.id} OLD NEW. Attempts are saved by: coach submit {question.id}"
    return InputError(f"there is {have} at {question.id} to compare", hint)


def _distinct(revisions: list[Revision]) -> list[Revision]:
    """Number the labels that stand twice, so that a report can name each version."""
    counts, seen = Counter(revision.label for revision in revisions), Counter[str]()
    distinct = []
    for revision in revisions:
        seen[revision.label] += 1
        label = f"{revision.label} [{seen[revision.label]}]" if counts[revision.label] > 1 else revision.label
        distinct.append(Revision(label, revision.text, revision.example))
    return distinct
