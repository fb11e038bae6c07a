"""Sending the many requests of a batch through aiohttp, whose protocol parser is compiled.

The HTTP library that the openai package brings spends more time on a request than everything else in a batch does: with
this transport a batch reaches 0.96 of the requests a second of a bare loop that sends the same ones, without it 0.61
(`benchmarks/batch_throughput.py`, two processors, 64 in flight, a stub that answers at once). The openai package has an
aiohttp transport of its own, but that one reports a lost or refused connection as a time-out, and a batch must tell an
endpoint that is down from one that is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import getproxies

import httpx2

if TYPE_CHECKING:
    from aiohttp import ClientSession

#: Longest line and header of a response, in bytes; gateways send long ones.
_MAX_HEADER_BYTES = 65536


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends requests of an ``httpx2.AsyncClient`` with aiohttp, and reads each response to its end.

    Redirects, cookies, proxies and the environment's settings are left to the client. Failures are those of httpx2:
    ConnectError, ConnectTimeout, ReadTimeout, ReadError, RemoteProtocolError. Use it in one event loop.
    """

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raises httpx2.TransportError."""
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
        from yarl import URL

        if self._session is None:
            self._session = ClientSession(
                # What is in flight is limited by whoever sends.
                connector=TCPConnector(limit=0, ssl=httpx2.create_ssl_context()),
                cookie_jar=DummyCookieJar(),
                # The client decodes what the headers say is encoded.
                auto_decompress=False,
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
            )
        given = request.extensions.get("timeout", {})
        timeout = ClientTimeout(total=None, sock_connect=given.get("connect"), sock_read=given.get("read"))
        with _translated(request):
            async with self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread(),
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                stream = httpx2.ByteStream(await response.read())
                return httpx2.Response(response.status, headers=response.raw_headers, stream=stream, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def aiohttp_transport() -> AiohttpTransport | None:
    """Return a transport for many requests; None where a proxy is configured, which it would pass by."""
    return None if getproxies() else AiohttpTransport()


@contextmanager
def _translated(request: httpx2.Request) -> Iterator[None]:
    """Raise aiohttp's failures as those of httpx2."""
    import aiohttp

    # The first that fits: subclasses stand before their bases.
    kinds: list[tuple[type[Exception], type[httpx2.TransportError]]] = [
        (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
        (TimeoutError, httpx2.ReadTimeout),
        (aiohttp.InvalidURL, httpx2.UnsupportedProtocol),
        (aiohttp.ClientConnectorError, httpx2.ConnectError),
        (aiohttp.ServerDisconnectedError, httpx2.RemoteProtocolError),
        (aiohttp.ClientOSError, httpx2.ReadError),
        (aiohttp.ClientError, httpx2.RemoteProtocolError),
    ]
    try:
        yield
    except (aiohttp.ClientError, TimeoutError) as error:
        kind = next(kind for known, kind in kinds if isinstance(error, known))
        raise kind(str(error) or type(error).__name__, request=request) from error
