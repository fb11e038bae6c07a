"""Answers as single files named ``<candidate>__<question-id>``: .txt, .md and .docx."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from coach.batch.inputs.decoding import decode
from coach.batch.inputs.failures import ARCHIVE_DAMAGE, listed, storable, unreadable, words_of
from coach.batch.rows import RawAnswer, RowProblem, SourceReport
from coach.batch.scratch import scratch_database, scratch_errors
from coach.errors import InputError

SUFFIXES = (".txt", ".md", ".docx")
MAX_FILE_BYTES = 4_000_000
_MAX_DOCX_BYTES = 20_000_000
_MAX_DOCX_UNPACKED = 200_000_000
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
                yield read_answer_file(self._folder / os.fsdecode(name))
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
            yield read_answer_file(path)


def is_answer_file(name: str) -> bool:
    """Return whether a file's name has the form ``<candidate>__<question-id>`` with a known suffix."""
    stem, suffix = os.path.splitext(name)
    return suffix.lower() in SUFFIXES and "__" in stem and not name.startswith((".", "~$"))


def read_answer_file(path: Path) -> RawAnswer | RowProblem:
    """Return the answer in one file, or why it cannot be read."""
    source = storable(str(path))
    candidate, _, question = path.stem.rpartition("__")
    try:
        text = _docx_text(path) if path.suffix.lower() == ".docx" else _plain_text(path)
    except OSError as error:
        return RowProblem(source, 1, f"the file cannot be read ({error.strerror or error})")
    except ValueError as error:
        return RowProblem(source, 1, str(error))
    if not question.strip():
        return RowProblem(source, 1, f"the file's name does not say the question. {_NAMING}")
    return RawAnswer(source, 1, question.strip(), text, candidate.strip() or None)


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_file())


def _plain_text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"the file is larger than {MAX_FILE_BYTES:,} bytes")
    return decode(data)


def _docx_text(path: Path) -> str:
    import docx
    from docx.table import Table

    if path.stat().st_size > _MAX_DOCX_BYTES:
        raise ValueError(f"the file is larger than {_MAX_DOCX_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MAX_DOCX_UNPACKED:
            raise ValueError(f"it unpacks to more than {_MAX_DOCX_UNPACKED:,} bytes")
        blocks = docx.Document(str(path)).iter_inner_content()
        return "\n".join(
            line for block in blocks for line in (_table_lines(block) if isinstance(block, Table) else [block.text])
        )
    except ARCHIVE_DAMAGE as error:
        raise ValueError(f"not a .docx document that can be read ({words_of(error)})") from error


def _table_lines(table: object) -> Iterator[str]:
    from docx.table import Table

    assert isinstance(table, Table)
    for row in table.rows:
        # A merged cell appears once for every column that it spans.
        yield "\t".join(dict.fromkeys(cell.text for cell in row.cells))
