"""``coach web`` as a program that is killed or ended, while a real browser has its pages open."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import expect
from real_browser import MARKS, Come, at, kept
from web_server import GOOD

from coach.web.drafts import drafts_of

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

QUESTION = "dicom-standard"
PROGRAM = "from coach.cli.app import main; main()"


@asynccontextmanager
async def program(port: int, model: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `coach web` with a model behind an address; yields the process and the printed link."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "web", "--port", str(port), "--no-browser",
        env={**os.environ, "OPENAI_BASE_URL": model, "COACH_MODEL": "small-model"},
        stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stderr
    try:
        link = ""
        while not link.startswith("http"):
            link = (await process.stderr.readline()).decode().strip()
        yield process, link
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


async def test_a_killed_server_loses_no_word(come: Come) -> None:
    """What was typed afterwards stays in the page, and is kept as soon as the coach runs again."""
    port = free_port()
    visitor = await come()
    page = visitor.page
    field, told = page.get_by_label("Your answer"), page.locator("#saved")
    async with program(port, "http://127.0.0.1:1/v1") as (process, link):
        await page.goto(link)
        await page.get_by_role("link", name="What is the DICOM standard").first.click()
        await field.press_sequentially("Typed before.")
        await kept(QUESTION, "Typed before.")
        process.kill()
        await process.wait()
    await field.press_sequentially(" Typed after.")
    await expect(told).to_contain_text("The coach does not answer")
    assert await page.evaluate("!dispatchEvent(new Event('beforeunload', {cancelable: true}))"), "nobody is asked"

    async with program(port, "http://127.0.0.1:1/v1") as (process, link):
        await expect(told).to_contain_text("Open its new link")
        anew = await page.context.new_page()
        await anew.goto(link)
        await kept(QUESTION, "Typed before. Typed after.")
        await expect(told).to_be_empty()
        await anew.get_by_role("link", name="What is the DICOM standard").first.click()
        await expect(anew.get_by_label("Your answer")).to_have_value("Typed before. Typed after.")
        assert await page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
        visitor.take_problems()


async def test_ctrl_c_ends_within_a_second_while_pages_watch(come: Come) -> None:
    """Open streams and an answer that is judged hold nothing up; the text is kept, and no page is told nonsense."""
    visitor = await come()
    page = visitor.page
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A model that takes the request and says nothing.
        model = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        seconds = []
        for _ in range(3):
            async with program(0, model) as (process, link):
                await page.goto(link)
                await page.get_by_role("link", name="What is the DICOM standard").first.click()
                await page.get_by_label("Your answer").fill(GOOD)
                async with page.expect_response(lambda response: "/events" in response.url):
                    await page.get_by_role("button", name="Get feedback").click()
                await page.wait_for_url(at("/judging/[0-9a-f]+"))
                began = time.monotonic()
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 0
                seconds.append(time.monotonic() - began)
                assert process.stderr
                assert (await process.stderr.read()).decode() == ""
            await expect(page.get_by_role("status")).to_contain_text("The coach does not answer")
            assert GOOD in [draft.text for draft in drafts_of(QUESTION)]
            # Other programs may have the machine: then it is tried again.
            if seconds[-1] < 1:
                break
        visitor.take_problems()

    assert min(seconds) < 1, seconds
