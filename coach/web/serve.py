"""Running the site: a port of this machine, the link, the browser, and an end at once."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import traceback
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web

from coach.errors import InputError
from coach.files import data_directory, make_private_directory, write_new, write_whole

#: Always the same, so that a browser finds it again; so many ports after it are tried.
PORT, _PORTS = 8421, 20
_STATE = "web.json"


def listen(port: int | None) -> socket.socket:
    """Return a socket of 127.0.0.1 that listens; 0 is any free port, None the usual one or the next that is free.

    Raises InputError.
    """
    wanted = range(PORT, PORT + _PORTS) if port is None else (port,)
    for number in wanted:
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", number))
    ports = f"the ports {PORT} to {PORT + _PORTS - 1} are" if port is None else f"the port {port} is"
    raise InputError(f"{ports} taken, or may not be used", "Choose another one with --port, or any free one: --port 0.")


def running_link() -> str | None:
    """Return the link of the user's `coach web` that runs already, if any."""
    try:
        state = json.loads((data_directory() / _STATE).read_text(encoding="utf-8"))
        os.kill(int(state["pid"]), 0)
        with socket.create_connection(("127.0.0.1", int(state["port"])), timeout=0.5):
            return str(state["link"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


class WithoutWords(logging.Formatter):
    """Tells where an error happened and of which kind it was; its words may hold an answer, so they are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the first line of the message, and the places."""
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
        # Another handler may have written the words there.
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """Return the places and the kind."""
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + getattr(kind, "__name__", "")


async def serve(
    app: web.Application, sock: socket.socket, link: str, *, browser: bool, say: Callable[[str], None]
) -> None:
    """Serve until Ctrl-C; tells the link, and opens it in a browser when wanted."""
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutWords("%(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no handlers here: there Ctrl-C raises KeyboardInterrupt.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with started(app, sock):
        say(f"Open this link in a browser on this machine (Ctrl-C ends the coach):\n{link}")
        # The pages that run longest are the ones to be found again.
        state = None if running_link() else data_directory() / _STATE
        page = None
        if state:
            make_private_directory(state.parent)
            write_whole(state, json.dumps({"pid": os.getpid(), "port": sock.getsockname()[1], "link": link}))
        try:
            if browser:
                page = await asyncio.to_thread(open_browser, link)
            await stop.wait()
        finally:
            for path in (state, page):
                if path is not None:
                    path.unlink(missing_ok=True)


@asynccontextmanager
async def started(app: web.Application, sock: socket.socket) -> AsyncIterator[None]:
    """Serve the application on a socket while the block runs."""
    # No access log: addresses hold the key, and errors are told where they happen.
    settings: dict[str, Any] = {"handle_signals": False, "access_log": None, "handler_cancellation": True}
    runner = web.AppRunner(app, shutdown_timeout=0.2, **settings)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        yield
    finally:
        await runner.cleanup()


def open_browser(link: str) -> Path | None:
    """Open the link by way of a private file, as every user may see a program's arguments; return the file."""
    refresh = f'<meta http-equiv="refresh" content="0; url={escape(link)}">'
    page = f'<!DOCTYPE html><meta charset="utf-8"><title>Coach</title>{refresh}'
    folder = data_directory()
    try:
        make_private_directory(folder)
        path = write_new(folder, "open-coach-", ".html", page.encode())
    except OSError:
        return None
    with suppress(webbrowser.Error):
        webbrowser.open(path.as_uri())
    return path
