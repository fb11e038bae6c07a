"""Lines of bounded length, and the records of delimited text that span them."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from coach.answer.decoding import SAMPLE_BYTES

#: A longer line or cell cannot be read; it bounds what a missing line end or closing quote can take into memory.
MAX_LINE_CHARS = 4_000_000
_MAX_CELL_CHARS = 1_000_000


@dataclass(frozen=True)
class Line:
    """One line with its end; ``text`` is None when it is too long to be held."""

    number: int
    text: str | None


@dataclass(frozen=True)
class Record:
    """One record of delimited text, which begins on line ``number``; ``problem`` says why it has no cells."""

    number: int
    cells: tuple[str, ...] = ()
    problem: str | None = None


def read_lines(stream: TextIO) -> Iterator[Line]:
    """Yield the lines of a text; NULs, which are never content, are left out."""
    number = 0
    while text := stream.readline(MAX_LINE_CHARS):
        number += 1
        if len(text) == MAX_LINE_CHARS and not text.endswith(("\n", "\r")):
            _skip_line(stream)
            yield Line(number, None)
        else:
            yield Line(number, text.replace("\0", "") if "\0" in text else text)


def read_records(lines: Iterator[Line], separator: str, skip_spaces: bool = False) -> Iterator[Record]:
    """Yield the records of delimited text (quotes and line ends inside quoted cells as in RFC 4180).

    A record that breaks the rules, such as one with a quote that is never closed, becomes a problem of its first
    line alone: reading goes on with the next line.
    """
    # The limit belongs to the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_CHARS))
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=separator, skipinitialspace=skip_spaces, strict=True)
    while True:
        feed.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong) as error:
            first = feed.taken[0]
            feed.give_back()
            yield _unquoted(first, separator) or Record(first.number, problem=_explain(error))
        else:
            yield Record(feed.taken[0].number, tuple(cells))


class _TooLong(Exception):
    """A line or a record is too long to be held."""


class _Feed:
    """The lines as csv.reader wants them; knows those of the current record, and takes back what it did not need."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._waiting: deque[Line] = deque()
        self.taken: list[Line] = []
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        if not self.taken:
            self._characters = 0
        self.taken.append(line)
        self._characters += len(line.text or "")
        if line.text is None or self._characters > MAX_LINE_CHARS:
            raise _TooLong(f"longer than {MAX_LINE_CHARS:,} characters")
        return line.text

    def give_back(self) -> None:
        self._waiting.extendleft(reversed(self.taken[1:]))


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


def _skip_line(stream: TextIO) -> None:
    while True:
        text = stream.readline(SAMPLE_BYTES)
        if not text or text.endswith(("\n", "\r")):
            return
