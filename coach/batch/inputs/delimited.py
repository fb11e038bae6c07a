"""Answers in CSV, TSV and other delimited text, long or wide."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from coach.answer.decoding import SAMPLE_BYTES, TextEncoding, detect_encoding, open_text
from coach.bank.find import QuestionMatcher
from coach.batch.inputs.failures import empty, storable, unknown_columns, unreadable
from coach.batch.inputs.lines import Record, read_lines, read_records
from coach.batch.inputs.reports import table_report
from coach.batch.rows import RawAnswer, RowProblem
from coach.batch.table_layout import TableLayout, find_layout

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
#: The line that Excel takes a separator from.
_SEP_LINE = re.compile(r"""\ufeff?"?sep=(?P<separator>.)"?\r?\n?""", re.IGNORECASE)
_SAMPLE_ROWS = 40


@dataclass(frozen=True)
class _Dialect:
    separator: str
    skip_spaces: bool
    first_line: int
    layout: TableLayout
    header_line: int


class DelimitedSource:
    """One delimited text file. Opening it reads the beginning and finds encoding, separator and columns.

    Raises InputError when it cannot be read or no column is known.
    """

    def __init__(self, path: Path, matcher: QuestionMatcher, tabs_first: bool = False) -> None:
        self.source = storable(str(path))
        self._path = path
        sample = self._sample()
        if not sample.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe"):
            raise empty(self.source)
        self._encoding = detect_encoding(sample)
        text = _whole_lines(sample, self._encoding)
        self._dialect = _find_dialect(text, matcher, tabs_first) or self._fail(text, matcher, tabs_first)
        self.report = table_report(
            self.source,
            "delimited text",
            self._dialect.layout,
            encoding=self._encoding.name,
            separator=_SEPARATORS.get(self._dialect.separator, self._dialect.separator),
        )

    def answers(self) -> Iterator[RawAnswer | RowProblem | None]:
        """Yield the answers row by row; None for an empty cell of a wide table. Raises OSError."""
        layout = self._dialect.layout
        with self._path.open("rb") as binary, open_text(binary, self._encoding) as text:
            for record in _records(text, self._dialect.separator, self._dialect.skip_spaces, self._dialect.first_line):
                if record.number <= self._dialect.header_line:
                    continue
                if record.problem:
                    yield RowProblem(self.source, record.number, record.problem)
                else:
                    yield from layout.answers(record.cells, self.source, record.number)

    def _sample(self) -> bytes:
        try:
            with self._path.open("rb") as binary:
                return binary.read(SAMPLE_BYTES)
        except OSError as error:
            raise unreadable(self.source, error) from error

    def _fail(self, text: str, matcher: QuestionMatcher, tabs_first: bool) -> _Dialect:
        separator = max(_separators(text, tabs_first), key=lambda mark: text.partition("\n")[0].count(mark))
        records = _sample_records(text, separator, False, 1)
        cells = next((record.cells for record in records if any(record.cells)), ())
        form = f"{self._encoding.name}, separated by {_SEPARATORS.get(separator, separator)}"
        raise unknown_columns(self.source, cells, form, matcher)


def _find_dialect(text: str, matcher: QuestionMatcher, tabs_first: bool) -> _Dialect | None:
    """Return the separator with which most columns are known and most rows are as wide as the header."""
    sep_line = _SEP_LINE.match(text)
    best: tuple[int, float] = (0, 0.0)
    chosen: _Dialect | None = None
    for separator in [sep_line["separator"]] if sep_line else _separators(text, tabs_first):
        first_line = 2 if sep_line else 1
        records = _sample_records(text, separator, False, first_line)
        # Typed by hand: candidate, question_id, "an answer"
        skip_spaces = any(cell.startswith(" ") for cell in next((record.cells[1:] for record in records), ()))
        if skip_spaces:
            records = _sample_records(text, separator, True, first_line)
        layout = find_layout([record.cells for record in records], matcher)
        if layout is None:
            continue
        known = len(layout.roles) + len(layout.questions)
        regular = sum(1 for record in records if len(record.cells) == len(layout.headers)) / len(records)
        if (known, regular) > best:
            best = (known, regular)
            header_line = records[layout.header_index].number
            chosen = _Dialect(separator, skip_spaces, first_line, layout, header_line)
    return chosen


def _separators(text: str, tabs_first: bool) -> list[str]:
    marks = [mark for mark in _SEPARATORS if mark in text] or [","]
    return sorted(marks, key=lambda mark: mark != "\t") if tabs_first else marks


def _sample_records(text: str, separator: str, skip_spaces: bool, first_line: int) -> list[Record]:
    stream = io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "surrogatepass")), "utf-8", "surrogatepass", newline="")
    records = _records(stream, separator, skip_spaces, first_line)
    return list(islice((record for record in records if not record.problem), _SAMPLE_ROWS))


def _records(stream: io.TextIOWrapper, separator: str, skip_spaces: bool, first_line: int) -> Iterator[Record]:
    lines = (line for line in read_lines(stream) if line.number >= first_line)
    return read_records(lines, separator, skip_spaces)


def _whole_lines(sample: bytes, encoding: TextEncoding) -> str:
    text = sample.decode(encoding.codec, encoding.errors)
    if len(sample) < SAMPLE_BYTES:
        return text
    whole = text.rpartition("\n")[0]
    return f"{whole}\n" if whole else text
