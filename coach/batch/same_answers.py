"""Which answers of a batch are the same but for their white space, kept on disk so that memory does not grow."""

from __future__ import annotations

from coach.batch.scratch import scratch_database, scratch_errors


class SameAnswers:
    """Maps what equal answers share to the key of the one that has a result; vanishes when it is closed."""

    def __init__(self) -> None:
        self._database = scratch_database()
        with scratch_errors():
            self._database.execute("CREATE TABLE known (same BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID")

    def key_of(self, same: str) -> str | None:
        """Return the key of the result that serves all these answers, or None; raises StorageError."""
        with scratch_errors():
            found = self._database.execute("SELECT key FROM known WHERE same = ?", (bytes.fromhex(same),)).fetchone()
        return found[0].hex() if found else None

    def remember(self, same: str, key: str) -> None:
        """Note that there is a result with this key; the first one stays. Raises StorageError."""
        with scratch_errors():
            self._database.execute(
                "INSERT OR IGNORE INTO known VALUES (?, ?)", (bytes.fromhex(same), bytes.fromhex(key))
            )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()
