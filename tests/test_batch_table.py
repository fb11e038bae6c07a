"""Tests of coach.batch.batch_table."""

from __future__ import annotations

from assessment_factory import unscored_assessment
from batch_factory import journal_record

from coach.batch.batch_table import header, table_row


def test_a_row_has_a_cell_for_every_column() -> None:
    """Score, interval, criteria, missing points and advice stand under their headings."""
    titles = ["Understanding of the concepts", "Another rubric's criterion"]
    row = dict(zip(header(titles), table_row(journal_record("r1", candidate="Zoë")).cells(titles), strict=True))

    assert (row["Row"], row["Candidate"], row["Status"]) == ("r1", "Zoë", "scored")
    assert (row["Score"], row["Low"], row["High"], row["Needs review"]) == (61.21, 52.24, 69.29, "yes")
    assert (row["Understanding of the concepts"], row["Another rubric's criterion"]) == (73.8, None)
    assert str(row["Missing points"]).count("\n") == 2
    assert str(row["Wrong statements"]).startswith("Claims")
    assert str(row["Top improvements"]).count("\n") >= 2


def test_a_row_without_a_score_says_why() -> None:
    """A failed row and an answer that must not be judged have their reason and no number."""
    failed = table_row(journal_record("r1", reason="time-out"))
    empty = table_row(journal_record("r2", assessment=unscored_assessment("The answer is empty.")))

    columns = header([])
    for row, status, reason in ((failed, "failed", "time-out"), (empty, "not scored", "The answer is empty.")):
        cells = dict(zip(columns, row.cells([]), strict=True))
        assert (cells["Status"], cells["Score"], cells["Not scored because"]) == (status, None, reason)
        assert cells["Missing points"] is None
