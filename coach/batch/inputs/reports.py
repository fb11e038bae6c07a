"""Reports on what was recognised in an input."""

from __future__ import annotations

from collections import Counter

from coach.batch.rows import SourceReport
from coach.batch.table_layout import TableLayout


def table_report(
    source: str, kind: str, layout: TableLayout, encoding: str | None = None, separator: str | None = None
) -> SourceReport:
    """Return the report on a table with this layout; ``kind`` says what file it is."""
    form = "one answer a row" if layout.kind == "long" else "one candidate a row, one question a column"
    return SourceReport(
        source=source,
        form=f"{kind}, {form}",
        encoding=encoding,
        separator=separator,
        roles=tuple((role, layout.headers[index]) for role, index in layout.roles.items()),
        matched=tuple(layout.questions.values()),
        ignored=layout.ignored,
        near_misses=layout.near_misses,
        notes=tuple(_notes(layout)),
    )


def _notes(layout: TableLayout) -> list[str]:
    columns = Counter(match.question_id for match in layout.questions.values())
    notes = [
        f"{count} columns hold answers to {question_id}; all of them are graded"
        for question_id, count in columns.items()
        if count > 1
    ]
    if "candidate" not in layout.roles and "id" not in layout.roles:
        notes.append("no column names the candidate; rows are told apart by their answers")
    return notes
