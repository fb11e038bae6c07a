"""Take the pictures of the README: an answer that is tried again, and its report, in a real browser.

    python scripts/take_screenshots.py [DIRECTORY]

Has the example answer judged by the embedded model, as anybody would with `coach submit`, and looks at it with
`coach web`. The attempt lies in DIRECTORY (default: one that is deleted afterwards); one that is there already is not
judged again. Needs the extras ``local`` and ``test``, and a browser: chromium-headless-shell, chromium, or the one that
COACH_TEST_BROWSER names.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "images"
QUESTION = "dicom-standard"
#: GitHub shows pictures up to about this width; larger files would only make the page slow.
WIDTH, MOST_BYTES = 1000, 150_000
COACH = (sys.executable, "-c", "from coach.cli.app import main; main()")


def judged() -> None:
    """Have the example answer judged, unless an attempt is there."""
    history = subprocess.run([*COACH, "history", "--json"], check=True, capture_output=True, cwd=ROOT)
    if json.loads(history.stdout)["total"] == 0:
        file = ROOT / "examples" / "answers" / f"{QUESTION}.md"
        # As somebody types it in a browser: lines end where the field does.
        answer = re.sub(r"(?<!\n)\n(?!\n)", " ", file.read_text(encoding="utf-8").strip())
        command = [*COACH, "submit", QUESTION, "-", "--model", "local", "--quiet"]
        subprocess.run(command, check=True, input=answer.encode(), stdout=subprocess.DEVNULL, cwd=ROOT)


@asynccontextmanager
async def pages() -> AsyncIterator[str]:
    """Run `coach web`; yields the link that it prints."""
    # What was judged is looked at without a model.
    environment = {**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    command = [*COACH, "web", "--model", "none", "--port", "0", "--no-browser"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env=environment)
    assert process.stderr
    async for line in process.stderr:
        if line.startswith(b"http"):
            yield line.decode().strip()
            process.terminate()
    await process.wait()


async def picture(page: Page, name: str, height: int) -> None:
    """Keep the top of a page as a picture."""
    await page.set_viewport_size({"width": WIDTH, "height": height})
    await page.evaluate("() => scrollTo(0, 0)")
    path = PICTURES / f"{name}.png"
    await page.screenshot(path=path, animations="disabled", caret="hide")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path} is larger than {MOST_BYTES // 1000} kB: take less of the page")


async def take() -> None:
    """Take both pictures."""
    browser_path = os.environ.get("COACH_TEST_BROWSER") or shutil.which("chromium-headless-shell")
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with pages() as link, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path or shutil.which("chromium"))
        page = await browser.new_page(color_scheme="light", reduced_motion="reduce")
        await page.goto(link)
        await page.get_by_role("link", name="History", exact=True).click()
        await page.locator("tbody th a").first.click()
        await picture(page, "report", 780)
        await page.get_by_role("link", name="Write it now").first.click()
        await page.get_by_label("Your next version").wait_for()
        await picture(page, "practise", 660)
        await browser.close()


def main() -> None:
    """Judge where needed, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COACH_DATA_DIR"] = str(Path(*sys.argv[1:2] or [folder]).resolve())
        judged()
        asyncio.run(take())


if __name__ == "__main__":
    main()
