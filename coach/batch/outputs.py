"""Writing what a batch has come to: results, tables, summary and page, streamed from the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TextIO

from coach.bank.questions import Bank
from coach.batch.page import batch_page
from coach.batch.rows import RowResult
from coach.batch.store import Store
from coach.batch.summary import BatchStatistics, BatchSummary
from coach.batch.tables import Cell, header, table_row, write_tables
from coach.files import replacing, write_whole

PAGE = "report.html"
#: The page holds so many answers, so that a browser opens it and memory stays bounded.
_ANSWERS_ON_PAGE = 500
_SHOWN_PROBLEMS = 20
_TITLES = """SELECT json_extract(item.value, '$.title') FROM ended, json_each(assessment, '$.criteria') AS item
    WHERE scored GROUP BY 1 ORDER BY min(place), item.key"""


def criterion_titles(store: Store) -> list[str]:
    """Return the titles of the criteria of all scored rows, in the order in which they first appear."""
    return [title for (title,) in store.query(_TITLES)]


def write_outputs(store: Store, bank: Bank) -> BatchSummary:
    """Write all results and reports of a batch into its directory and return the summary; raises StorageError."""
    directory, counts, titles = store.directory, store.counts(), criterion_titles(store)
    statistics = BatchStatistics(complete=counts.complete, unreadable=counts.unreadable)

    def rows(file: TextIO) -> Iterator[list[Cell]]:
        for result in store.results():
            statistics.add(result)
            file.write(result.model_dump_json(by_alias=True, exclude={"answer", "key"}) + "\n")
            yield table_row(result, titles)

    with _lines(directory / "results.jsonl") as file:
        write_tables(directory / "results.csv", directory / "results.xlsx", header(titles), rows(file))
    summary = statistics.summary()
    write_whole(directory / "summary.json", summary.to_json() + "\n")
    with _lines(directory / "unreadable.jsonl") as file:
        for problem in store.problems():
            file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
    _write_page(store, summary, bank)
    return summary


@contextmanager
def _lines(path: Path) -> Iterator[TextIO]:
    with replacing(path) as new, new.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        yield file


def _write_page(store: Store, summary: BatchSummary, bank: Bank) -> None:
    first = {result.row_id for result in islice(store.results(), _ANSWERS_ON_PAGE)}
    more = [item.row_id for item in summary.review_first if item.row_id not in first]

    def answers() -> Iterator[RowResult]:
        yield from islice(store.results(), _ANSWERS_ON_PAGE)
        yield from filter(None, map(store.result, more))

    texts = {question.id: question.text for question in bank.questions}
    pieces = batch_page(summary, texts, answers(), len(first) + len(more), store.problems(_SHOWN_PROBLEMS))
    with _lines(store.directory / PAGE) as file:
        file.writelines(pieces)
