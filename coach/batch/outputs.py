"""Writing what a batch has come to: results, tables, summary and page, streamed from the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from coach.bank.questions import Bank
from coach.batch.page import batch_page
from coach.batch.rows import RowResult
from coach.batch.store import Store
from coach.batch.summary import BatchStatistics, BatchSummary
from coach.batch.tables import header, table_row, write_tables
from coach.files import replacing, write_whole
from coach.version import version

PAGE, _UNREADABLE = "report.html", "unreadable.jsonl"
#: The page holds so many answers, so that a browser opens it and memory stays bounded.
_ANSWERS_ON_PAGE = 500
_SHOWN_PROBLEMS = 20


def write_outputs(store: Store, bank: Bank) -> BatchSummary:
    """Write all results and reports of a batch into its directory and return the summary; raises StorageError."""
    directory, counts = store.directory, store.counts()
    statistics = BatchStatistics()
    with replacing(directory / "results.jsonl") as new, new.open("w", encoding="utf-8", newline="\n") as file:
        for result in store.results():
            statistics.add(result)
            file.write(result.model_dump_json(by_alias=True, exclude={"answer", "key"}) + "\n")
    summary = statistics.summary(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        coach_version=version(),
        complete=counts.complete,
        unreadable=counts.unreadable,
    )

    titles = statistics.titles

    rows = (table_row(result, titles) for result in store.results())
    write_tables(directory / "results.csv", directory / "results.xlsx", header(titles), rows)
    write_whole(directory / "summary.json", summary.to_json() + "\n")
    _write_unreadable(store, directory / _UNREADABLE)
    _write_page(store, directory / PAGE, summary, bank)
    return summary


def _write_unreadable(store: Store, path: Path) -> None:
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="\n") as file:
        for problem in store.problems():
            file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")


def _write_page(store: Store, path: Path, summary: BatchSummary, bank: Bank) -> None:
    first = {result.row_id for result in islice(store.results(), _ANSWERS_ON_PAGE)}
    more = [item.row_id for item in summary.review_first if item.row_id not in first]

    def answers() -> Iterator[RowResult]:
        yield from islice(store.results(), _ANSWERS_ON_PAGE)
        yield from filter(None, map(store.result, more))

    texts = {question.id: question.text for question in bank.questions}
    pieces = batch_page(summary, texts, answers(), len(first) + len(more), store.problems(_SHOWN_PROBLEMS))
    with replacing(path) as new, new.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(pieces)
