"""A real PostgreSQL server for tests: private, thrown away at the end, reached by a socket only this user can open.

Use it in a test module with ``pytest_plugins = ("postgres_server",)`` and the fixture ``postgres_url``.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

MISSING = (
    "PostgreSQL's server programs are not installed. `.ci/run` installs them; by hand: apt-get install -y postgresql"
)
_DEBIAN = Path("/usr/lib/postgresql")
_USER = "coach"
_START_TRIES = 600
#: Ends the server when the pipe from the test process closes, however that process ended.
_GUARD = '"$@" & server=$!; cat > /dev/null; kill -QUIT "$server"; wait "$server"'


@dataclass
class PostgresServer:
    """A running server with its data and its socket in ``directory``."""

    directory: Path
    databases: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self) -> str:
        """Create an empty database and return its SQLAlchemy address."""
        name = f"coach_{next(self.databases)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://{_USER}@/{name}?host={self.directory}"

    def connect(self) -> psycopg.Connection[Any]:
        """Connect to the server's own database; every statement is committed at once."""
        return psycopg.connect(host=str(self.directory), user=_USER, dbname="postgres", autocommit=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server for the whole test run and stop it at the end."""
    programs = _programs()
    # Not below tmp_path: a socket's path must be short, and the server's user must be able to reach it.
    directory = Path(tempfile.mkdtemp(prefix="coach-pg-"))
    identity = _identity(directory)
    try:
        _run([programs / "initdb", "-D", directory / "data", "-U", _USER, "-A", "trust", "-E", "UTF8", "-N"], identity)
        command: list[str | Path] = [programs / "postgres", "-D", directory / "data", "-k", directory, "-h", "", "-F"]
        with (directory / "log").open("w") as log:
            process: subprocess.Popen[str] = subprocess.Popen(
                ["sh", "-c", _GUARD, "sh", *command],
                stdin=subprocess.PIPE,
                text=True,
                stdout=log,
                stderr=log,
                cwd=directory,
                **identity,
            )
        try:
            server = PostgresServer(directory)
            _wait_until_ready(server, process)
            yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=60)
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """Return the address of an empty database of its own."""
    return postgres_server.new_database()


def _programs() -> Path:
    """Return the directory of initdb and postgres, of the newest version; fails the test when there is none."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name))
    on_path = shutil.which("initdb")
    if not found and on_path:
        found = [Path(on_path).resolve()]
    if not found:
        pytest.fail(MISSING)
    return found[-1].parent


def _identity(directory: Path) -> dict[str, Any]:
    """Return how to start a process that PostgreSQL accepts: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(directory, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _run(command: list[str | Path], identity: dict[str, Any]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **identity)
    if result.returncode:
        pytest.fail(f"{command[0]} failed:\n{result.stderr}")


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[str]) -> None:
    for _ in range(_START_TRIES):
        try:
            server.connect().close()
        except psycopg.OperationalError:
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    pytest.fail(f"the PostgreSQL server did not start:\n{(server.directory / 'log').read_text()}")
