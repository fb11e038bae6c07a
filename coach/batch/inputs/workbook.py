"""Answers in XLSX workbooks, long or wide, read row by row."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from coach.bank.find import QuestionMatcher
from coach.batch.inputs.failures import ARCHIVE_DAMAGE, listed, storable, unknown_columns, unreadable, words_of
from coach.batch.inputs.reports import table_report
from coach.batch.rows import RawAnswer, RowProblem, SourceReport
from coach.batch.scratch import scratch_database, scratch_errors
from coach.batch.table_layout import TableLayout, find_layout
from coach.errors import InputError

_SAMPLE_ROWS = 40
_Row = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class _Sheet:
    name: str
    source: str
    layout: TableLayout
    header_row: int


class WorkbookSource:
    """One workbook; every visible sheet with known columns is read, the others are named in the report.

    Raises InputError when it cannot be read or no sheet has a known column.
    """

    def __init__(self, path: Path, matcher: QuestionMatcher) -> None:
        self.source = storable(str(path))
        self._path = path
        self._sheets: list[_Sheet] = []
        self._probe(matcher)
        self.reports = tuple(table_report(sheet.source, "workbook", sheet.layout) for sheet in self._sheets)
        if self._other:
            first = self.reports[0]
            note = f"sheets without a known column: {listed(self._other)}"
            self.reports = (_with_note(first, note), *self.reports[1:])

    def answers(self) -> Iterator[RawAnswer | RowProblem | None]:
        """Yield the answers sheet by sheet and row by row; None for an empty cell of a wide table."""
        try:
            with _Workbook(self._path) as workbook:
                for sheet in self._sheets:
                    yield from _sheet_answers(workbook, sheet)
        except _DamagedError as error:
            yield RowProblem(self.source, 1, f"the workbook can no longer be read ({error})")

    def _probe(self, matcher: QuestionMatcher) -> None:
        self._other: list[str] = []
        header: tuple[str, ...] = ()
        try:
            with _Workbook(self._path) as workbook:
                names = workbook.sheet_names()
                for name in names:
                    rows = list(islice(workbook.rows(name), _SAMPLE_ROWS))
                    layout = find_layout([cells for _, cells in rows], matcher)
                    if layout is None:
                        self._other.append(name)
                        header = header or next((cells for _, cells in rows if any(cells)), ())
                        continue
                    source = f"{self.source} [{name}]" if len(names) > 1 else self.source
                    self._sheets.append(_Sheet(name, source, layout, rows[layout.header_index][0]))
        except _DamagedError as error:
            if isinstance(error.__cause__, PermissionError):
                raise unreadable(self.source, error.__cause__) from error
            raise InputError(
                f"{self.source}: not an XLSX workbook that can be read ({error})",
                "A workbook with a password, or in another format (.xls, .ods), must be saved as .xlsx first.",
            ) from error
        if not self._sheets:
            raise unknown_columns(self.source, header, f"workbook with the sheets {listed(self._other)}", matcher)


class _DamagedError(Exception):
    """The workbook or a sheet of it cannot be read."""


class _Workbook:
    """An open workbook. Its table of strings lies on disk, since openpyxl would hold every text in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _Workbook:
        with ExitStack() as stack:
            self._strings = stack.enter_context(closing(_SharedStrings()))
            with _damage():
                file = stack.enter_context(self._path.open("rb"))
                self._book = _quietly(lambda: _read_book(file, self._strings))
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def sheet_names(self) -> list[str]:
        """Return the names of the visible worksheets."""
        return [sheet.title for sheet in self._book.worksheets if sheet.sheet_state == "visible"]

    def rows(self, name: str) -> Iterator[_Row]:
        """Yield (row number, texts of its cells) of the rows that are not empty."""
        from openpyxl.worksheet._reader import WorkSheetParser  # type: ignore[import-untyped]

        book, sheet = self._book, self._book[name]
        with _damage(), sheet._get_source() as xml:
            # Not through the sheet's own iterator: it fills every gap with empty rows, up to the million that a
            # stray cell at the bottom makes, and cuts at a dimension that many programs write wrongly.
            parser = WorkSheetParser(
                xml,
                self._strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            parsed = parser.parse()
            while (found := _quietly(lambda: next(parsed, None))) is not None:
                # It also keeps every row's height and style.
                parser.row_dimensions.clear()
                number, cells = found
                if cells:
                    yield number, _texts(cells)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except ARCHIVE_DAMAGE as error:
        raise _DamagedError(words_of(error)) from error


def _sheet_answers(workbook: _Workbook, sheet: _Sheet) -> Iterator[RawAnswer | RowProblem | None]:
    row = sheet.header_row
    try:
        for row, cells in workbook.rows(sheet.name):
            if row > sheet.header_row:
                yield from sheet.layout.answers(cells, sheet.source, row)
    except _DamagedError as error:
        yield RowProblem(sheet.source, row + 1, f"the rest of the sheet cannot be read ({error})")


class _SharedStrings:
    """The workbook's table of strings, on disk; openpyxl asks it by number as it would ask a list."""

    def __init__(self) -> None:
        self._database: sqlite3.Connection = scratch_database()
        self._database.execute("CREATE TABLE strings (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")

    def close(self) -> None:
        self._database.close()

    def load(self, xml: Any) -> None:
        with scratch_errors():
            self._database.executemany("INSERT INTO strings VALUES (?, ?)", enumerate(_string_items(xml)))

    def __getitem__(self, number: int) -> str:
        with scratch_errors():
            found = self._database.execute("SELECT text FROM strings WHERE number = ?", (number,)).fetchone()
        if found is None:
            raise IndexError(f"there is no string {number}")
        return str(found[0])


def _read_book(file: Any, strings: _SharedStrings) -> Any:
    from openpyxl.reader.excel import ExcelReader  # type: ignore[import-untyped]
    from openpyxl.xml.constants import SHARED_STRINGS  # type: ignore[import-untyped]

    class Reader(ExcelReader):  # type: ignore[misc]
        """Reads the strings to disk."""

        def read_strings(self) -> None:
            part = self.package.find(SHARED_STRINGS)
            self.shared_strings = strings
            if part is not None:
                with self.archive.open(part.PartName[1:]) as xml:
                    strings.load(xml)

    reader = Reader(file, read_only=True, data_only=True, keep_links=False)
    reader.read()
    return reader.wb


def _string_items(xml: Any) -> Iterator[str]:
    from openpyxl.cell.text import Text  # type: ignore[import-untyped]
    from openpyxl.xml.constants import SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse  # type: ignore[import-untyped]

    tag = f"{{{SHEET_MAIN_NS}}}si"
    root = None
    for event, node in iterparse(xml, events=("start", "end")):
        if root is None:
            root = node
        if event == "end" and node.tag == tag:
            yield Text.from_tree(node).content
            root.clear()


def _texts(cells: list[dict[str, Any]]) -> tuple[str, ...]:
    texts = [""] * max(cell["column"] for cell in cells)
    for cell in cells:
        texts[cell["column"] - 1] = _text(cell["value"])
    return tuple(texts)


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
    if isinstance(value, datetime | date):
        return value.isoformat(*([" "] if isinstance(value, datetime) else []))
    return str(value)


def _quietly(call: Any) -> Any:
    # openpyxl warns of styles, validations and extensions that it does not keep; nobody here needs them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


def _with_note(report: SourceReport, note: str) -> SourceReport:
    return replace(report, notes=(*report.notes, note))
