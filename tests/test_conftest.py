"""The guard around all tests works: no other machine is reached, no setting of the developer leaks in."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

#: Reserved for documentation (RFC 5737): no machine answers there.
ELSEWHERE = "192.0.2.1"


def test_a_connection_to_another_machine_is_refused_and_noted(blocked_connections: list[str]) -> None:
    """Code under test cannot reach another machine by address, and the guard remembers the attempt."""
    with pytest.raises(RuntimeError, match=ELSEWHERE):
        socket.create_connection((ELSEWHERE, 80), timeout=1)

    assert blocked_connections
    blocked_connections.clear()


def test_a_name_is_not_looked_up(blocked_connections: list[str]) -> None:
    """Asking a name server would already tell another machine something."""
    with pytest.raises(RuntimeError, match="tried to reach coach"):
        socket.create_connection(("coach.test", 80), timeout=1)

    assert blocked_connections == ["coach.test"]
    blocked_connections.clear()


async def test_asyncio_is_guarded_too(blocked_connections: list[str]) -> None:
    """The event loop opens its sockets in its own way; it is refused as well."""
    with pytest.raises(RuntimeError, match=ELSEWHERE):
        await asyncio.open_connection(ELSEWHERE, 80)

    assert blocked_connections
    blocked_connections.clear()


async def test_a_server_on_this_machine_can_be_reached() -> None:
    """Tests may talk to servers that they start themselves."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"here"
        writer.close()
        await writer.wait_closed()


def test_the_environment_is_clean_and_private(tmp_path: Path) -> None:
    """No key, no model choice and no data directory of the developer reaches a test."""
    ours = {name for name in os.environ if name.startswith(("OPENAI_", "COACH_"))} - {"COACH_CACHE_DIR"}

    assert ours == {"COACH_DATA_DIR"}
    assert Path(os.environ["COACH_DATA_DIR"]).is_relative_to(tmp_path)
    assert (os.environ["NO_COLOR"], os.environ["COLUMNS"]) == ("1", "100")
