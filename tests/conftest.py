"""Every test runs in a clean environment and without a network."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from coach.bank import yaml_files
from coach.model.embedded_file import embedded_model_installed, ensure_model_file
from coach.model.embedded_server import EmbeddedServer
from coach.model.encoder import encoder_installed

# How long an example takes says more about the machine than about the code.
settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=30)
settings.register_profile("full", parent=settings.get_profile("quick"), max_examples=300)
settings.load_profile("quick")

# Every command reads the shipped bank, which takes a seventh of a second. What is read is never changed.
yaml_files.parse_yaml = lru_cache(maxsize=64)(yaml_files.parse_yaml)

#: The cache holds the joined embedded model (1.1 GB): only tests that write there name a directory of their own.
_KEPT = frozenset({"COACH_CACHE_DIR"})
#: What would change how output looks, or open an editor.
_UNSET = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "VISUAL", "EDITOR")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes the tests look harder; `--hypothesis-profile full` is another."""
    parser.addoption("--all-moments", action="store_true", help="kill a process at every moment, not at a few")


def pytest_configure(config: pytest.Config) -> None:
    """Make runs alike, however they are started."""
    # A shell starts jobs in the background with SIGINT ignored, and every child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.collectonly:
        # A run that only lists the tests compares no snapshot, so none is left over.
        config.option.warn_unused_snapshots = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that need the embedded model together, so that it is loaded once and never twice at a time."""
    for item in items:
        if "embedded_model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("embedded"))


@pytest.fixture(scope="session")
def all_moments(pytestconfig: pytest.Config) -> bool:
    """Return whether to try every moment, where a few are enough most of the time."""
    return bool(pytestconfig.getoption("--all-moments"))


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """Return the embedded model's file in the user's own cache, which the first run fills."""
    if not (embedded_model_installed() and encoder_installed()):
        pytest.skip("needs the local extra")
    return ensure_model_file()


@pytest.fixture(scope="session")
def embedded_server(embedded_model: Path) -> Iterator[EmbeddedServer]:
    """Return one server of the embedded model for all tests that only ask it something."""
    # One thread: the other processor runs other tests, and threads lose much time by waiting for each other.
    with EmbeddedServer.start(embedded_model, threads=1) as server:
        yield server


class NetworkBlockedError(RuntimeError):
    """A test tried to reach another machine. No OSError, so that no code under test takes it for one."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give a test none of the developer's settings, a private data directory and a fixed terminal."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "COACH_")) and name not in _KEPT:
            monkeypatch.delenv(name)
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "coach-data"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(autouse=True)
def blocked_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuse connections to other machines; the test fails at its end even where the refusal was swallowed.

    Yields the addresses that were tried, for the tests of this guard.
    """
    tried: list[str] = []
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(host: object) -> None:
        tried.append(str(host))
        raise NetworkBlockedError(f"a test tried to reach {host}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _stays_here(self, address):
            refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _stays_here(self, address):
            refuse(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_local(host):
            refuse(host)
        return getaddrinfo(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield tried
    assert not tried, f"the test tried to reach {', '.join(tried)}"


def _stays_here(connection: socket.socket, address: Any) -> bool:
    return connection.family not in (socket.AF_INET, socket.AF_INET6) or _is_local(address[0])


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
