"""Many requests in flight use several pools, and connections are used again."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from coach.edges.connection_pools import PooledTransport, pooled_transport


class Slow(httpx2.AsyncBaseTransport):
    """Answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.most = self.under_way = self.seen = 0
        self.go = asyncio.Event()
        self.closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Wait, then answer or fail."""
        self.seen += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.go.wait()
            if request.url.path == "/fails":
                raise httpx2.ConnectError("gone", request=request)
            return httpx2.Response(200, text="yes")
        finally:
            self.under_way -= 1

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


def slow_pools(count: int) -> tuple[PooledTransport, list[Slow]]:
    """Return a transport whose pools are slow ones."""
    transport, pools = PooledTransport(count), [Slow() for _ in range(count)]
    transport._pools = list(pools)  # type: ignore[arg-type]
    return transport, pools


async def test_requests_are_spread_evenly() -> None:
    """No pool has more than its share under way, a failed request frees its place, and all pools are closed."""
    transport, pools = slow_pools(4)
    async with httpx2.AsyncClient(transport=transport) as client:
        for _ in range(2):
            for pool in pools:
                pool.go.clear()
            paths = ["fails"] * 3 + ["works"] * 9
            tasks = [asyncio.create_task(client.get(f"http://coach.test/{path}")) for path in paths]
            while sum(pool.under_way for pool in pools) < len(paths):
                await asyncio.sleep(0)
            for pool in pools:
                pool.go.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert [getattr(item, "text", None) for item in found] == [None] * 3 + ["yes"] * 9

    assert [(pool.most, pool.seen) for pool in pools] == [(3, 6)] * 4
    assert all(pool.closed for pool in pools)


def test_a_configured_proxy_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library looks up proxies only for a transport of its own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert pooled_transport() is not None

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    assert pooled_transport() is None
