"""Answers in JSON lines: one object a line, from a file or from standard input."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from coach.answer.decoding import SAMPLE_BYTES, detect_encoding, open_text
from coach.batch.inputs.failures import empty, listed, storable, unreadable
from coach.batch.inputs.lines import MAX_LINE_CHARS, Line, read_lines
from coach.batch.rows import RawAnswer, RowProblem, SourceReport
from coach.batch.table_layout import find_roles
from coach.errors import InputError

_PROBED_LINES = 20
#: A tab or another control character inside a string does no harm.
_DECODER = json.JSONDecoder(strict=False)
_WANTED = 'Every line must be an object such as {"question_id": "...", "answer": "..."}; candidate and id may be added.'


class JsonLinesFile:
    """One file of JSON lines; opening it reads the beginning.

    Raises InputError when it cannot be read, is empty, or its first lines hold no answer.
    """

    def __init__(self, path: Path) -> None:
        self.source = storable(str(path))
        self._path = path
        try:
            self.report = self._probe()
        except OSError as error:
            raise unreadable(self.source, error) from error

    def answers(self) -> Iterator[RawAnswer | RowProblem]:
        """Yield the answers line by line. Raises OSError."""
        for line in self._lines():
            yield from _read_line(line, self.source)

    def _lines(self) -> Iterator[Line]:
        with io.BufferedReader(io.FileIO(self._path), SAMPLE_BYTES) as binary:
            yield from _lines_of(binary)

    def _probe(self) -> SourceReport:
        lines = (line for line in self._lines() if line.text is None or line.text.strip(" \t\r\n\ufeff"))
        first = list(islice(lines, _PROBED_LINES))
        if not first:
            raise empty(self.source)
        keys: dict[str, None] = {}
        answers = 0
        for line in first:
            keys.update(dict.fromkeys(_keys_of(line)))
            answers += sum(1 for found in _read_line(line, self.source) if isinstance(found, RawAnswer))
        if not answers:
            raise self._no_answers(first, list(keys))
        names = list(keys)
        roles = find_roles(names)
        return SourceReport(
            source=self.source,
            form="JSON lines",
            encoding=self._encoding(),
            roles=tuple((role, names[index]) for role, index in roles.items()),
            ignored=tuple(name for index, name in enumerate(names) if index not in roles.values()),
        )

    def _encoding(self) -> str:
        with self._path.open("rb") as binary:
            return detect_encoding(binary.read(SAMPLE_BYTES)).name

    def _no_answers(self, first: list[Line], keys: list[str]) -> InputError:
        if keys:
            message = f"{self.source}: no line has a question and an answer; found the keys {listed(keys)}"
            return InputError(message, _WANTED)
        text = (first[0].text or "")[:60].strip()
        array = "This looks like one JSON array: write one object a line (jq -c '.[]')."
        hint = array if text.startswith("[") else _WANTED
        return InputError(f"{self.source}: not JSON lines; the first line begins with {text!r}", hint)


class JsonLinesInput:
    """JSON lines from standard input, which can be read once."""

    source = "standard input"

    def __init__(self, binary: BinaryIO) -> None:
        self._binary: BinaryIO | None = binary
        self.report = SourceReport(source=self.source, form="JSON lines")

    def answers(self) -> Iterator[RawAnswer | RowProblem]:
        """Yield the answers line by line; raises InputError the second time, and OSError."""
        if self._binary is None:
            raise InputError("standard input was read already", "Save it in a file to read it more than once.")
        binary, self._binary = self._binary, None
        raw = io.BufferedReader(_Unclosed(binary), SAMPLE_BYTES)
        for line in _lines_of(raw):
            yield from _read_line(line, self.source)


class _Unclosed(io.RawIOBase):
    """Reads from a stream that somebody else will close."""

    def __init__(self, binary: BinaryIO) -> None:
        self._binary = binary

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = getattr(self._binary, "read1", self._binary.read)
        data: bytes = read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _lines_of(binary: io.BufferedReader[Any]) -> Iterator[Line]:
    encoding = detect_encoding(binary.peek(SAMPLE_BYTES)[:SAMPLE_BYTES])
    with open_text(binary, encoding) as text:
        yield from read_lines(text)


def _keys_of(line: Line) -> list[str]:
    parsed = _parse(line)
    return list(parsed) if isinstance(parsed, dict) else []


def _read_line(line: Line, source: str) -> Iterator[RawAnswer | RowProblem]:
    if line.text is not None and not line.text.strip(" \t\r\n\ufeff"):
        return
    parsed = _parse(line)
    if isinstance(parsed, str):
        yield RowProblem(source, line.number, parsed)
        return
    roles = _roles(tuple(parsed))
    for role in ("question_id", "answer"):
        if role not in roles:
            yield RowProblem(source, line.number, f"the object has no {role}; its keys are {listed(parsed)}")
            return
    values = {role: parsed[key] for role, key in roles.items()}
    yield _answer(values, source, line.number)


def _parse(line: Line) -> dict[str, Any] | str:
    if line.text is None:
        return f"the line is longer than {MAX_LINE_CHARS:,} characters"
    try:
        parsed = _DECODER.decode(line.text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        return f"not valid JSON: {error.msg} (column {error.colno})"
    except (ValueError, RecursionError) as error:
        return f"not JSON that can be read: {error}"
    return parsed if isinstance(parsed, dict) else "the line is JSON, but not an object"


@lru_cache(maxsize=256)
def _roles(keys: tuple[str, ...]) -> dict[str, str]:
    return {role: keys[index] for role, index in find_roles(keys).items()}


def _answer(values: dict[str, Any], source: str, line: int) -> RawAnswer | RowProblem:
    texts: dict[str, str] = {}
    for role, value in values.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            return RowProblem(source, line, f"{role} is {_json_name(value)}, not text")
        texts[role] = "" if value is None else str(value)
    question = texts["question_id"].strip()
    if not question:
        return RowProblem(source, line, "question_id is empty")
    return RawAnswer(
        source=source,
        line=line,
        question=question,
        answer=texts["answer"],
        candidate=texts.get("candidate", "").strip() or None,
        given_id=texts.get("id", "").strip() or None,
    )


def _json_name(value: Any) -> str:
    return {bool: "true or false", list: "a list", dict: "an object"}[type(value)]
