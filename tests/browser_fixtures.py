"""A real browser and the people who use it.

Use them in a test module with ``pytest_plugins = ("browser_fixtures",)``. Every test fails on what a page writes to the
console, on a script that fails, and on what the page's own policy refuses.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from real_browser import ARGUMENTS, Come, Visitor, enter, find_browser

from coach.web.site import Site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests. Without one the tests are skipped, but not on the server that has the last word."""
    path = find_browser()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "needs a browser: apt-get install chromium-headless-shell, or COACH_TEST_BROWSER=/path/of/chromium"
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def come(chromium: Browser) -> AsyncIterator[Come]:
    """Let people come to the pages; afterwards nothing may have gone wrong in any of their browsers."""
    visitors: list[Visitor] = []

    async def arrive(site: Site | None = None, **options: Any) -> Visitor:
        context = await chromium.new_context(**options)
        context.set_default_timeout(60_000)
        visitor = Visitor(context, await context.new_page())
        visitor.listen()
        visitors.append(visitor)
        if site is not None:
            await enter(visitor.page, site)
        return visitor

    yield arrive
    for visitor in visitors:
        await visitor.context.close()
    assert [problem for visitor in visitors for problem in visitor.problems] == []
