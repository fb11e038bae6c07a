"""Which rows of a batch are looked at, and in which order; ``Store.row_ids`` finds them."""

from __future__ import annotations

from dataclasses import dataclass

#: A grader's mark: the row, the mark (0-100), and the answer that it was given for.
Mark = tuple[str, float, str]

#: Choices by name. A row that has a mark was reviewed.
SHOWS = {
    "": "TRUE",
    "review": "r.reason IS NULL AND r.needs_review AND mark IS NULL",
    "marked": "mark IS NOT NULL",
    "unmarked": "mark IS NULL",
    "unscored": "r.reason IS NULL AND r.score IS NULL",
    "failed": "r.reason IS NOT NULL",
}
ORDERS = {
    "": "place",
    "weakest": "r.score IS NULL, r.score",
    "best": "r.score DESC",
    "doubt": "json_extract(r.assessment, '$.interval[1]') - json_extract(r.assessment, '$.interval[0]') DESC",
    "apart": "abs(mark - r.score) DESC",
    "candidate": "rows.candidate IS NULL, rows.candidate COLLATE NOCASE",
}


@dataclass(frozen=True)
class RowView:
    """``search`` is looked for in answers, candidates and row ids; ``show`` and ``order`` are names of choices.

    What is empty chooses everything, in the order of the inputs; so does a choice that there is not.
    """

    search: str = ""
    question: str = ""
    show: str = ""
    order: str = ""

    def query(self, ended: str) -> tuple[str, dict[str, str]]:
        """Return the SQL that finds the row ids, and its values.

        ``ended`` joins ``rows`` with their results ``r``; the table ``marks`` holds a grader's marks.
        """
        words = self.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        names = ("rows.answer", "rows.candidate", "rows.row_id")
        found = " OR ".join(f"{name} LIKE :search ESCAPE '\\'" for name in names)
        sql = f"""SELECT rows.row_id FROM {ended}
            LEFT JOIN marks ON marks.row_id = rows.row_id AND marks.answer = rows.answer
            WHERE (:question = '' OR rows.question_id = :question) AND (:search = '%%' OR {found})
            AND {SHOWS.get(self.show, SHOWS[""])} ORDER BY {ORDERS.get(self.order, ORDERS[""])}, place"""
        return sql, {"search": f"%{words}%", "question": self.question}
