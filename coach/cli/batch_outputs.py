"""Writing what a batch has come to: tables, summary and page, streamed from the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from coach.bank.questions import Bank
from coach.batch.batch_order import OrderedRows
from coach.batch.batch_rows import belongs
from coach.batch.batch_statistics import BatchStatistics
from coach.batch.batch_summary import BatchSummary
from coach.batch.batch_table import TableRow, header, table_row
from coach.batch.journal import Journal
from coach.batch.rows import JournalRecord, RowProblem
from coach.batch.scratch import scratch_database, scratch_errors
from coach.batch.spreadsheets import Cell, write_csv, write_xlsx
from coach.batch.unreadable_rows import read_unreadable
from coach.files import replacing
from coach.version import version

RESULTS_JSONL, RESULTS_CSV, RESULTS_XLSX = "results.jsonl", "results.csv", "results.xlsx"
SUMMARY, PAGE = "summary.json", "report.html"
#: The page holds so many answers, so that a browser opens it and memory stays bounded.
ANSWERS_ON_PAGE = 500


def write_outputs(directory: Path, journal: Journal, bank: Bank, *, complete: bool) -> BatchSummary:
    """Write all results and reports of a batch into its directory and return the summary; raises StorageError."""
    ranks = {question.id: question.number for question in bank.questions}
    ordered = OrderedRows(journal, ranks, belongs(directory))
    table = _Table()
    try:
        statistics = BatchStatistics()
        _write_results(directory / RESULTS_JSONL, _noted(ordered, statistics, table))
        problems, unreadable = read_unreadable(directory)
        summary = statistics.summary(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            coach_version=version(),
            complete=complete,
            unreadable=unreadable,
        )
        write_csv(directory / RESULTS_CSV, table.header(), table.rows())
        write_xlsx(directory / RESULTS_XLSX, table.header(), table.rows())
        with replacing(directory / SUMMARY) as new:
            new.write_text(summary.to_json() + "\n", encoding="utf-8")
        _write_page(directory / PAGE, summary, bank, ordered, problems)
        return summary
    finally:
        table.close()
        ordered.close()


class _Table:
    """The cells of all rows, on disk until the last row has told which criteria there are."""

    def __init__(self) -> None:
        self._database = scratch_database()
        with scratch_errors():
            self._database.execute("CREATE TABLE cells (row INTEGER PRIMARY KEY, data TEXT NOT NULL)")
        self._titles: dict[str, None] = {}

    def add(self, row: TableRow) -> None:
        self._titles.update(dict.fromkeys(row.criteria))
        with scratch_errors():
            self._database.execute(
                "INSERT INTO cells (data) VALUES (?)", (json.dumps([row.before, row.criteria, row.after]),)
            )

    def header(self) -> list[str]:
        return header(list(self._titles))

    def rows(self) -> Iterator[list[Cell]]:
        titles = list(self._titles)
        with scratch_errors():
            for (data,) in self._database.execute("SELECT data FROM cells ORDER BY row"):
                before, criteria, after = json.loads(data)
                yield TableRow(tuple(before), criteria, tuple(after)).cells(titles)

    def close(self) -> None:
        self._database.close()


def _noted(records: Iterable[JournalRecord], statistics: BatchStatistics, table: _Table) -> Iterator[JournalRecord]:
    for record in records:
        statistics.add(record)
        table.add(table_row(record))
        yield record


def _write_results(path: Path, records: Iterable[JournalRecord]) -> None:
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(record.model_dump_json(by_alias=True, exclude={"answer", "key"}) + "\n")


def _write_page(
    path: Path, summary: BatchSummary, bank: Bank, ordered: OrderedRows, problems: list[RowProblem]
) -> None:
    from coach.batch.batch_html import batch_page

    first = {record.row_id for record in islice(ordered, ANSWERS_ON_PAGE)}
    more = [item for item in summary.review_first if item.row_id not in first]

    def answers() -> Iterator[JournalRecord]:
        yield from islice(ordered, ANSWERS_ON_PAGE)
        for item in more:
            yield ordered.record(item.row_id, item.key)

    texts = {question.id: question.text for question in bank.questions}
    pieces = batch_page(summary, texts, answers(), len(first) + len(more), problems)
    with replacing(path) as new, new.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(pieces)
