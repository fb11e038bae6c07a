"""Opening tables of answers: JSON lines, delimited text and workbooks, read row by row.

The content decides what a file is where that is certain (a renamed workbook), else its suffix.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
import weakref
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from coach.answer.decoding import SAMPLE_BYTES, TextEncoding, detect_encoding, open_text
from coach.batch.inputs.layout import Columns, Row, TableLayout, find_layout, listed, shorten
from coach.batch.rows import SourceReport
from coach.errors import InputError, StorageError

#: What a damaged or encrypted workbook or document raises in zipfile, the XML parsers (a SyntaxError) and the libraries
#: above them.
_ARCHIVE_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError, TypeError, AttributeError, SyntaxError,
    RuntimeError, OSError,
)  # fmt: skip

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
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
#: The line that Excel takes a separator from.
_SEP_LINE = re.compile(r"""\ufeff?"?sep=(?P<separator>.)"?\r?\n?""", re.IGNORECASE)
_SAMPLE_ROWS = 40
_PROBED_LINES = 20
_BLANK = " \t\r\n\ufeff"
#: A tab or another control character inside a string does no harm.
_DECODER = json.JSONDecoder(strict=False)
#: A longer line or cell cannot be read; it bounds what a missing line end or closing quote can take into memory.
MAX_LINE_CHARS = 4_000_000
_MAX_CELL_CHARS = 1_000_000
_LINE_ENDS = ("\n", "\r")


@dataclass(frozen=True)
class Table:
    """An opened table; ``rows()`` reads it from its beginning and raises OSError when it can no longer be read."""

    source: str
    report: SourceReport
    rows: Callable[[], Iterator[Row]]


def open_table(path: Path, columns: Columns) -> list[Table]:
    """Return the table in a file, or those in the sheets of a workbook; only the beginning is read.

    Raises InputError when the file cannot be read or none of its columns is known.
    """
    source = storable(str(path))
    _check_file(path)
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if start.startswith(b"PK\x03\x04") or (suffix in _WORKBOOK_SUFFIXES and start):
            return _workbook(path, source, columns)
        known = suffix in (".csv", ".txt", *_TAB_SUFFIXES)
        if suffix in _JSON_SUFFIXES or (not known and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")):
            return [_json_lines(_TextFile.probe(source, lambda: path.open("rb"), columns), columns)]
        return [_delimited(_TextFile.probe(source, lambda: path.open("rb"), columns), suffix, columns)]
    except OSError as error:
        raise unreadable(source, error) from error


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


def unreadable(source: str, error: OSError) -> InputError:
    """Return the error for a file that cannot be opened or read."""
    return InputError(
        f"{source}: cannot be read ({error.strerror or error})", "Check the path and the file's permissions."
    )


def storable(text: str) -> str:
    """Return the text without NULs, and with U+FFFD for halves of surrogate pairs: neither can be kept as UTF-8."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _unknown_columns(source: str, headers: tuple[str, ...], form: str, columns: Columns) -> InputError:
    names = [name for name in headers if name.strip()]
    near = columns.near_misses(names)[:3]
    hints = [f"{shorten(miss.header)!r}: nearest are {', '.join(miss.question_ids)}." for miss in near]
    return InputError(
        f"{source}: no column is known; found in its first row: {listed(names)} (read as {form})",
        " ".join([*hints, columns.wanted]),
    )


# --- lines of text ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _TextFile:
    """A file of text with its beginning; it is opened anew for each pass."""

    source: str
    open: Callable[[], io.BufferedReader]
    sample: bytes
    encoding: TextEncoding

    @classmethod
    def probe(cls, source: str, open_file: Callable[[], io.BufferedReader], columns: Columns) -> _TextFile:
        with open_file() as binary:
            sample = binary.read(SAMPLE_BYTES)
        if not sample.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe"):
            raise InputError(f"{source}: the file is empty", columns.wanted)
        return cls(source, open_file, sample, detect_encoding(sample))

    def lines(self) -> Iterator[Line]:
        with self.open() as binary, open_text(binary, self.encoding) as text:
            yield from read_lines(text)


