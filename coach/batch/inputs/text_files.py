"""Answers as single files named ``<candidate>__<question-id>``: .txt, .md and .docx."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from coach.answer.read import read_answer_file
from coach.batch.inputs.failures import listed, storable, unreadable
from coach.batch.rows import RawAnswer, RowProblem, SourceReport
from coach.batch.scratch import scratch_database, scratch_errors
from coach.errors import AnswerUnreadableError, InputError

SUFFIXES = (".txt", ".md", ".docx")
_NAMING = "Files are named <candidate>__<question-id>.txt, .md or .docx."
_SHOWN = 20


class FolderSource:
    """The answer files that lie directly in one folder, in the order of their names.

    Raises InputError when the folder cannot be read or has no such file.
    """

    def __init__(self, folder: Path) -> None:
        self.source = storable(str(folder))
        self._folder = folder
        try:
            found = any(is_answer_file(name) for name in _names(folder))
            ignored = tuple(islice((name for name in _names(folder) if not is_answer_file(name)), _SHOWN))
        except OSError as error:
            raise unreadable(self.source, error) from error
        if not found:
            raise InputError(
                f"{self.source}: no answer file in the folder; found {listed(ignored)}",
                f"{_NAMING} Give tables by their own names.",
            )
        self.report = SourceReport(source=self.source, form="folder of answer files", ignored=ignored)

    def answers(self) -> Iterator[RawAnswer | RowProblem]:
        """Yield one answer per file. Raises OSError when the folder itself cannot be read."""
        # Sorted on disk: a folder may hold more names than memory should.
        with scratch_errors():
            names = scratch_database()
            names.execute("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")
        try:
            with scratch_errors():
                names.executemany(
                    "INSERT INTO names VALUES (?)",
                    ((os.fsencode(name),) for name in _names(self._folder) if is_answer_file(name)),
                )
                ordered = names.execute("SELECT name FROM names ORDER BY name")
            for (name,) in ordered:
                yield answer_row(self._folder / os.fsdecode(name))
        finally:
            names.close()


class AnswerFilesSource:
    """Answer files that were given one by one, or by a pattern."""

    source = "answer files"

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self.report = SourceReport(source=self.source, form=f"{len(paths)} answer files")

    def answers(self) -> Iterator[RawAnswer | RowProblem]:
        """Yield one answer per file."""
        for path in self._paths:
            yield answer_row(path)


def is_answer_file(name: str) -> bool:
    """Return whether a file's name has the form ``<candidate>__<question-id>`` with a known suffix."""
    stem, suffix = os.path.splitext(name)
    return suffix.lower() in SUFFIXES and "__" in stem and not name.startswith((".", "~$"))


def answer_row(path: Path) -> RawAnswer | RowProblem:
    """Return the answer in one file, or why it cannot be read."""
    source = storable(str(path))
    candidate, _, question = path.stem.rpartition("__")
    try:
        text = read_answer_file(path)
    except AnswerUnreadableError as error:
        return RowProblem(source, 1, error.message.removeprefix(f"{path}: "))
    if not question.strip():
        return RowProblem(source, 1, f"the file's name does not say the question. {_NAMING}")
    return RawAnswer(source, 1, question.strip(), text, candidate.strip() or None)


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_file())
