"""A real browser for tests of the pages: Debian's Chromium, driven by Playwright.

Use it in a test module with ``pytestmark = MARKS`` and the fixtures of ``browser_fixtures``.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, expect

from coach.web.drafts import drafts_of
from coach.web.site import Site

#: One browser for all tests, so they share a loop and a process.
MARKS = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: A name that leads to this machine, as one of an attacker may; all other names lead nowhere.
EVIL = "evil.test"
ARGUMENTS = [f"--host-resolver-rules=MAP {EVIL} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
#: What axe looks for: WCAG 2.2 at level AA, and what its makers call good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Other tests may have both processors.
expect.set_options(timeout=60_000)


def find_browser() -> str | None:
    """Return the path of a browser, if there is one; ``COACH_TEST_BROWSER`` names another."""
    return os.environ.get("COACH_TEST_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)


@dataclass
class Visitor:
    """Somebody with a browser of their own: a page, its context, and what went wrong in it."""

    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note what goes wrong from now on."""
        self.context.on("console", self._note_message)
        self.context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        self.context.on("requestfailed", self._note_request)
        self.context.on("dialog", self._note_dialog)

    def take_problems(self) -> list[str]:
        """Return what went wrong so far, and forget it: the test expected it."""
        taken, self.problems[:] = list(self.problems), []
        return taken

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(f"console: {message.text} {message.location['url']}")

    def _note_request(self, request: Request) -> None:
        # Whoever leaves a page ends what it was loading.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"request: {request.failure} {request.url}")

    async def _note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.type} {dialog.message}")
        await dialog.accept()


#: Opens a browser of its own, which came with the printed link, on the first page; options are those of a context.
Come = Callable[..., Awaitable[Visitor]]


async def enter(page: Page, site: Site) -> None:
    """Open the printed link and arrive at home."""
    await page.goto(site.guard.link)
    await page.wait_for_url(address(site, "/"))


def address(site: Site, path: str) -> str:
    """Return the whole address of a page."""
    return f"{origin(site)}{site.to(path)}"


def origin(site: Site) -> str:
    """Return scheme, name and port of a site."""
    return site.guard.link.partition("/open")[0]


def at(path: str) -> re.Pattern[str]:
    """Return a pattern for the address of a page, to wait for; ``path`` is a pattern too."""
    return re.compile(rf"/[0-9a-f]{{16}}{path}$")


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page, **options: Any) -> list[str]:
    """Return the rules of accessibility that a page breaks, and where."""
    await page.evaluate(_axe())
    found = await page.evaluate(
        "async (options) => (await axe.run(document, {resultTypes: ['violations'], ...options})).violations",
        {"runOnly": _RULES, **options},
    )
    return [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]]


async def sticks_out(page: Page) -> list[str]:
    """Return what makes a page wider than its window; empty when nothing has to be scrolled sideways."""
    found: list[str] = await page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [document.documentElement.scrollWidth + " wide", ...[...document.querySelectorAll("body *")]
          .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 120))]"""
    )
    return found


async def kept(question_id: str, text: str) -> None:
    """Wait until a draft for a question says this."""
    for _ in range(1000):
        if text in [draft.text for draft in drafts_of(question_id)]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError([draft.text for draft in drafts_of(question_id)])
