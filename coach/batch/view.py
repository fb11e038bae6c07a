"""Which rows of a batch are looked at, and in which order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from coach.batch.store import Store

#: A grader's mark: the row, the mark (0-100), and the answer that it was given for.
Mark = tuple[str, float, str]

#: Choices by name. A row that has a mark was reviewed.
SHOWS = {
    "": "TRUE",
    "review": "reason IS NULL AND needs_review AND mark IS NULL",
    "marked": "mark IS NOT NULL",
    "unmarked": "mark IS NULL",
    "unscored": "reason IS NULL AND score IS NULL",
    "failed": "reason IS NOT NULL",
}
ORDERS = {
    "": "place",
    "weakest": "score IS NULL, score",
    "best": "score DESC",
    "doubt": "json_extract(assessment, '$.interval[1]') - json_extract(assessment, '$.interval[0]') DESC",
    "apart": "abs(mark - score) DESC",
    "candidate": "candidate IS NULL, candidate COLLATE NOCASE",
}
#: Without an index of its own, SQLite would look through all marks for each row.
_MARKS = (
    "DROP TABLE IF EXISTS temp.marks",
    "CREATE TEMP TABLE marks (name TEXT PRIMARY KEY, mark REAL, text TEXT)",
)
_FILL = """INSERT OR REPLACE INTO marks SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]') FROM json_each(?)"""


@dataclass(frozen=True)
class RowView:
    """``search`` is looked for in answers, candidates and row ids; ``show`` and ``order`` are names of choices.

    What is empty chooses everything, in the order of the inputs; so does a choice that there is not.
    """

    search: str = ""
    question: str = ""
    show: str = ""
    order: str = ""


def row_ids(store: Store, view: RowView, marks: Iterable[Mark] = ()) -> list[str]:
    """Return which of the rows that have ended a view shows, in its order; ``marks`` are a grader's own."""
    for statement in _MARKS:
        list(store.query(statement))
    list(store.query(_FILL, json.dumps(list(marks))))
    words = view.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = " OR ".join(f"{name} LIKE ?2 ESCAPE '\\'" for name in ("answer", "candidate", "row_id"))
    sql = f"""SELECT row_id FROM ended LEFT JOIN marks ON name = row_id AND text = answer
        WHERE (?1 = '' OR question_id = ?1) AND (?2 = '%%' OR {found}) AND {SHOWS.get(view.show, SHOWS[""])}
        ORDER BY {ORDERS.get(view.order, ORDERS[""])}, place"""
    return [name for (name,) in store.query(sql, view.question, f"%{words}%")]


def question_ids(store: Store) -> list[str]:
    """Return which questions the rows answer."""
    return [name for (name,) in store.query("SELECT DISTINCT question_id FROM rows ORDER BY 1")]


def rows_by_line(store: Store) -> dict[tuple[str, int], str]:
    """Return the rows by the line of the input that they come from."""
    return {(source, line): name for source, line, name in store.query("SELECT source, line, row_id FROM rows")}
