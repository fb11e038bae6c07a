"""Opening the inputs of a batch: files, folders, patterns and standard input, as one stream of rows.

Answers as single files are named ``<candidate>__<question-id>``: .txt, .md and .docx.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from coach.answer.read import read_answer_file
from coach.bank.find import QuestionMatcher
from coach.bank.questions import Bank
from coach.batch.inputs.layout import Columns, Row, listed
from coach.batch.inputs.tables import Table, open_table, piped_table, storable, unreadable
from coach.batch.rows import AnswerRow, RowProblem, SourceReport
from coach.errors import AnswerUnreadableError, InputError, StorageError

_STANDARD_INPUT = "-"
#: Names of the columns and JSON keys that are read; the contract's own names stand first.
_ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "question_id": ("question id", "questionid", "question", "question number", "question no", "question text"),
    "answer": ("answer", "response", "answer text", "response text"),
    "candidate": (
        "candidate", "candidate id", "candidate name", "name", "full name", "your name", "email", "email address",
        "e mail", "e mail address", "username", "user name", "participant", "participant id", "applicant",
        "respondent", "student", "student id",
    ),
    "id": ("id", "row id", "rowid", "response id", "responseid", "submission id", "respondent id"),
}  # fmt: skip
_WANTED = (
    "Either give one answer a row, in the columns (or JSON keys) question_id and answer, such as "
    '{"question_id": "...", "answer": "..."}; candidate and id may be added. Or give one candidate a row, with one '
    "column a question, headed by its id, number or text. A file that holds one answer is named "
    "<candidate>__<question-id>.txt, .md or .docx."
)

_SUFFIXES = (".txt", ".md", ".docx")
_NAMING = "Files are named <candidate>__<question-id>.txt, .md or .docx."
_SHOWN = 20
_LONGEST_NAME = 160


def answer_columns(bank: Bank) -> Columns:
    """Return what to look for in a table of answers to the questions of a bank."""
    shared = {"candidate": "candidate", "id": "row"}
    return Columns(_ROLE_NAMES, ("question_id", "answer"), _WANTED, QuestionMatcher(bank), shared)


class BatchInput:
    """The opened inputs of a batch; ``matches`` says per source what was recognised.

    Nothing but the beginning of each file was read so far.
    """

    def __init__(self, tables: Sequence[Table], matcher: QuestionMatcher) -> None:
        self.matches = tuple(table.report for table in tables)
        #: Unanswered questions of wide tables, as far as the last pass over the rows has come.
        self.empty_cells = 0
        self._tables = tables
        self._matcher = matcher

    def __iter__(self) -> Iterator[AnswerRow | RowProblem]:
        """Yield every row in the order of the inputs, reading as it goes.

        A row that cannot be graded is a RowProblem. Raises InputError when standard input was read before, and
        StorageError when the index of row ids finds no room in the temporary directory.
        """
        self.empty_cells = 0
        with closing(RowIds()) as ids:
            for found in self._found():
                row = self._row(found, ids)
                if row is None:
                    self.empty_cells += 1
                else:
                    yield row

    def _found(self) -> Iterator[Row]:
        for table in self._tables:
            line = 0
            try:
                for row in table.rows():
                    line = row.line
                    yield row
            except OSError as error:
                # Whatever happened to this file, the others can be read.
                yield Row(table.source, line + 1, problem=f"the rest cannot be read ({error.strerror or error})")

    def _row(self, row: Row, ids: RowIds) -> AnswerRow | RowProblem | None:
        if row.problem:
            return RowProblem(row.source, row.line, row.problem)
        if row.values is None:
            return None
        values = {role: storable(text) for role, text in row.values.items()}
        question = values["question_id"].strip()
        match = self._matcher.match(question)
        if match is None:
            nearest = ", ".join(self._matcher.nearest(question))
            unknown = f"there is no question {question[:80]!r} in the bank; nearest: {nearest}"
            return RowProblem(row.source, row.line, unknown if question else "question_id is empty")
        return AnswerRow(
            row_id=ids.take(values, match.question_id),
            candidate=values.get("candidate", "").strip() or None,
            question_id=match.question_id,
            answer=values["answer"],
            source=row.source,
            line=row.line,
        )


class RowIds:
    """Gives out row ids that are unique in a batch and do not change when other rows are added or removed.

    The given ids are remembered on disk (8 bytes of a hash each), so that memory does not grow with the rows. Two
    different ids with the same hash (about one chance in five million among two million rows) would only get a suffix
    that they do not need.
    """

    def __init__(self) -> None:
        # The empty name means: a temporary database on disk. One transaction for its whole life.
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096; BEGIN;"
            "CREATE TABLE seen (hash INTEGER PRIMARY KEY, times INTEGER NOT NULL)"
        )

    def close(self) -> None:
        """Forget everything."""
        self._seen.close()

    def take(self, values: dict[str, str], question_id: str) -> str:
        """Return an id that was not given out before, from the given id, the candidate or the answer.

        ``row`` is an id that several answers share. Rows of equal identity are told apart by their question, then by
        counting: ``#2``, ``#3``.
        """
        given, shared, candidate = (_short(values.get(role, "")) for role in ("id", "row", "candidate"))
        if given:
            names = [given, f"{given}/{question_id}"]
        elif shared or candidate:
            names = [f"{shared or candidate}/{question_id}"]
        else:
            # Nothing names the row but its content; its place in the file would change with every row above it.
            names = [f"{question_id}~{_digest(values['answer'])}"]
        for name in names:
            times = self._count(name)
            if times == 1:
                return name
        while True:
            numbered = f"{names[-1]}#{times}"
            if self._count(numbered) == 1:
                return numbered
            times = self._count(names[-1])

    def _count(self, name: str) -> int:
        digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        counting = "INSERT INTO seen VALUES (?, 1) ON CONFLICT (hash) DO UPDATE SET times = times + 1 RETURNING times"
        try:
            (times,) = self._seen.execute(counting, (digest,)).fetchone()
        except sqlite3.Error as error:
            raise StorageError(
                f"the index of row ids could not be used ({error})",
                "Free some space in the temporary directory (TMPDIR).",
            ) from error
        return int(times)


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}~{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def open_inputs(paths: Sequence[str], bank: Bank, stdin: BinaryIO | None = None) -> BatchInput:
    """Open files, folders, patterns (``answers/*.csv``) and ``-`` for JSON lines from ``stdin``.

    A file that is named twice is read once. Raises InputError that names every input that cannot be used, with what
    was found in it.
    """
    columns = answer_columns(bank)
    tables: list[Table] = []
    single_files: list[Path] = []
    errors: list[InputError] = []
    for path in _expand(paths, errors):
        try:
            if path is None:
                tables.append(piped_table(stdin, columns))
            elif path.is_dir():
                tables.append(_folder(path))
            elif path.is_file() and _is_answer_file(path.name):
                single_files.append(path)
            else:
                tables.extend(open_table(path, columns))
        except InputError as error:
            errors.append(error)
    if errors:
        hints = dict.fromkeys(error.hint for error in errors)
        raise InputError("\n".join(error.message for error in errors), "\n".join(hints))
    if single_files:
        report = SourceReport(source="answer files", form=f"{len(single_files)} answer files")
        tables.append(Table(report.source, report, lambda: map(_read_answer_file, single_files)))
    assert columns.matcher is not None
    return BatchInput(tables, columns.matcher)


def _expand(paths: Sequence[str], errors: list[InputError]) -> Iterator[Path | None]:
    """Yield each file once, None for standard input."""
    seen: set[str] = set()
    for given in paths:
        # A file whose name only looks like a pattern is that file.
        if given == _STANDARD_INPUT or os.path.exists(given) or not glob.has_magic(given):
            found = [given]
        else:
            found = sorted(glob.glob(given, recursive=True))
            if not found:
                errors.append(InputError(f"{given}: no file matches the pattern", "Check the pattern and the folder."))
        for name in found:
            identity = name if name == _STANDARD_INPUT else os.path.realpath(name)
            if identity not in seen:
                seen.add(identity)
                yield None if name == _STANDARD_INPUT else Path(name)


def _folder(folder: Path) -> Table:
    """Open the answer files that lie directly in one folder, in the order of their names."""
    source = storable(str(folder))
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
    except OSError as error:
        raise unreadable(source, error) from error
    answers = [folder / name for name in names if _is_answer_file(name)]
    ignored = tuple(name for name in names if not _is_answer_file(name))
    if not answers:
        raise InputError(
            f"{source}: no answer file in the folder; found {listed(ignored)}",
            f"{_NAMING} Give tables by their own names.",
        )
    report = SourceReport(source=source, form="folder of answer files", ignored=ignored[:_SHOWN])
    return Table(source, report, lambda: map(_read_answer_file, answers))


def _is_answer_file(name: str) -> bool:
    stem, suffix = os.path.splitext(name)
    return suffix.lower() in _SUFFIXES and "__" in stem and not name.startswith((".", "~$"))


def _read_answer_file(path: Path) -> Row:
    source = storable(str(path))
    candidate, _, question = path.stem.rpartition("__")
    if not question.strip():
        return Row(source, 1, problem=f"the file's name does not say the question. {_NAMING}")
    try:
        return Row(source, 1, {"question_id": question, "answer": read_answer_file(path), "candidate": candidate})
    except AnswerUnreadableError as error:
        return Row(source, 1, problem=error.message.removeprefix(f"{path}: "))
