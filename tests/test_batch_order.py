"""Tests of coach.batch.batch_order and .batch_rows."""

from __future__ import annotations

from pathlib import Path

from batch_factory import journal_record

from coach.batch.batch_order import OrderedRows
from coach.batch.batch_rows import ROWS_NAME, RowsWriter, belongs
from coach.batch.journal import Journal
from coach.batch.rows import JournalRecord


def fill(directory: Path, *records: JournalRecord) -> None:
    """Write records."""
    with Journal.open(directory) as journal:
        for record in records:
            journal.append(record)


def note(directory: Path, *row_ids: str, keep: bool = True) -> None:
    """Note the rows of a run."""
    writer = RowsWriter(directory)
    for row_id in row_ids:
        writer.add(row_id)
    if keep:
        writer.keep()
    writer.close()


def ids(directory: Path) -> list[str]:
    """Return the row ids in order."""
    with Journal.read(directory) as journal:
        ordered = OrderedRows(journal, {"second": 2, "first": 1}, belongs(directory))
        try:
            return [record.row_id for record in ordered]
        finally:
            ordered.close()


def test_rows_come_in_the_order_of_their_inputs(tmp_path: Path) -> None:
    """By file, line and question, however they were finished; failed rows stand among the others."""
    fill(
        tmp_path,
        journal_record("a9", source="a", line=9),
        journal_record("b1", source="b", line=1),
        journal_record("a2-2", source="a", line=2, question_id="second"),
        journal_record("a2-1", source="a", line=2, question_id="first"),
        journal_record("a1", source="a", line=1, reason="refused"),
    )

    assert ids(tmp_path) == ["a1", "a2-1", "a2-2", "a9", "b1"]


def test_the_newest_record_of_a_row_is_shown(tmp_path: Path) -> None:
    """A healed failure comes once, as a result."""
    fill(tmp_path, journal_record("a", reason="refused"), journal_record("a"))

    with Journal.read(tmp_path) as journal:
        ordered = OrderedRows(journal, {})
        records = list(ordered)
        ordered.close()

    assert [(record.row_id, record.status) for record in records] == [("a", "ok")]


def test_only_rows_of_the_input_belong(tmp_path: Path) -> None:
    """Rows that the last complete run did not see are left out."""
    fill(tmp_path, *(journal_record(name, line=n) for n, name in enumerate("abc", 1)))
    note(tmp_path, "a", "c")

    assert ids(tmp_path) == ["a", "c"]


def test_after_an_unfinished_run_every_row_is_shown(tmp_path: Path) -> None:
    """A run that did not see all rows says nothing about those that it did not see."""
    fill(tmp_path, *(journal_record(name, line=n) for n, name in enumerate("abc", 1)))
    note(tmp_path, "a")
    note(tmp_path, "a", keep=False)

    assert belongs(tmp_path) is None
    assert ids(tmp_path) == ["a", "b", "c"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(f".{ROWS_NAME}")]


def test_many_rows_are_read_page_by_page(tmp_path: Path) -> None:
    """More rows than a page come all, once each."""
    fill(tmp_path, *(journal_record(f"r{n}", line=n, reason="x") for n in range(1, 2502)))

    assert ids(tmp_path) == [f"r{n}" for n in range(1, 2502)]
