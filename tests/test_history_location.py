"""Where the history lies, and which addresses are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from coach.errors import StorageError
from coach.files import data_directory
from coach.history.location import describe, history_url


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COACH_DATA_DIR", "COACH_DATABASE_URL", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_default_is_the_users_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings the platform's own place for a user's data is taken."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

    assert data_directory().name == "answer-feedback-coach"
    assert tmp_path in data_directory().parents
    assert history_url().database == str(data_directory() / "history.db")


def test_coach_data_dir_names_another_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters that mean something in an address mean nothing in a directory's name; ~ is the home."""
    directory = tmp_path / "a?b#c%20d"
    monkeypatch.setenv("COACH_DATA_DIR", str(directory))
    assert history_url().database == str(directory / "history.db")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COACH_DATA_DIR", "~/practice")
    assert data_directory() == tmp_path / "practice"


def test_coach_database_url_names_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable counts, an argument counts more, and the short names of PostgreSQL mean psycopg."""
    monkeypatch.setenv("COACH_DATABASE_URL", "postgres://me:pass-w0rd@db.example/practice")
    assert history_url().drivername == "postgresql+psycopg"
    assert describe(history_url()) == "postgresql database practice at db.example"
    assert history_url("sqlite:////tmp/x.db").database == "/tmp/x.db"


@pytest.mark.parametrize(
    "address",
    [
        "no address: pass-w0rd",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x.db?uri=true",
        "mysql://pass-w0rd@h/d",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    """An address that cannot be used, or could not be kept private, is refused without repeating it."""
    with pytest.raises(StorageError) as caught:
        history_url(address)

    assert "COACH_DATABASE_URL" in caught.value.hint
    assert "pass-w0rd" not in caught.value.message
