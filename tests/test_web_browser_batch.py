"""The pages of a large batch in a real browser: find, read, mark, and let `coach calibrate` read the marks."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
from batch_pages import large_batch_in
from gold_factory import assessor
from playwright.async_api import Page, expect
from real_browser import MARKS, Come, Visitor, address
from scripted_judge import ScriptedJudge, open_scripted
from typer.testing import CliRunner
from web_server import by_words, running_site

from coach.calibrate.marks import NAME, read_marks
from coach.cli.calibrate import calibrate_command
from coach.judge.judging import Verdict

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

ROWS = 10_000


def asked(page: Page) -> dict[str, str]:
    """Return what the address of a page asks for."""
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


async def test_ten_thousand_rows_are_reviewed_and_calibrate_reads_the_marks(
    come: Come, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters stand in the address, keys lead on, and no page of the table takes long."""
    directory = large_batch_in(tmp_path / "answers", ROWS)
    async with running_site(batches=[directory]) as site:
        page = (await come(site)).page
        await page.get_by_role("link", name="Batch answers").click()
        await expect(page.get_by_text("10,000 of 10,000 answers graded")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(50)
        await page.get_by_label("Show").select_option("To be reviewed")
        await page.get_by_label("Order").select_option("Most doubtful first")
        await page.get_by_label("Text or name").fill("copy 12")
        await page.get_by_role("button", name="Show").click()
        filtered = asked(page)
        assert filtered == {"search": "copy 12", "show": "review", "order": "doubt"}
        rows = page.locator("tbody th a")
        names = await rows.all_inner_texts()
        await rows.first.click()
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text(names[0])
        await page.keyboard.press("n")
        await expect(heading).to_have_text(names[1])
        await page.keyboard.press("p")
        await expect(heading).to_have_text(names[0])
        assert filtered.items() <= asked(page).items()

        for number, score in enumerate((20, 45, 62.5, 90)):
            await expect(heading).to_have_text(names[number])
            await page.get_by_label("Mark, 0 to 100").fill(str(score))
            # Who types is not led away.
            await page.get_by_label("Comment").press_sequentially("no plan, nor")
            await page.locator("#point-transfer-services").get_by_label("partly").check()
            await page.get_by_label("Comment").press("Control+Enter")
        await page.get_by_role("link", name="The table").click()
        await page.go_back()
        await page.go_forward()
        assert asked(page) == filtered
        await page.goto(address(site, "/batches/0/agreement"))
        await expect(page.locator(".report")).to_contain_text("4 answers")
        await page.locator("svg a").first.click()
        await expect(page.get_by_label("Comment")).to_have_value("no plan, nor")
        began = time.process_time()
        for query in ("?page=180&order=apart", "?search=person+007", "?show=unmarked&order=weakest"):
            await page.goto(address(site, f"/batches/0{query}"))
        # The processor's time: other programs may have the machine.
        assert time.process_time() - began < 3

    marks = list(read_marks(directory).values())
    assert [mark.score for mark in marks] == [20, 45, 62.5, 90]
    assert {mark.verdicts["transfer-services"] for mark in marks} == {Verdict.PARTLY}
    open_scripted(monkeypatch, lambda bank: assessor(ScriptedJudge(by_words), bank))
    app = typer.Typer()
    app.command()(calibrate_command)
    arguments = [str(directory / NAME), "--scale", "0", "100", "--json", "--quiet"]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, catch_exceptions=False)
    report = json.loads(result.stdout)
    assert report["judged"] == 4
    assert [pair["human"] for pair in sorted(report["pairs"], key=lambda pair: pair["line"])] == [20, 45, 62.5, 90]


async def test_the_keys_can_be_switched_off_and_a_mark_is_not_lost_by_chance(come: Come, tmp_path: Path) -> None:
    """Single keys do nothing then; who leaves a mark that was not saved is asked."""
    directory = large_batch_in(tmp_path / "answers", 20)
    async with running_site(batches=[directory]) as site:
        visitor: Visitor = await come(site)
        page = visitor.page
        heading = page.get_by_role("heading", level=1)
        await page.goto(address(site, "/batches/0/row?id=row/6"))
        await page.get_by_role("link", name="Turn the keys n and p off").click()
        await expect(page.get_by_role("link", name="Turn the keys n and p on")).to_be_visible()
        await page.keyboard.press("n")
        await page.get_by_label("Mark, 0 to 100").fill("50")
        await expect(heading).to_have_text("Person 006")
        await page.get_by_role("link", name="Next").click()
        await expect(heading).to_have_text("Person 009")

        assert [problem.split()[:2] for problem in visitor.take_problems()] == [["dialog:", "beforeunload"]]


async def test_a_phone_shows_the_table_and_an_answer(come: Come, tmp_path: Path) -> None:
    """Without a script too, from the table to a mark."""
    directory = large_batch_in(tmp_path / "answers", 20)
    async with running_site(batches=[directory]) as site:
        page = (await come(site, viewport={"width": 320, "height": 640}, java_script_enabled=False)).page
        await page.goto(address(site, "/batches/0?show=review"))
        await page.locator("tbody th a").first.click()
        await page.get_by_label("Mark, 0 to 100").fill("70")
        await page.get_by_role("button", name="Save and go on").click()

        await expect(page.get_by_role("heading", level=1)).to_have_text("Person 006")
        assert [mark.score for mark in read_marks(directory).values()] == [70]