@dataclass(frozen=True)
class Line:
    """One line with its end; ``text`` is None when it is too long to be held."""

    number: int
    text: str | None


def read_lines(stream: TextIO) -> Iterator[Line]:
    """Yield the lines of a text; NULs, which are never content, are left out."""
    number = 0
    while text := stream.readline(MAX_LINE_CHARS):
        number += 1
        if len(text) < MAX_LINE_CHARS or text.endswith(_LINE_ENDS):
            yield Line(number, text.replace("\0", ""))
            continue
        while not text.endswith(_LINE_ENDS) and (text := stream.readline(SAMPLE_BYTES)):
            pass
        yield Line(number, None)


# --- delimited text ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """One record of delimited text, which begins on line ``number``; ``problem`` says why it has no cells."""

    number: int
    cells: tuple[str, ...] = ()
    problem: str | None = None


def read_records(lines: Iterator[Line], separator: str, skip_spaces: bool = False) -> Iterator[Record]:
    """Yield the records of delimited text (quotes and line ends inside quoted cells as in RFC 4180).

    A first line that only names the separator is left out. A record that breaks the rules, such as one with a quote
    that is never closed, becomes a problem of its first line alone: reading goes on with the next line.
    """
    # The limit belongs to the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_CHARS))
    given_back: deque[Line] = deque()

    def take(taken: list[Line]) -> Iterator[str]:
        size = 0
        while line := given_back.popleft() if given_back else next(lines, None):
            if line.number == 1 and _SEP_LINE.fullmatch(line.text or ""):
                continue
            taken.append(line)
            size += len(line.text or "")
            if line.text is None or size > MAX_LINE_CHARS:
                raise csv.Error(f"longer than {MAX_LINE_CHARS:,} characters")
            yield line.text

    while True:
        taken: list[Line] = []
        try:
            reader = csv.reader(take(taken), delimiter=separator, skipinitialspace=skip_spaces, strict=True)
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            given_back.extendleft(reversed(taken[1:]))
            yield _unquoted(taken[0], separator) or Record(taken[0].number, problem=_explain(error))
        else:
            yield Record(taken[0].number, tuple(cells))


def _unquoted(line: Line, separator: str) -> Record | None:
    # Some programs write tab-separated text without any quoting, so a cell may begin with a quote of its own.
    if separator != "\t" or not line.text:
        return None
    return Record(line.number, tuple(line.text.rstrip("\r\n").split("\t")))


def _explain(error: Exception) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote is opened on this line and never closed"
    if "field larger" in text:
        return f"a cell is longer than {_MAX_CELL_CHARS:,} characters, or a quote is opened and never closed"
    if "expected after" in text:
        return "a quote stands inside a quoted cell without being doubled, or a quote is not closed"
    return f"the line cannot be read ({text})"


def _delimited(file: _TextFile, suffix: str, columns: Columns) -> Table:
    """Open CSV, TSV and other delimited text with the separator by which most columns are known."""
    text = file.sample.decode(file.encoding.codec, file.encoding.errors)
    if len(file.sample) == SAMPLE_BYTES and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    sep_line = _SEP_LINE.match(text)
    marks = [sep_line["separator"]] if sep_line else [mark for mark in _SEPARATORS if mark in text] or [","]
    if suffix in _TAB_SUFFIXES:
        marks.sort(key=lambda mark: mark != "\t")
    form = _form(text, marks, columns)
    if form is None:
        mark = max(marks, key=lambda mark: text.partition("\n")[0].count(mark))
        cells = next((record.cells for record in _sample_records(text, mark, False) if any(record.cells)), ())
        how = f"{file.encoding.name}, separated by {_SEPARATORS.get(mark, mark)}"
        raise _unknown_columns(file.source, cells, how, columns)
    mark, spaced, layout, header_line = form

    def rows() -> Iterator[Row]:
        for record in read_records(file.lines(), mark, spaced):
            if record.number > header_line and record.problem:
                yield Row(file.source, record.number, problem=record.problem)
            elif record.number > header_line:
                yield from layout.rows(record.cells, file.source, record.number)

    separator = _SEPARATORS.get(mark, mark)
    return Table(file.source, layout.report(file.source, "delimited text", file.encoding.name, separator), rows)


