"""Tests of coach.batch.scratch."""

from __future__ import annotations

import sqlite3

import pytest

from coach.batch.scratch import scratch_database, scratch_errors
from coach.errors import StorageError


def test_every_scratch_database_is_empty_and_its_own() -> None:
    """Two databases do not see each other."""
    first, second = scratch_database(), scratch_database()
    first.execute("CREATE TABLE t (x)")

    with pytest.raises(sqlite3.OperationalError):
        second.execute("SELECT * FROM t")

    first.close()
    second.close()


def test_a_failure_is_a_storage_error() -> None:
    """Whatever SQLite raises is translated, with a hint about the temporary directory."""
    with pytest.raises(StorageError, match="disk is full") as caught, scratch_errors():
        raise sqlite3.OperationalError("database or disk is full")

    assert "TMPDIR" in caught.value.hint
