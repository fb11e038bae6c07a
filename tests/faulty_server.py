"""A chat server on loopback that answers in the structured form, and fails as told: real HTTP, for tests only."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: Faults that the server knows. ``busy`` is a 429 with Retry-After, ``hurry`` one without.
FAULTS = ("busy", "hurry", "500", "503", "reset", "silence", "half", "garbage", "wrong", "drip")
#: Chooses the fault of a request from its number (from 0) and its body; None: a sound reply.
Choose = Callable[[int, dict[str, Any]], str | None]

_VERDICTS = ("met", "partly", "not_met")
_BUSY = json.dumps({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}})
_BROKEN = json.dumps({"error": {"message": "something broke", "type": "server_error", "code": None}})


class FaultyServer:
    """One server in a thread of its own; ``requests`` are the bodies that came in, ``most_in_flight`` at one time."""

    def __init__(self, choose: Choose | None = None, delay: float = 0.0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.most_in_flight = 0
        self.choose = choose
        self.delay = delay
        self._in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._port = 0

    @property
    def url(self) -> str:
        """The base URL for the openai client."""
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        """Close every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0))
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (body := await _read(reader)) is not None:
                self._in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self._in_flight)
                try:
                    if not await self._answer(body, writer):
                        break
                finally:
                    self._in_flight -= 1
        writer.close()

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection lives on."""
        number = len(self.requests)
        self.requests.append(body)
        if self.delay:
            await asyncio.sleep(self.delay)
        fault = self.choose(number, body) if self.choose else None
        reply = completion(body)
        if fault == "silence":
            await asyncio.sleep(30)
            return False
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault in ("half", "drip"):
            return await _send_slowly(writer, reply, fault == "drip")
        status, text, headers = self._response(fault, body, reply)
        writer.write(_head(status, len(text.encode()), headers) + text.encode())
        await writer.drain()
        return True

    def _response(self, fault: str | None, body: dict[str, Any], reply: str) -> tuple[int, str, dict[str, str]]:
        if fault in ("busy", "hurry"):
            return 429, _BUSY, {"retry-after-ms": "20"} if fault == "busy" else {}
        if fault in ("500", "503"):
            return int(fault), _BROKEN, {}
        if fault == "garbage":
            return 200, "<html>no JSON", {}
        if fault == "wrong":
            return 200, json.dumps(_completion_of(body, json.dumps({"checks": {"no-such-check": 1}}))), {}
        return 200, reply, {}


@contextmanager
def faulty_server(choose: Choose | None = None, delay: float = 0.0) -> Iterator[FaultyServer]:
    """Run a server for the block."""
    server = FaultyServer(choose, delay)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def completion(body: dict[str, Any]) -> str:
    """Return the reply to a structured request: verdicts that depend on the prompt and nothing else.

    Any other request gets a bare "Yes", without log-probabilities.
    """
    if "response_format" not in body:
        return json.dumps(_completion_of(body, "Yes"))
    schema = body["response_format"]["json_schema"]["schema"]["properties"]
    prompt = body["messages"][1]["content"]
    checks = {check: _verdict(check, prompt) for check in schema["checks"]["properties"]}
    no_talk = {"present": "no", "sentences": []}
    content = {"grader_talk": no_talk, "checks": checks, "follow_up": "What then?", "outline": "Say how you did it."}
    return json.dumps(_completion_of(body, json.dumps({name: content[name] for name in schema})))


def prompt_of(body: dict[str, Any]) -> str:
    """Return the part of a request that holds the answer."""
    return str(body["messages"][1]["content"])


def _verdict(check: str, prompt: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{check}\0{prompt}".encode()).digest()[0]
    verdict = _VERDICTS[digest % 3]
    return {"reason": "as seen", "sentences": [] if verdict == "not_met" else [1], "verdict": verdict}


def _completion_of(body: dict[str, Any], content: str) -> dict[str, Any]:
    tokens = len(str(body["messages"])) // 4
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": len(content) // 4,
            "total_tokens": tokens + len(content) // 4,
            "prompt_tokens_details": {"cached_tokens": tokens // 2},
        },
    }


async def _read(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    body: dict[str, Any] = json.loads(await reader.readexactly(length))
    return body


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", "content-type: application/json", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _send_slowly(writer: asyncio.StreamWriter, reply: str, drip: bool) -> bool:
    """Send the first half and hang up; or everything, so slowly that the client's patience ends."""
    content = reply.encode()
    writer.write(_head(200, len(content), {}) + content[: len(content) // 2])
    await writer.drain()
    if drip:
        await asyncio.sleep(1.5)
        writer.write(content[len(content) // 2 :])
        await writer.drain()
        return True
    return False