def _form(text: str, marks: list[str], columns: Columns) -> tuple[str, bool, TableLayout, int] | None:
    """Return separator, whether a space follows it, layout and header line: most columns known, most rows as wide."""
    best, form = (0, 0.0), None
    for mark in marks:
        # Typed by hand: candidate, question_id, "an answer"
        first = next(_sample_records(text, mark, False), Record(1))
        spaced = any(cell.startswith(" ") for cell in first.cells[1:])
        records = list(islice(_sample_records(text, mark, spaced), _SAMPLE_ROWS))
        layout = find_layout([record.cells for record in records], columns)
        if layout is not None:
            regular = sum(len(record.cells) == len(layout.headers) for record in records) / len(records)
            rank = (len(layout.roles) + len(layout.questions), regular)
            if rank > best:
                best, form = rank, (mark, spaced, layout, records[layout.header_index].number)
    return form


def _sample_records(text: str, separator: str, spaced: bool) -> Iterator[Record]:
    lines = read_lines(io.StringIO(text, newline=""))
    return (record for record in read_records(lines, separator, spaced) if not record.problem)


# --- JSON lines -------------------------------------------------------------------------------------------------------


def _json_lines(file: _TextFile, columns: Columns) -> Table:
    """Open a file with one JSON object a line; its first lines say which keys there are."""

    def filled() -> Iterator[Line]:
        return (line for line in file.lines() if line.text is None or line.text.strip(_BLANK))

    source, first = file.source, list(islice(filled(), _PROBED_LINES))
    objects = [parsed for line in first if isinstance(parsed := _parse(line), dict)]
    names = list(dict.fromkeys(name for parsed in objects for name in parsed))
    if not any(_json_row(line, source, columns).values for line in first):
        if names:
            raise InputError(
                f"{source}: no line has {' and '.join(columns.needed)}; found the keys {listed(names)}", columns.wanted
            )
        text_found = (first[0].text or "")[:60].strip()
        array = "This looks like one JSON array: write one object a line (jq -c '.[]')."
        raise InputError(
            f"{source}: not JSON lines; the first line begins with {text_found!r}",
            array if text_found.startswith("[") else columns.wanted,
        )
    roles = columns.roles(names)
    report = SourceReport(
        source=source,
        form="JSON lines",
        encoding=file.encoding.name,
        roles=tuple((role, names[index]) for role, index in roles.items()),
        ignored=tuple(name for index, name in enumerate(names) if index not in roles.values()),
    )
    return Table(source, report, lambda: (_json_row(line, source, columns) for line in filled()))


def piped_table(stdin: BinaryIO | None, columns: Columns) -> Table:
    """Return the JSON lines from standard input, which is read to its end; raises StorageError without room for it."""
    # A file without a name, so that it can be read more than once.
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        shutil.copyfileobj(stdin or sys.stdin.buffer, spool)
        spool.flush()
    except OSError as error:
        raise StorageError(
            f"standard input cannot be kept ({error.strerror or error})",
            "Free some space in the temporary directory (TMPDIR).",
        ) from error

    def open_again() -> io.BufferedReader:
        spool.seek(0)
        return open(os.dup(spool.fileno()), "rb")

    file = _TextFile.probe("standard input", open_again, columns)
    weakref.finalize(file, spool.close)
    return _json_lines(file, columns)


