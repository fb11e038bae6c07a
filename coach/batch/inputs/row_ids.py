"""Row ids that are unique in a batch and do not change when other rows are added or removed."""

from __future__ import annotations

import hashlib

from coach.batch.rows import RawAnswer
from coach.batch.scratch import scratch_database, scratch_errors

_LONGEST = 160


class RowIds:
    """Gives out ids; remembers the given ones on disk (8 bytes of a hash each), not in memory.

    Two different ids with the same hash (about one chance in five million among two million rows) would only
    get a suffix that they do not need.
    """

    def __init__(self) -> None:
        self._seen = scratch_database()
        self._seen.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY, times INTEGER NOT NULL)")

    def close(self) -> None:
        """Forget everything."""
        self._seen.close()

    def take(self, raw: RawAnswer, question_id: str) -> str:
        """Return an id that was not given out before, from the given id, the candidate or the answer.

        Rows of equal identity are told apart by their question, then by counting: ``#2``, ``#3``.
        """
        names = _names(raw, question_id)
        for name in names:
            times = self._count(name)
            if times == 1:
                return name
        while True:
            numbered = f"{names[-1]}#{times}"
            if self._count(numbered) == 1:
                return numbered
            times = self._count(names[-1])

    def _count(self, name: str) -> int:
        digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        with scratch_errors():
            row = self._seen.execute(
                "INSERT INTO seen VALUES (?, 1) ON CONFLICT (hash) DO UPDATE SET times = times + 1 RETURNING times",
                (digest,),
            ).fetchone()
        return int(row[0])


def _names(raw: RawAnswer, question_id: str) -> list[str]:
    if raw.given_id:
        given = _short(raw.given_id)
        qualified = f"{given}/{question_id}"
        return [qualified] if raw.shared_id else [given, qualified]
    if raw.candidate:
        return [f"{_short(raw.candidate)}/{question_id}"]
    # Nothing names the row but its content; its place in the file would change with every row above it.
    return [f"{question_id}~{_digest(raw.answer)}"]


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}~{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
