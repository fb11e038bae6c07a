"""A database that cannot be used ends in StorageError with a hint, never in a traceback."""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from history_factory import add, open_at

from coach.errors import StorageError
from coach.history.store import HistoryStore

PlainUser = Callable[[], AbstractContextManager[None]]

pytest_plugins = ("plain_user", "postgres_server")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database goes: in a directory that does not exist yet."""
    return tmp_path / "data" / "history.db"


def test_a_damaged_file_is_an_error(path: Path) -> None:
    """A file that is no database is named and left as it is."""
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 400)
    content = path.read_bytes()
    with pytest.raises(StorageError, match=r"history\.db") as caught:
        open_at(path)

    assert "damaged" in caught.value.hint
    assert path.read_bytes() == content


def test_a_file_damaged_inside_is_an_error(path: Path) -> None:
    """Damage behind an intact first page is an error too."""
    with open_at(path) as store:
        for number in range(30):
            add(store, f"Answer {number} " * 200)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StorageError) as caught, open_at(path) as store:
        store.attempts()
    assert "damaged" in caught.value.hint


def test_a_stored_value_that_cannot_be_read_is_an_error(path: Path) -> None:
    """A document that is no JSON ends in StorageError, not in a traceback."""
    with open_at(path) as store:
        add(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER attempts_are_append_only")
        connection.execute("UPDATE attempts SET assessment = '{torn'")

    with open_at(path) as store, pytest.raises(StorageError, match="cannot be read"):
        store.attempts()


def test_a_locked_file_is_an_error_after_the_wait(path: Path) -> None:
    """Another process's lock is waited for, then named; reading goes on all the while."""
    with open_at(path, wait_seconds=0.05) as store:
        add(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="locked") as caught:
                add(store)
            assert len(store.attempts()) == 1
        assert "Another process" in caught.value.hint
        add(store)
        assert store.count() == 2


def test_a_directory_that_cannot_be_written_is_an_error(open_directory: Path, as_plain_user: PlainUser) -> None:
    """No right to create the file is said as such, with the variable that names another directory."""
    path = open_directory / "history.db"
    open_directory.chmod(0o555)
    with as_plain_user(), pytest.raises(StorageError, match="Permission denied") as caught:
        open_at(path)

    assert "COACH_DATA_DIR" in caught.value.hint


def test_a_file_that_cannot_be_written_is_an_error(open_directory: Path, as_plain_user: PlainUser) -> None:
    """A history that belongs to somebody else is not opened."""
    path = open_directory / "history.db"
    open_at(path).close()
    path.chmod(0o400)
    with as_plain_user(), pytest.raises(StorageError, match="Permission denied"):
        open_at(path)


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    """A data directory that is a file is named as the cause."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StorageError, match="data"):
        open_at(tmp_path / "data" / "history.db")


def test_an_unreachable_server_is_an_error_without_the_password(postgres_url: str) -> None:
    """The server's address is named, the password is not; a refused connection is no traceback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with pytest.raises(StorageError, match=r"postgresql database practice at 127\.0\.0\.1") as caught:
            HistoryStore.open(f"postgresql://me:pass-w0rd@127.0.0.1:{port}/practice")
    assert "pass-w0rd" not in caught.value.message + caught.value.hint

    with pytest.raises(StorageError, match="does not exist"):
        HistoryStore.open(postgres_url.replace("/coach_", "/no_such_"))


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match="psycopg") as caught:
        HistoryStore.open("postgresql+psycopg://localhost/practice")

    assert "answer-feedback-coach[postgres]" in caught.value.hint