def _json_row(line: Line, source: str, columns: Columns) -> Row:
    parsed = _parse(line)
    if isinstance(parsed, str):
        return Row(source, line.number, problem=parsed)
    keys = list(parsed)
    roles = columns.roles(keys)
    values: dict[str, str] = {}
    for role in (*columns.needed, *roles):
        if role not in roles:
            message = f"the object has no {role}; its keys are {listed(keys)}"
            return Row(source, line.number, problem=message)
        value = parsed[keys[roles[role]]]
        if isinstance(value, bool | list | dict):
            kind = {bool: "true or false", list: "a list", dict: "an object"}[type(value)]
            return Row(source, line.number, problem=f"{role} is {kind}, not text")
        values[role] = "" if value is None else str(value)
    return Row(source, line.number, values)


def _parse(line: Line) -> dict[str, Any] | str:
    """Return the object on a line, or why there is none."""
    if line.text is None:
        return f"the line is longer than {MAX_LINE_CHARS:,} characters"
    try:
        parsed = _DECODER.decode(line.text.strip(_BLANK))
    except json.JSONDecodeError as error:
        return f"not valid JSON: {error.msg} (column {error.colno})"
    except (ValueError, RecursionError) as error:
        return f"not JSON that can be read: {error}"
    return parsed if isinstance(parsed, dict) else "the line is JSON, but not an object"


# --- workbooks --------------------------------------------------------------------------------------------------------


def _workbook(path: Path, source: str, columns: Columns) -> list[Table]:
    """Open the visible sheets with known columns; the first one's report names the others."""
    tables: list[Table] = []
    others: list[str] = []
    header: tuple[str, ...] = ()
    try:
        with _open_book(path) as book:
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            samples = {sheet.title: _sheet_rows(sheet, _SAMPLE_ROWS)[0] for sheet in sheets}
    except PermissionError:
        raise
    except _ARCHIVE_DAMAGE as error:
        raise InputError(
            f"{source}: not an XLSX workbook that can be read ({_words_of(error)})",
            "A workbook with a password, or in another format (.xls, .ods), must be saved as .xlsx first.",
        ) from error
    for title, sample in samples.items():
        layout = find_layout([cells for _, cells in sample], columns)
        if layout is None:
            others.append(title)
            header = header or next((cells for _, cells in sample), ())
            continue
        name = f"{source} [{title}]" if len(samples) > 1 else source
        rows = partial(_answers_of, path, title, name, layout, sample[layout.header_index][0])
        tables.append(Table(name, layout.report(name, "workbook"), rows))
    if not tables:
        raise _unknown_columns(source, header, f"workbook with the sheets {listed(others)}", columns)
    if others:
        note = f"sheets without a known column: {listed(others)}"
        first = tables[0]
        tables[0] = replace(first, report=replace(first.report, notes=(*first.report.notes, note)))
    return tables


def _answers_of(path: Path, title: str, source: str, layout: TableLayout, header_row: int) -> Iterator[Row]:
    try:
        with _open_book(path) as book:
            found, damage = _sheet_rows(book[title])
    except _ARCHIVE_DAMAGE as error:
        found, damage = [], error
    for number, cells in found:
        if number > header_row:
            yield from layout.rows(cells, source, number)
    if damage:
        last = found[-1][0] if found else header_row
        yield Row(source, last + 1, problem=f"the rest of the sheet cannot be read ({_words_of(damage)})")


@contextmanager
def _open_book(path: Path) -> Iterator[Any]:
    import openpyxl  # type: ignore[import-untyped]

    # openpyxl warns of styles, validations and extensions that it does not keep; nobody here needs them.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()


def _sheet_rows(sheet: Any, limit: int | None = None) -> tuple[list[tuple[int, tuple[str, ...]]], Exception | None]:
    """Return number and texts of the rows that are not empty, and the damage that ended them."""
    rows: list[tuple[int, tuple[str, ...]]] = []
    # Many programs write wrong dimensions.
    sheet.reset_dimensions()
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if any(cell is not None for cell in cells):
                rows.append((number, tuple(map(_text, cells))))
                if len(rows) == limit:
                    break
    except _ARCHIVE_DAMAGE as error:
        return rows, error
    return rows, None


def _text(value: object) -> str:
    from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]

    if value is None:
        return ""
    if isinstance(value, str):
        return str(unescape(value))
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _words_of(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind when it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
