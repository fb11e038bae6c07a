"""Opening the inputs of a batch: files, folders, patterns and standard input, as one stream of rows."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from coach.bank.find import QuestionMatcher
from coach.bank.questions import Bank
from coach.batch.inputs.delimited import DelimitedSource
from coach.batch.inputs.failures import storable, unreadable
from coach.batch.inputs.jsonl import JsonLinesFile, JsonLinesInput
from coach.batch.inputs.row_ids import RowIds
from coach.batch.inputs.text_files import AnswerFilesSource, FolderSource, is_answer_file
from coach.batch.inputs.workbook import WorkbookSource
from coach.batch.rows import AnswerRow, InputCounts, RawAnswer, RowProblem, SourceReport
from coach.errors import InputError

STANDARD_INPUT = "-"
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonlines")
_WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
_TAB_SUFFIXES = (".tsv", ".tab")
_ELSEWHERE = {
    ".xls": "Save it as .xlsx or .csv.",
    ".xlsb": "Save it as .xlsx or .csv.",
    ".ods": "Save it as .xlsx or .csv.",
    ".numbers": "Export it as .xlsx or .csv.",
    ".doc": "Save it as .docx.",
    ".odt": "Save it as .docx.",
    ".pdf": "Save the answer as .txt or .docx.",
    ".zip": "Unpack it, and give the files or the folder.",
    ".gz": "Unpack it into standard input: gunzip -c FILE | coach batch - ...",
}


class _Source(Protocol):
    source: str

    def answers(self) -> Iterator[RawAnswer | RowProblem | None]: ...


class BatchInput:
    """The opened inputs of a batch; ``matches`` says per source what was recognised.

    Nothing but the beginning of each file was read so far.
    """

    def __init__(self, sources: Sequence[_Source], matches: tuple[SourceReport, ...], matcher: QuestionMatcher) -> None:
        self._sources = sources
        self._matcher = matcher
        self.matches = matches
        #: Counts of the last (or running) pass over the rows.
        self.counts = InputCounts()

    @property
    def repeatable(self) -> bool:
        """Whether the rows can be read more than once: not from standard input."""
        return not any(isinstance(source, JsonLinesInput) for source in self._sources)

    def __iter__(self) -> Iterator[AnswerRow | RowProblem]:
        """Return ``rows()``."""
        return self.rows()

    def rows(self) -> Iterator[AnswerRow | RowProblem]:
        """Yield every row in the order of the inputs, reading as it goes; ``counts`` starts anew.

        A row that cannot be graded is a RowProblem. Raises InputError when standard input was read before, and
        StorageError when the index of row ids finds no room in the temporary directory.
        """
        self.counts = counts = InputCounts()
        ids = RowIds()
        try:
            for found in self._answers():
                if found is None:
                    counts.empty_cells += 1
                    continue
                row = self._row(found, ids) if isinstance(found, RawAnswer) else found
                if isinstance(row, AnswerRow):
                    counts.rows += 1
                    counts.by_question[row.question_id] += 1
                else:
                    counts.problems += 1
                yield row
        finally:
            ids.close()

    def _answers(self) -> Iterator[RawAnswer | RowProblem | None]:
        for source in self._sources:
            line = 0
            try:
                for found in source.answers():
                    line = found.line if found else line
                    yield found
            except OSError as error:
                # Whatever happened to this file, the others can be read.
                yield RowProblem(source.source, line + 1, f"the rest cannot be read ({error.strerror or error})")

    def _row(self, raw: RawAnswer, ids: RowIds) -> AnswerRow | RowProblem:
        match = self._matcher.match(raw.question)
        if match is None:
            nearest = ", ".join(self._matcher.nearest(raw.question))
            wanted = storable(raw.question[:80])
            return RowProblem(raw.source, raw.line, f"there is no question {wanted!r} in the bank; nearest: {nearest}")
        clean = _clean(raw)
        return AnswerRow(
            row_id=ids.take(clean, match.question_id),
            candidate=clean.candidate,
            question_id=match.question_id,
            answer=clean.answer,
            source=raw.source,
            line=raw.line,
        )


def open_inputs(paths: Sequence[str], bank: Bank, stdin: BinaryIO | None = None) -> BatchInput:
    """Open files, folders, patterns (``answers/*.csv``) and ``-`` for JSON lines from ``stdin``.

    A file that is named twice is read once. Raises InputError that names every input that cannot be used, with what
    was found in it.
    """
    matcher = QuestionMatcher(bank)
    sources: list[_Source] = []
    reports: list[SourceReport] = []
    errors: list[InputError] = []
    single_files: list[Path] = []
    for path in _expand(paths, errors):
        try:
            if path is not None and path.is_file() and is_answer_file(path.name):
                single_files.append(path)
                continue
            source, found = _open(path, matcher, stdin)
        except InputError as error:
            errors.append(error)
        else:
            sources.append(source)
            reports.extend(found)
    if single_files:
        files = AnswerFilesSource(single_files)
        sources.append(files)
        reports.append(files.report)
    if errors:
        hints = dict.fromkeys(error.hint for error in errors)
        raise InputError("\n".join(error.message for error in errors), "\n".join(hints))
    return BatchInput(sources, tuple(reports), matcher)


def _expand(paths: Sequence[str], errors: list[InputError]) -> Iterator[Path | None]:
    """Yield each file once, None for standard input."""
    seen: set[str] = set()
    for given in paths:
        # A file whose name only looks like a pattern is that file.
        if given == STANDARD_INPUT or os.path.exists(given) or not glob.has_magic(given):
            found = [given]
        else:
            found = sorted(glob.glob(given, recursive=True))
            if not found:
                errors.append(InputError(f"{given}: no file matches the pattern", "Check the pattern and the folder."))
        for name in found:
            identity = name if name == STANDARD_INPUT else os.path.realpath(name)
            if identity not in seen:
                seen.add(identity)
                yield None if name == STANDARD_INPUT else Path(name)


def _open(
    path: Path | None, matcher: QuestionMatcher, stdin: BinaryIO | None
) -> tuple[_Source, tuple[SourceReport, ...]]:
    if path is None:
        piped = JsonLinesInput(stdin if stdin is not None else sys.stdin.buffer)
        return piped, (piped.report,)
    if path.is_dir():
        folder = FolderSource(path)
        return folder, (folder.report,)
    _check_file(path)
    kind = _kind(path)
    if kind == "workbook":
        workbook = WorkbookSource(path, matcher)
        return workbook, workbook.reports
    if kind == "json":
        lines = JsonLinesFile(path)
        return lines, (lines.report,)
    table = DelimitedSource(path, matcher, tabs_first=path.suffix.lower() in _TAB_SUFFIXES)
    return table, (table.report,)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder", "Check the path.")
    if not path.is_file():
        raise InputError(
            f"{path}: not a regular file, which is read more than once", "Pipe JSON lines into `coach batch - ...`."
        )
    suffix = path.suffix.lower()
    if suffix in _ELSEWHERE:
        raise InputError(f"{path}: {suffix} files cannot be read", _ELSEWHERE[suffix])
    if suffix in (".docx", ".md"):
        raise InputError(
            f"{path}: the file's name does not say candidate and question",
            "Files are named <candidate>__<question-id>.txt, .md or .docx.",
        )


def _kind(path: Path) -> str:
    """Return what a file is: by its content where that is certain (a renamed workbook), else by its suffix."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise unreadable(str(path), error) from error
    suffix = path.suffix.lower()
    if start.startswith(b"PK\x03\x04") or (suffix in _WORKBOOK_SUFFIXES and start):
        return "workbook"
    known_table = suffix in (".csv", ".txt", *_TAB_SUFFIXES)
    if suffix in _JSON_SUFFIXES or (not known_table and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")):
        return "json"
    return "delimited"


def _clean(raw: RawAnswer) -> RawAnswer:
    return replace(
        raw,
        answer=storable(raw.answer),
        candidate=storable(raw.candidate) if raw.candidate else None,
        given_id=storable(raw.given_id) if raw.given_id else None,
    )
