"""Opening the history: privacy of the files, transactions, and deletion that leaves no trace."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from history_factory import QUESTION, add, open_at

from coach.errors import StorageError
from coach.history.database import open_engine, writing
from coach.history.location import history_url

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database goes: in a directory that does not exist yet."""
    return tmp_path / "data" / "history.db"


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_user_can_read_the_history(path: Path) -> None:
    """Directory 0700 and every file in it 0600, also while the database is open and whatever the umask."""
    before = os.umask(0)
    try:
        with open_at(path) as store:
            add(store)
            names = {file.name for file in path.parent.iterdir()}
            assert {"history.db", "history.db-wal", "history.db-shm"} <= names
            assert mode(path.parent) == 0o700
            assert {mode(file) for file in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    """Opening an existing history takes other users' permissions away."""
    open_at(path).close()
    path.chmod(0o644)
    open_at(path).close()

    assert mode(path) == 0o600


def test_an_existing_directory_keeps_its_permissions(path: Path) -> None:
    """A directory that was there before may serve other purposes and is left alone."""
    path.parent.mkdir(mode=0o755)
    open_at(path).close()

    assert mode(path.parent) == 0o755


def test_the_first_open_loads_the_database_library() -> None:
    """Importing the store is cheap: commands without a history do not pay for SQLAlchemy."""
    code = "import coach.history.store, coach.history.saving, sys; sys.exit('sqlalchemy' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def traces(path: Path, words: str) -> list[str]:
    """Return the names of the files beside the database that hold these words."""
    return [file.name for file in path.parent.iterdir() if words.encode() in file.read_bytes()]


def test_delete_leaves_no_trace_of_the_text(path: Path) -> None:
    """No file of the history holds a deleted answer any more, long or short, and the others are still there."""
    with open_at(path) as store:
        for number in range(20):
            add(store, f"my secret story {number}")
        add(store, "long secret story " * 2000)
        add(store, "a story to keep", "hl7-integration")
        assert traces(path, "secret story")

        assert store.delete(QUESTION) == 21
        assert traces(path, "secret story") == []
        assert traces(path, "a story to keep")
    assert traces(path, "secret story") == []


def test_delete_says_when_a_reader_keeps_the_text_in_the_file(path: Path) -> None:
    """The attempts are gone, the error says that the text is not, and a second call finishes the work."""
    with open_at(path, wait_seconds=0.05) as store:
        add(store, "my secret story")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM attempts").fetchone() == (1,)
            with pytest.raises(StorageError, match="not yet overwritten") as caught:
                store.delete(everything=True)
        assert "again" in caught.value.hint
        assert traces(path, "my secret story")

        assert store.delete(everything=True) == 0
        assert traces(path, "my secret story") == []


def test_a_writing_transaction_holds_the_lock_from_its_start(path: Path) -> None:
    """Reading before writing in one transaction cannot fail later because another process wrote in between."""
    open_at(path).close()
    engine = open_engine(history_url(f"sqlite:///{path}"), 0.05)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        with writing(engine).begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with engine.begin():
            other.execute("BEGIN IMMEDIATE")
    engine.dispose()
