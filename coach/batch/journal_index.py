"""Where the newest record of each row and the newest result of each key lie in a journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from coach.batch.scratch import scratch_database, scratch_errors

_PAGE = 500


@dataclass(frozen=True)
class Place:
    """A record's place in the journal's file, in bytes."""

    offset: int
    length: int


class JournalIndex:
    """Kept on disk, so memory does not grow with the rows; built anew whenever a journal is opened.

    Row ids and keys are held as 16-byte hashes, whose collision can be ruled out.
    """

    def __init__(self) -> None:
        self._database = scratch_database()
        with scratch_errors():
            self._database.execute(
                "CREATE TABLE newest (first INTEGER PRIMARY KEY, row BLOB UNIQUE NOT NULL, key BLOB NOT NULL,"
                " ok INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL)"
            )
            self._database.execute(
                "CREATE TABLE results (key BLOB PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL)"
                " WITHOUT ROWID"
            )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, row_id: str, key: str, ok: bool, place: Place) -> None:
        """Note a record that was appended after all others."""
        with scratch_errors():
            self._database.execute(
                "INSERT INTO newest (row, key, ok, start, length) VALUES (?, ?, ?, ?, ?) ON CONFLICT (row) DO UPDATE"
                " SET key = excluded.key, ok = excluded.ok, start = excluded.start, length = excluded.length",
                (_hash(row_id), _hash(key), ok, place.offset, place.length),
            )
            if ok:
                self._database.execute(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (_hash(key), place.offset, place.length)
                )

    def finished(self, row_id: str, key: str) -> Place | None:
        """Return the newest record of this row if it is a result with this key."""
        return self._place(
            "SELECT start, length FROM newest WHERE row = ? AND key = ? AND ok", (_hash(row_id), _hash(key))
        )

    def result(self, key: str) -> Place | None:
        """Return the newest result with this key, of whatever row."""
        return self._place("SELECT start, length FROM results WHERE key = ?", (_hash(key),))

    def newest(self) -> Iterator[Place]:
        """Yield the newest record of every row, in the order in which the rows were first seen."""
        last = 0
        while True:
            # By pages, so that records may be added meanwhile.
            with scratch_errors():
                page = self._database.execute(
                    "SELECT first, start, length FROM newest WHERE first > ? ORDER BY first LIMIT ?", (last, _PAGE)
                ).fetchall()
            if not page:
                return
            for first, offset, length in page:
                last = first
                yield Place(offset, length)

    def count(self) -> tuple[int, int]:
        """Return the number of rows, and of those whose newest record is a result."""
        with scratch_errors():
            rows, ok = self._database.execute("SELECT count(*), coalesce(sum(ok), 0) FROM newest").fetchone()
        return int(rows), int(ok)

    def _place(self, query: str, values: tuple[bytes, ...]) -> Place | None:
        with scratch_errors():
            found = self._database.execute(query, values).fetchone()
        return Place(*found) if found else None


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
