"""Migrations: from an empty and from an existing database, by one process at a time."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from history_factory import add, open_at
from sqlalchemy import create_engine, inspect, text

from coach.errors import StorageError
from coach.history import schema
from coach.history.store import HistoryStore
from coach.history.tables import metadata

pytest_plugins = ("postgres_server",)

SECOND_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

def upgrade():
    op.add_column("attempts", sa.Column("mood", sa.Text()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database goes: in a directory that does not exist yet."""
    return tmp_path / "data" / "history.db"


def test_head_is_the_newest_migration(path: Path) -> None:
    """The revision that skips the migrations is the one that they lead to."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection))
    engine.dispose()

    assert script.get_current_head() == schema.HEAD


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_lead_to_the_tables_in_use(kind: str, path: Path, request: pytest.FixtureRequest) -> None:
    """A database made by the migrations has exactly the columns and indexes that the statements use."""
    address = f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    HistoryStore.open(address).close()
    engine = create_engine(address)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def migrations_with(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Let the history use a copy of the shipped migrations and a second one of this source."""
    shutil.copytree(schema.SCRIPTS, folder)
    (folder / "versions" / "v0002_test.py").write_text(source)
    monkeypatch.setattr(schema, "SCRIPTS", folder)
    monkeypatch.setattr(schema, "HEAD", "0002")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_existing_history_is_brought_up_to_date(
    kind: str, path: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version's migration runs once when the history is opened, silently, and keeps the attempts."""
    address = f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with HistoryStore.open(address) as store:
        add(store, "from the first version")
    migrations_with(monkeypatch, tmp_path / "100% migrations", SECOND_MIGRATION)

    for _ in range(2):
        with HistoryStore.open(address) as store:
            assert [attempt.answer for attempt in store.attempts()] == ["from the first version"]
    engine = create_engine(address)
    assert "mood" in {column["name"] for column in inspect(engine).get_columns("attempts")}
    engine.dispose()


def test_a_broken_migration_changes_nothing(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way leaves the history as it was, usable by the version that wrote it."""
    with open_at(path) as store:
        add(store)
    with monkeypatch.context() as patch:
        migrations_with(patch, tmp_path / "m", SECOND_MIGRATION + '    op.execute("SELECT * FROM nowhere")\n')
        with pytest.raises(StorageError, match="nowhere"):
            open_at(path)
    with closing(sqlite3.connect(path)) as connection:
        assert "mood" not in [row[1] for row in connection.execute("PRAGMA table_info(attempts)")]
    with open_at(path) as store:
        assert store.count() == 1


def test_opening_says_nothing(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Migrations print nothing: standard output belongs to the result."""
    open_at(path).close()

    assert capfd.readouterr() == ("", "")


def test_a_setup_by_another_process_is_waited_for(path: Path) -> None:
    """While the lock file of the setup is held, opening a new history ends in an error after the wait."""
    path.parent.mkdir()
    with FileLock(f"{path}.lock"), pytest.raises(StorageError, match="set up by another process"):
        open_at(path, wait_seconds=0.05)
    open_at(path).close()


def test_a_setup_of_a_server_database_is_waited_for(postgres_url: str) -> None:
    """On PostgreSQL too only one process sets the history up; the others wait, and then find it ready."""
    engine = create_engine(postgres_url)
    with engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.ADVISORY_LOCK})
        with pytest.raises(StorageError, match="lock timeout") as caught:
            HistoryStore.open(postgres_url, wait_seconds=0.05)
        assert "Another process" in caught.value.hint
    engine.dispose()
    HistoryStore.open(postgres_url).close()
