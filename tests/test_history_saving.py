"""A history that cannot be used never costs the critique: the attempt goes to a file that the warning names."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from assessment_factory import ANSWER
from history_factory import BANK, QUESTION, judged

from coach.errors import StorageError
from coach.history.record_files import read_records
from coach.history.saving import SavedAttempt, save_or_rescue
from coach.history.store import HistoryStore

PlainUser = Callable[[], AbstractContextManager[None]]

pytest_plugins = ("plain_user",)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a data directory and a temporary directory of its own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COACH_DATABASE_URL", raising=False)
    return tmp_path / "data"


def save(open_store: Callable[[], HistoryStore] = HistoryStore.open) -> SavedAttempt:
    """Save one attempt as ``coach submit`` does."""
    return save_or_rescue(open_store, QUESTION, ANSWER, judged(72.5), bank_title=BANK)


def assert_rescued(outcome: SavedAttempt, directory: Path) -> None:
    """The attempt lies in a file in this directory, and the warning names the file."""
    assert outcome.attempt_id is None
    assert outcome.rescue_file is not None
    assert outcome.warning is not None
    assert outcome.rescue_file.parent == directory
    assert str(outcome.rescue_file) in outcome.warning.message
    (record,) = read_records(outcome.rescue_file)
    assert (record.question_id, record.bank_title, record.answer) == (QUESTION, BANK, ANSWER)
    assert record.assessment == judged(72.5)


def test_an_attempt_is_saved_without_a_word() -> None:
    """In the normal case there is a number and no warning."""
    outcome = save()

    assert (outcome.warning, outcome.rescue_file) == (None, None)
    with HistoryStore.open() as store:
        assert [attempt.id for attempt in store.attempts()] == [outcome.attempt_id]


def test_a_damaged_database_costs_nothing(data: Path) -> None:
    """The attempt is rescued beside the damaged file, and can be added to a new history."""
    data.mkdir()
    (data / "history.db").write_bytes(b"damaged " * 1000)
    outcome = save()

    assert_rescued(outcome, data)
    (data / "history.db").unlink()
    assert outcome.rescue_file is not None
    with HistoryStore.open() as store:
        assert store.import_records(read_records(outcome.rescue_file)) == 1


def test_a_locked_database_costs_nothing(data: Path) -> None:
    """While another process holds the lock the attempt is rescued; afterwards saving works again."""
    HistoryStore.open().close()
    with closing(sqlite3.connect(data / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcome = save(lambda: HistoryStore.open(wait_seconds=0.05))
    assert_rescued(outcome, data)
    assert outcome.warning is not None
    assert "locked" in outcome.warning.message

    assert save().warning is None


def test_an_unusable_address_costs_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in COACH_DATABASE_URL is told after the critique, not instead of it."""
    monkeypatch.setenv("COACH_DATABASE_URL", "nonsense")

    assert_rescued(save(), data)


def test_a_read_only_data_directory_costs_nothing(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch, as_plain_user: PlainUser
) -> None:
    """The attempt goes to the temporary directory when the data directory cannot be written."""
    temporary = open_directory / "tmp"
    temporary.mkdir()
    temporary.chmod(0o777)
    data = open_directory / "data"
    data.mkdir(mode=0o555)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("COACH_DATA_DIR", str(data))
    with as_plain_user():
        outcome = save()

    assert_rescued(outcome, temporary)
    assert list(data.iterdir()) == []


def test_when_nothing_can_be_written_the_warning_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even then there is a warning with both reasons and no error."""
    data.write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(data))
    outcome = save()

    assert (outcome.attempt_id, outcome.rescue_file) == (None, None)
    assert outcome.warning is not None
    assert "not saved" in outcome.warning.message
    assert "no rescue file" in outcome.warning.message


def test_other_errors_are_not_hidden() -> None:
    """A mistake in the program itself stays visible."""

    def broken() -> HistoryStore:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save(broken)


def test_the_warning_says_what_to_do() -> None:
    """The hint of the error and the command that adds the attempt later are part of the warning."""

    def closed() -> HistoryStore:
        raise StorageError("the history is shut", "Open it.")

    outcome = save(closed)

    assert outcome.warning is not None
    assert "the history is shut. Open it." in outcome.warning.message
    assert f"coach history --import {outcome.rescue_file}" in outcome.warning.message
