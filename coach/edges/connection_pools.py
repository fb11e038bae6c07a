"""Spreading the connections to one server over several pools, for many requests in flight.

The HTTP library looks at every idle connection of a pool, with a system call each, whenever a request begins and when
it ends. With 64 connections that took a third of a batch's time; a few small pools look at few.
"""

from __future__ import annotations

from urllib.request import getproxies

import httpx2

POOLS = 16


class PooledTransport(httpx2.AsyncBaseTransport):
    """Sends each request by the pool that has the fewest requests under way."""

    def __init__(self, pools: int = POOLS) -> None:
        # One for all: reading the certificates takes longer than many requests.
        context = httpx2.create_ssl_context()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._pools = [httpx2.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(pools)]
        self._under_way = [0] * pools

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raises what the HTTP library raises."""
        index = min(range(len(self._pools)), key=self._under_way.__getitem__)
        self._under_way[index] += 1
        try:
            return await self._pools[index].handle_async_request(request)
        finally:
            self._under_way[index] -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.aclose()


def pooled_transport() -> PooledTransport | None:
    """Return a transport of several pools; None where a proxy is configured, which such a transport would pass by."""
    return None if getproxies() else PooledTransport()
