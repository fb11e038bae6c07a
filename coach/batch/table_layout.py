"""What the columns of a table hold.

Long: one answer a row. Wide: one candidate a row and one question a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from coach.bank.find import QuestionMatcher, fold, is_answer_number
from coach.batch.rows import ColumnMatch, NearMiss, RawAnswer, RowProblem

#: Names of the columns and JSON keys that we read, the first found wins; the contract's own names stand first.
ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "question_id": ("question id", "questionid", "question", "question number", "question no", "question text"),
    "answer": ("answer", "response", "answer text", "response text"),
    "candidate": (
        "candidate", "candidate id", "candidate name", "name", "full name", "your name", "email", "email address",
        "e mail", "e mail address", "username", "user name", "participant", "participant id", "applicant",
        "respondent", "student", "student id",
    ),
    "id": ("id", "row id", "rowid", "response id", "responseid", "submission id", "respondent id"),
}  # fmt: skip

#: What Excel leaves in a cell that it took for a formula, such as an answer that begins with a dash.
SPREADSHEET_ERRORS = frozenset(
    {"#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
)

MAX_HEADER_ROWS = 10
_MAX_NEAR_MISSES = 200


@dataclass(frozen=True)
class TableLayout:
    """The meaning of a table's columns; ``header_index`` is the header's place among the rows given, from 0."""

    kind: Literal["long", "wide"]
    headers: tuple[str, ...]
    roles: dict[str, int]
    questions: dict[int, ColumnMatch] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    header_index: int = 0

    def answers(self, cells: Sequence[str], source: str, line: int) -> Iterator[RawAnswer | RowProblem | None]:
        """Yield the answers of one row; None stands for an empty cell of a wide table. A blank row yields nothing."""
        if not any(cell.strip() for cell in cells):
            return
        width = len(self.headers)
        if any(cell.strip() for cell in cells[width:]):
            yield RowProblem(
                source,
                line,
                f"the row has {len(cells)} cells where the header has {width}: put cells that contain the separator "
                "or a quote in double quotes",
            )
        elif self.kind == "long":
            yield self._long_answer(cells, source, line)
        else:
            yield from self._wide_answers(cells, source, line)

    def _long_answer(self, cells: Sequence[str], source: str, line: int) -> RawAnswer | RowProblem:
        if self.roles["answer"] >= len(cells):
            return RowProblem(source, line, f"the row ends before the column {self._header('answer')!r}")
        question = self._cell(cells, "question_id")
        if not question:
            return RowProblem(source, line, f"the column {self._header('question_id')!r} is empty")
        return self._answer(cells, self.roles["answer"], question, source, line)

    def _wide_answers(self, cells: Sequence[str], source: str, line: int) -> Iterator[RawAnswer | RowProblem | None]:
        for index, match in self.questions.items():
            if index < len(cells) and cells[index].strip():
                yield self._answer(cells, index, match.question_id, source, line)
            else:
                yield None

    def _answer(
        self, cells: Sequence[str], index: int, question: str, source: str, line: int
    ) -> RawAnswer | RowProblem:
        answer = cells[index]
        if answer.strip() in SPREADSHEET_ERRORS:
            message = f"the cell under {self.headers[index]!r} holds the spreadsheet error {answer.strip()}, no answer"
            return RowProblem(source, line, message)
        return RawAnswer(
            source=source,
            line=line,
            question=question,
            answer=answer,
            candidate=self._cell(cells, "candidate"),
            given_id=self._cell(cells, "id"),
            shared_id=self.kind == "wide",
        )

    def _cell(self, cells: Sequence[str], role: str) -> str | None:
        index = self.roles.get(role)
        if index is None or index >= len(cells):
            return None
        return cells[index].strip() or None

    def _header(self, role: str) -> str:
        return self.headers[self.roles[role]]


def find_layout(rows: Sequence[Sequence[str]], matcher: QuestionMatcher) -> TableLayout | None:
    """Return the layout that the first of these rows with known headers gives; None when there is none.

    The header may stand below a title: rows with fewer cells. Rows of data, such as those of a long table without a
    header, are not mistaken for one.
    """
    widest = 0
    for index, row in enumerate(rows[:MAX_HEADER_ROWS]):
        cells = sum(1 for cell in row if cell.strip())
        layout = layout_of(row, matcher, index) if cells > widest else None
        if layout is not None:
            return None if _is_data(layout, rows[index + 1 :], matcher) else layout
        widest = max(widest, cells)
    return None


def layout_of(header: Sequence[str], matcher: QuestionMatcher, header_index: int = 0) -> TableLayout | None:
    """Return what the columns under this header hold, or None when no column is known."""
    headers = tuple(cell.replace("\ufeff", "").strip() for cell in header)
    while headers and not headers[-1]:
        headers = headers[:-1]
    roles = find_roles(headers)
    if "question_id" in roles and "answer" in roles:
        ignored = tuple(name for index, name in enumerate(headers) if name and index not in roles.values())
        return TableLayout("long", headers, roles, ignored=ignored, header_index=header_index)
    roles = {role: index for role, index in roles.items() if role in ("candidate", "id")}
    questions = _question_columns(headers, set(roles.values()), matcher)
    if not questions:
        return None
    used = {*roles.values(), *questions}
    ignored = tuple(name for index, name in enumerate(headers) if name and index not in used)
    return TableLayout("wide", headers, roles, questions, ignored, near_misses(ignored, matcher), header_index)


def find_roles(names: Sequence[str]) -> dict[str, int]:
    """Return which of these column names or JSON keys holds what: the index by role."""
    folded = [fold(name) for name in names]
    roles: dict[str, int] = {}
    for role, known in ROLE_NAMES.items():
        for name in known:
            if name in folded:
                roles[role] = folded.index(name)
                break
    return roles


def near_misses(headers: Iterable[str], matcher: QuestionMatcher) -> tuple[NearMiss, ...]:
    """Return those headers that resemble a question, each with the nearest ids."""
    some = [name for name, _ in zip(headers, range(_MAX_NEAR_MISSES), strict=False)]
    return tuple(NearMiss(name, matcher.nearest(name)) for name in some if matcher.is_near(name))


def _question_columns(headers: Sequence[str], taken: set[int], matcher: QuestionMatcher) -> dict[int, ColumnMatch]:
    found: dict[int, ColumnMatch] = {}
    for index, name in enumerate(headers):
        match = matcher.match(name) if name and index not in taken else None
        if match:
            found[index] = ColumnMatch(name, match.question_id, match.by)
    # A quiz export has "Question 3" (its text) beside "Response 3" (the answer).
    answered = {match.question_id for match in found.values() if is_answer_number(match.header)}
    return {
        index: match
        for index, match in found.items()
        if match.question_id not in answered or is_answer_number(match.header)
    }


def _is_data(layout: TableLayout, rows: Sequence[Sequence[str]], matcher: QuestionMatcher) -> bool:
    """Return whether the only known column goes on with ids or numbers: a long table that lacks its header."""
    if len(layout.questions) != 1:
        return False
    ((index, header),) = layout.questions.items()
    cells = [row[index] for row in rows if index < len(row) and row[index].strip()]
    matches = [header, *(matcher.match(cell) for cell in cells)]
    return bool(cells) and all(match is not None and match.by in ("id", "number") for match in matches)
