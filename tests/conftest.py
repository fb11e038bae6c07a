"""Every test runs in a clean environment and without a network."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("coach", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("coach")

#: The cache holds the joined embedded model (1.1 GB): only tests that write there name a directory of their own.
_KEPT = frozenset({"COACH_CACHE_DIR"})
#: What would change how output looks, or open an editor.
_UNSET = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "VISUAL", "EDITOR")


def pytest_configure(config: pytest.Config) -> None:
    """Let a run that only lists the tests succeed: it compares no snapshot, so none is left over."""
    if config.option.collectonly:
        config.option.warn_unused_snapshots = True


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
