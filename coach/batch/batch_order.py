"""The rows of a batch in the order of their inputs, read from the journal without holding them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from coach.batch.journal import Journal
from coach.batch.rows import JournalRecord
from coach.batch.scratch import scratch_database, scratch_errors

_PAGE = 1000


class OrderedRows:
    """The newest record of every row, by input, line and question; for one journal that nobody writes meanwhile.

    ``belongs`` tells by its id whether a row is to be shown; ``ranks`` orders the questions of one line.
    Raises StorageError.
    """

    def __init__(
        self, journal: Journal, ranks: Mapping[str, int], belongs: Callable[[str], bool] | None = None
    ) -> None:
        self._journal = journal
        self._database = scratch_database()
        with scratch_errors():
            self._database.execute(
                "CREATE TABLE rows (source INTEGER, line INTEGER, rank INTEGER, seen INTEGER, row TEXT, key TEXT,"
                " failed TEXT, PRIMARY KEY (source, line, rank, seen)) WITHOUT ROWID"
            )
        sources: dict[str, int] = {}
        for seen, record in enumerate(journal.latest()):
            if belongs is None or belongs(record.row_id):
                source = sources.setdefault(record.source, len(sources))
                self._add(record, source, ranks.get(record.question_id, len(ranks)), seen)

    def __iter__(self) -> Iterator[JournalRecord]:
        """Yield the records, reading as it goes."""
        last = (-1, -1, -1, -1)
        while True:
            with scratch_errors():
                page = self._database.execute(
                    "SELECT source, line, rank, seen, row, key, failed FROM rows WHERE (source, line, rank, seen) >"
                    " (?, ?, ?, ?) ORDER BY source, line, rank, seen LIMIT ?",
                    (*last, _PAGE),
                ).fetchall()
            if not page:
                return
            for *place, row_id, key, failed in page:
                last = (place[0], place[1], place[2], place[3])
                yield self.record(row_id, key) if failed is None else JournalRecord.model_validate_json(failed)

    def record(self, row_id: str, key: str) -> JournalRecord:
        """Return the record of a finished row."""
        record = self._journal.result(row_id, key)
        assert record is not None
        return record

    def close(self) -> None:
        """Forget the order."""
        self._database.close()

    def _add(self, record: JournalRecord, source: int, rank: int, seen: int) -> None:
        failed = record.model_dump_json(by_alias=True) if record.status == "failed" else None
        with scratch_errors():
            self._database.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)",
                (source, record.line, rank, seen, record.row_id, record.key, failed),
            )
