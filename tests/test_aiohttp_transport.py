"""The transport of a batch: what arrives, and what every way to fail is called, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trustme

from coach.model.aiohttp_transport import AiohttpTransport, aiohttp_transport

#: Gets the whole request and may write what it likes; the connection is closed afterwards.
Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on a port of the loopback interface and yield the URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                await serve(head + body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def client(**settings: float) -> httpx2.AsyncClient:
    """Return a client with the transport."""
    timeout = httpx2.Timeout(settings.get("timeout", 5.0), connect=settings.get("connect", 5.0))
    return httpx2.AsyncClient(transport=AiohttpTransport(), timeout=timeout, follow_redirects=False)


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _answer(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b"yes"))


async def test_a_request_arrives_as_it_was_given() -> None:
    """Method, path with its escapes, headers and body are those of the client; nothing is added twice."""
    seen: list[bytes] = []

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(response(b'{"ok": 1}', "x-ratelimit-remaining-requests: 7"))

    async with serving(serve) as url, client() as sender:
        found = await sender.post(f"{url}/v1/a%2Fb?api-version=1%202", json={"a": "é"}, headers={"X-One": "1"})

    assert (found.status_code, found.json(), found.headers["x-ratelimit-remaining-requests"]) == (200, {"ok": 1}, "7")
    head, body = seen[0].split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    names = [line.split(":")[0].lower() for line in lines[1:]]
    assert lines[0] == "POST /v1/a%2Fb?api-version=1%202 HTTP/1.1"
    assert "x-one" in names
    assert sorted(names) == sorted(set(names))
    assert json.loads(body) == {"a": "é"}


async def test_connections_are_used_again_and_no_cookie_is_kept() -> None:
    """Requests after each other take one connection, and the server gets back nothing that it said."""
    connections, requests = set(), []

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername"))
        requests.append(request)
        writer.write(response(b"yes", "set-cookie: a=b"))

    async with serving(serve) as url, httpx2.AsyncClient(transport=AiohttpTransport()) as sender:
        for _ in range(3):
            sender.cookies.clear()
            await sender.post(url, content=b"x")

    assert len(connections) == 1
    assert [b"cookie" in request.lower() for request in requests] == [False] * 3


async def test_encoded_bodies_are_decoded_once_and_redirects_are_not_followed() -> None:
    """A gzipped body is readable; a redirect is returned as it came."""

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        if request.startswith(b"GET /gzip"):
            writer.write(response(gzip.compress(b"words"), "content-encoding: gzip"))
        else:
            writer.write(response(b"", "location: /gzip", status="307 Temporary Redirect"))

    async with serving(serve) as url, client() as sender:
        assert (await sender.get(f"{url}/gzip")).text == "words"
        assert (await sender.get(url)).status_code == 307


async def test_long_headers_of_a_gateway_are_read() -> None:
    """A header of thirty thousand bytes is no failure."""

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"yes", f"x-policy: {'a' * 30_000}"))

    async with serving(serve) as url, client() as sender:
        assert len((await sender.get(url)).headers["x-policy"]) == 30_000


async def _abort(request: bytes, writer: asyncio.StreamWriter) -> None:
    link = writer.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def _close(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _half(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


async def _nonsense(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")


async def _silence(request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3)


async def _half_and_silence(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await asyncio.sleep(3)


@pytest.mark.parametrize(
    ("serve", "kinds"),
    [
        (_abort, (httpx2.ReadError, httpx2.RemoteProtocolError)),
        (_close, (httpx2.RemoteProtocolError,)),
        (_half, (httpx2.RemoteProtocolError,)),
        (_nonsense, (httpx2.RemoteProtocolError,)),
        (_silence, (httpx2.ReadTimeout,)),
        (_half_and_silence, (httpx2.ReadTimeout,)),
    ],
)
async def test_a_lost_connection_is_no_time_out(serve: Serve, kinds: tuple[type[httpx2.TransportError], ...]) -> None:
    """Each way to fail has its own name, with the request and some words."""
    async with serving(serve) as url, client(timeout=0.5) as sender:
        with pytest.raises(httpx2.TransportError) as caught:
            await sender.post(url, content=b"{}")

    assert type(caught.value) in kinds
    assert str(caught.value)
    assert str(caught.value.request.url).rstrip("/") == url


async def test_a_refused_connection_is_a_connect_error() -> None:
    """Nobody listens: not a time-out either."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with client() as sender:
        with pytest.raises(httpx2.ConnectError):
            await sender.post(f"http://127.0.0.1:{port}/", content=b"{}")


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_is_checked(trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS trusts whom the HTTP library trusts, which takes SSL_CERT_FILE into account, and nobody else."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    async with serving(_answer, context) as url, client() as sender:
        if trusted:
            assert (await sender.get(url)).text == "yes"
        else:
            with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate"):
                await sender.get(url)


async def test_closing_ends_the_connections() -> None:
    """After the client is closed the server sees the end; a transport that never sent can be closed too."""
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(await reader.readuntil(b"\r\n\r\n"), writer)
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, client() as sender:
        await sender.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await sender.aclose()
        await asyncio.wait_for(ended.wait(), 5)
    await AiohttpTransport().aclose()


def test_a_configured_proxy_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP library looks up proxies only for a transport of its own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert aiohttp_transport() is not None

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    assert aiohttp_transport() is None
