"""Reading marked answers (GOLD): JSON lines or delimited text, row by row.

Columns (or keys), in any order and case; others are ignored:

* ``answer`` and ``score`` (the human mark, a number; a decimal comma is fine) are needed;
* ``question_id``: id, number or text of a question of the bank; or ``question`` and ``reference``: the question and a
  reference answer, from which checks are made (`coach.calibrate.reference_questions`);
* ``rater_1``, ``rater_2``: the marks of two raters; ``label``; ``id``.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coach.answer.decoding import SAMPLE_BYTES, detect_encoding, open_text
from coach.batch.inputs.failures import listed, storable, unreadable
from coach.batch.inputs.lines import MAX_LINE_CHARS, Line, Record, read_lines, read_records
from coach.batch.rows import RowProblem
from coach.calibrate.gold import GoldRow
from coach.errors import InputError

#: Names by which a column is known, folded; the contract's own name stands first.
_NAMES: dict[str, tuple[str, ...]] = {
    "answer": ("answer", "response", "student answer", "answer text"),
    "score": ("score", "mark", "grade", "human score"),
    "question_id": ("question id", "questionid"),
    "question": ("question", "question text"),
    "reference": ("reference", "reference answer", "model answer", "desired answer"),
    "rater_1": ("rater 1", "rater1"),
    "rater_2": ("rater 2", "rater2"),
    "label": ("label",),
    "id": ("id", "row id"),
}
_MARKS = ("score", "rater_1", "rater_2")
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonlines")
_TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=(?P<separator>.)\"?\s*", re.IGNORECASE)
_BLANK = " \t\r\n\ufeff"
#: A mark beyond this is no mark; it also keeps sums of squares finite.
_LARGEST_MARK = 1_000_000.0
_WANTED = (
    'Every row needs answer, score, and either question_id or question and reference, such as {"question_id": "...", '
    '"answer": "...", "score": 3.5}; rater_1, rater_2, label and id may be added.'
)


@dataclass
class GoldData:
    """The usable rows of a file in its order, and the rows that cannot be used."""

    rows: list[GoldRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)


def load_gold(path: Path) -> GoldData:
    """Read a whole file; raises InputError when it cannot be read or has no usable row."""
    data = GoldData()
    for row in read_gold(path):
        if isinstance(row, GoldRow):
            data.rows.append(row)
        else:
            data.problems.append(row)
    if not data.rows:
        first = data.problems[0] if data.problems else None
        why = f"; line {first.line}: {first.message}" if first else ": the file is empty"
        raise InputError(f"{storable(str(path))}: no marked answer can be used{why}", _WANTED)
    return data


def read_gold(path: Path) -> Iterator[GoldRow | RowProblem]:
    """Yield the rows of a file one by one; a row that cannot be used is a problem with file and line.

    Raises InputError when the file cannot be read or is not of either form.
    """
    source = storable(str(path))
    try:
        with path.open("rb") as binary:
            # Excel and others write byte-order marks, Windows-1252 and UTF-16.
            encoding = detect_encoding(binary.peek(SAMPLE_BYTES)[:SAMPLE_BYTES])
            with open_text(binary, encoding) as text:
                yield from _rows(text, path.suffix.lower(), source)
    except OSError as error:
        raise unreadable(source, error) from error


def _rows(text: io.TextIOWrapper, suffix: str, source: str) -> Iterator[GoldRow | RowProblem]:
    lines = (line for line in read_lines(text) if line.text is None or line.text.strip(_BLANK))
    first = next(lines, None)
    if first is None:
        return
    start = (first.text or "").lstrip(_BLANK)[:1]
    if start == "[" and suffix not in _TABLE_SUFFIXES:
        raise InputError(f"{source}: one JSON array, not JSON lines", "Write one object a line: jq -c '.[]' FILE")
    both = _chain(first, lines)
    if suffix in _JSON_SUFFIXES or (start == "{" and suffix not in _TABLE_SUFFIXES):
        yield from (_json_row(line, source) for line in both)
    else:
        yield from _table_rows(first, both, source)


def _chain(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _json_row(line: Line, source: str) -> GoldRow | RowProblem:
    if line.text is None:
        return RowProblem(source, line.number, f"the line is longer than {MAX_LINE_CHARS:,} characters")
    try:
        parsed = json.loads(line.text.strip(_BLANK), strict=False)
    except json.JSONDecodeError as error:
        return RowProblem(source, line.number, f"not valid JSON: {error.msg} (column {error.colno})")
    except (ValueError, RecursionError) as error:
        return RowProblem(source, line.number, f"not JSON that can be read: {error}")
    if not isinstance(parsed, dict):
        return RowProblem(source, line.number, "the line is JSON, but not an object")
    roles = _roles(list(parsed))
    keys = list(parsed)
    return _row({role: parsed[keys[index]] for role, index in roles.items()}, source, line.number)


def _table_rows(first: Line, lines: Iterator[Line], source: str) -> Iterator[GoldRow | RowProblem]:
    announced = _SEPARATOR_LINE.fullmatch(first.text or "")
    if announced:
        next(lines)
        first = next(lines, Line(first.number, None))
        lines = _chain(first, lines)
    separator = announced["separator"] if announced else _separator(first.text or "")
    records = read_records(lines, separator)
    header = next(records, Record(first.number))
    names = [cell.strip(_BLANK) for cell in header.cells]
    roles = _roles(names)
    if "answer" not in roles or "score" not in roles:
        raise InputError(f"{source}: no columns answer and score; found {listed(names)}", _WANTED)
    for record in records:
        if record.problem:
            yield RowProblem(source, record.number, record.problem)
        elif any(cell.strip() for cell in record.cells[len(names) :]):
            message = f"the row has {len(record.cells)} cells where the header has {len(names)}"
            yield RowProblem(source, record.number, message)
        elif any(cell.strip() for cell in record.cells):
            cells = (*record.cells, *[""] * (len(names) - len(record.cells)))
            yield _row({role: cells[index] for role, index in roles.items()}, source, record.number)


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=lambda mark: len(_roles([cell.strip(' "\r\n\ufeff') for cell in header.split(mark)])))


def _roles(names: Sequence[str]) -> dict[str, int]:
    folded = [" ".join(re.findall(r"[^\W_]+", name.casefold())) for name in names]
    roles: dict[str, int] = {}
    for role, known in _NAMES.items():
        found = next((folded.index(name) for name in known if name in folded), None)
        if found is not None:
            roles[role] = found
    return roles


def _row(values: Mapping[str, Any], source: str, line: int) -> GoldRow | RowProblem:
    try:
        marks = {role: _mark(values.get(role), role) for role in _MARKS}
        texts = {role: _text(values.get(role), role) for role in _NAMES if role not in _MARKS}
        if "answer" not in values:
            raise _Unusable("the row has no answer")
        if marks["score"] is None:
            raise _Unusable("the row has no score")
        inline = bool(texts["question"] and texts["reference"])
        question_id = texts["question_id"] or texts["question"]
        if not (inline or question_id):
            raise _Unusable("the row has neither question_id nor question and reference")
    except _Unusable as unusable:
        return RowProblem(source, line, str(unusable))
    return GoldRow(
        row_id=texts["id"] or f"line-{line}",
        answer=storable("" if values["answer"] is None else str(values["answer"])),
        score=marks["score"],
        source=source,
        line=line,
        question_id=question_id or None,
        question=texts["question"] if inline else None,
        reference=texts["reference"] if inline else None,
        rater_1=marks["rater_1"],
        rater_2=marks["rater_2"],
        label=texts["label"] or None,
    )


class _Unusable(Exception):
    """Why a row cannot be used."""


def _text(value: Any, role: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise _Unusable(f"{role} is not text")
    return "" if value is None else storable(str(value)).strip()


def _mark(value: Any, role: str) -> float | None:
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if not text:
        return None
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        text = text.replace(",", ".")
    try:
        mark = float(text)
    except ValueError:
        raise _Unusable(f"{role} is not a number: {text[:40]!r}") from None
    if not math.isfinite(mark) or abs(mark) > _LARGEST_MARK:
        raise _Unusable(f"{role} is not a mark: {text[:40]}")
    return mark
