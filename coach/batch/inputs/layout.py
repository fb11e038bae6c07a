"""What the columns of a table hold.

Long: one answer a row. Wide: one candidate a row and one question a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from coach.bank.find import QuestionMatcher, fold, is_answer_number
from coach.batch.rows import ColumnMatch, NearMiss, SourceReport

#: What Excel leaves in a cell that it took for a formula, such as an answer that begins with a dash.
SPREADSHEET_ERRORS = frozenset(
    {"#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
)

_MAX_HEADER_ROWS = 10
_MAX_NEAR_MISSES = 200
_SHOWN_NAMES = 12
#: Every line of JSON has the same keys.
_folded = lru_cache(maxsize=256)(fold)


@dataclass(frozen=True)
class Columns:
    """What to look for in a table: the names of a column by its role, the first found wins.

    A table is long when it has the ``needed`` roles. With a ``matcher`` it may be wide instead: a column for each
    question, beside columns of the ``shared`` roles, which get other names then. ``wanted`` is the hint for whoever
    has neither.
    """

    names: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    wanted: str
    matcher: QuestionMatcher | None = None
    shared: Mapping[str, str] = field(default_factory=dict)

    def roles(self, names: Sequence[str]) -> dict[str, int]:
        """Return which of these headers or JSON keys holds what: the index by role."""
        folded = [_folded(name) for name in names]
        first = {role: next((name for name in known if name in folded), None) for role, known in self.names.items()}
        return {role: folded.index(name) for role, name in first.items() if name is not None}

    def near_misses(self, headers: Iterable[str]) -> tuple[NearMiss, ...]:
        """Return those headers that resemble a question, each with the nearest ids."""
        if (matcher := self.matcher) is None:
            return ()
        some = [name for name, _ in zip(headers, range(_MAX_NEAR_MISSES), strict=False)]
        return tuple(NearMiss(name, matcher.nearest(name)) for name in some if matcher.is_near(name))


class Row(NamedTuple):
    """One answer of an input: its texts by role, or the problem that it cannot be used for.

    Neither stands for an empty cell of a wide table.
    """

    source: str
    line: int
    values: Mapping[str, str] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class TableLayout:
    """The meaning of a table's columns; without ``questions`` it is long.

    ``header_index`` is the header's place among the rows given, from 0.
    """

    headers: tuple[str, ...]
    roles: dict[str, int]
    needed: tuple[str, ...] = ()
    questions: dict[int, ColumnMatch] = field(default_factory=dict)
    near_misses: tuple[NearMiss, ...] = ()
    header_index: int = 0

    @property
    def ignored(self) -> tuple[str, ...]:
        """The headers that were taken for nothing."""
        used = {*self.roles.values(), *self.questions}
        return tuple(name for index, name in enumerate(self.headers) if name and index not in used)

    def rows(self, cells: Sequence[str], source: str, line: int) -> Iterator[Row]:
        """Yield the answers of one row of cells; a blank one yields nothing."""
        if not any(cell.strip() for cell in cells):
            return
        width = len(self.headers)
        ends_before = next((role for role in self.needed if self.roles[role] >= len(cells)), None)
        if any(cell.strip() for cell in cells[width:]):
            message = (
                f"the row has {len(cells)} cells where the header has {width}: put cells that contain the separator "
                "or a quote in double quotes"
            )
            yield Row(source, line, problem=message)
        elif ends_before:
            header = self.headers[self.roles[ends_before]]
            yield Row(source, line, problem=f"the row ends before the column {header!r}")
        else:
            values = {role: cells[index] for role, index in self.roles.items() if index < len(cells)}
            if not self.questions:
                yield self._answer(values, self.roles["answer"], source, line)
            for index, match in self.questions.items():
                if index < len(cells) and cells[index].strip():
                    own = {"question_id": match.question_id, "answer": cells[index]}
                    yield self._answer({**values, **own}, index, source, line)
                else:
                    yield Row(source, line)

    def _answer(self, values: Mapping[str, str], index: int, source: str, line: int) -> Row:
        answer = values["answer"].strip()
        if answer in SPREADSHEET_ERRORS:
            message = f"the cell under {self.headers[index]!r} holds the spreadsheet error {answer}, no answer"
            return Row(source, line, problem=message)
        return Row(source, line, values)

    def report(self, source: str, kind: str, encoding: str | None = None, separator: str | None = None) -> SourceReport:
        """Return the report on a table with this layout; ``kind`` says what file it is."""
        columns = Counter(match.question_id for match in self.questions.values())
        notes = [
            f"{count} columns hold answers to {question_id}; all of them are graded"
            for question_id, count in columns.items()
            if count > 1
        ]
        if not self.roles.keys() & {"candidate", "id", "row"}:
            notes.append("no column names the candidate; rows are told apart by their answers")
        return SourceReport(
            source=source,
            form=f"{kind}, {'one candidate a row, one question a column' if columns else 'one answer a row'}",
            encoding=encoding,
            separator=separator,
            roles=tuple(("id" if role == "row" else role, self.headers[index]) for role, index in self.roles.items()),
            matched=tuple(self.questions.values()),
            ignored=self.ignored,
            near_misses=self.near_misses,
            notes=tuple(notes),
        )


def find_layout(rows: Sequence[Sequence[str]], columns: Columns) -> TableLayout | None:
    """Return the layout that the first of these rows with known headers gives; None when there is none.

    The header may stand below a title: rows with fewer cells. Rows of data, such as those of a long table without a
    header, are not mistaken for one.
    """
    widest = 0
    for index, row in enumerate(rows[:_MAX_HEADER_ROWS]):
        cells = sum(1 for cell in row if cell.strip())
        layout = _layout_of(row, columns, index) if cells > widest else None
        if layout is not None:
            return None if _is_data(layout, rows[index + 1 :], columns) else layout
        widest = max(widest, cells)
    return None


def _layout_of(header: Sequence[str], columns: Columns, header_index: int) -> TableLayout | None:
    headers = tuple(cell.replace("\ufeff", "").strip() for cell in header)
    while headers and not headers[-1]:
        headers = headers[:-1]
    roles = columns.roles(headers)
    if all(role in roles for role in columns.needed):
        return TableLayout(headers, roles, columns.needed, header_index=header_index)
    if (matcher := columns.matcher) is None:
        return None
    # One id for several answers is not the id of each.
    roles = {columns.shared[role]: index for role, index in roles.items() if role in columns.shared}
    others = [(index, name) for index, name in enumerate(headers) if name and index not in roles.values()]
    found = {index: ColumnMatch(name, m.question_id, m.by) for index, name in others if (m := matcher.match(name))}
    # A quiz export has "Question 3" (its text) beside "Response 3" (the answer).
    answered = {match.question_id for match in found.values() if is_answer_number(match.header)}
    questions = {
        index: match
        for index, match in found.items()
        if match.question_id not in answered or is_answer_number(match.header)
    }
    if not questions:
        return None
    near = columns.near_misses(name for index, name in others if index not in questions)
    return TableLayout(headers, roles, questions=questions, near_misses=near, header_index=header_index)


def _is_data(layout: TableLayout, rows: Sequence[Sequence[str]], columns: Columns) -> bool:
    """Return whether the only known column goes on with ids or numbers: a long table that lacks its header."""
    if len(layout.questions) != 1 or (matcher := columns.matcher) is None:
        return False
    ((index, header),) = layout.questions.items()
    cells = [row[index] for row in rows if index < len(row) and row[index].strip()]
    matches = [header, *(matcher.match(cell) for cell in cells)]
    return bool(cells) and all(match is not None and match.by in ("id", "number") for match in matches)


def listed(names: Iterable[str]) -> str:
    """Return names for a message: quoted, shortened, at most a dozen."""
    all_names = list(names)
    shown = ", ".join(repr(shorten(name)) for name in all_names[:_SHOWN_NAMES])
    more = len(all_names) - _SHOWN_NAMES
    return (f"{shown} and {more} more" if more > 0 else shown) or "nothing"


def shorten(name: str, width: int = 60) -> str:
    """Return the name on one line, cut to ``width`` characters."""
    name = " ".join(name.split())
    return name if len(name) <= width else name[: width - 1] + "…"
