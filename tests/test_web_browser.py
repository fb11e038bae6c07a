"""The pages of ``coach web`` in a real browser: what a candidate sees and does, verdict by verdict."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from real_browser import MARKS, Come, address, at
from web_server import BETTER, GOOD, HeldJudge, by_words, running_site

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

QUESTION = "dicom-standard"
PAGE = f"/questions/{QUESTION}"


@pytest.fixture
def judge() -> HeldJudge:
    """A judge that holds nothing until a test says so."""
    return HeldJudge(by_words, free=True)


async def submit(page: Page, text: str) -> None:
    """Write an answer in the page that is open, and hand it in."""
    await page.get_by_label("Your").fill(text)
    await page.get_by_role("button", name="Get feedback").click()


async def test_from_the_first_visit_to_the_comparison(judge: HeldJudge, come: Come) -> None:
    """Choose, write, see the verdicts come, read the report, write again, and see what really changed."""
    async with running_site(judge) as site:
        page = (await come(site)).page
        await page.get_by_role("link", name="What is the DICOM standard").first.click()
        field = page.get_by_label("Your answer")
        await field.press_sequentially("One two three")
        await expect(page.locator("#count")).to_contain_text("3 words.")
        judge.free = False
        await submit(page, GOOD)
        status = page.get_by_role("status")
        await expect(status).to_have_text("Judging …")
        made = page.locator(".verdicts .earned")
        await expect(made).to_have_count(0)
        judge.go.release()
        await expect(made).to_have_count(1)
        await expect(page.locator("#sentence-1")).to_have_class("lit")
        judge.free = True
        await page.wait_for_url(at("/attempts/1"))
        await page.get_by_role("link", name="Try again").click()
        await expect(page.get_by_label("Your next version")).to_have_value(GOOD)
        await submit(page, BETTER)
        await page.wait_for_url(at("/attempts/2/compare"))
        await expect(page.get_by_role("heading", name="Gained")).to_be_visible()
        assert page.url == address(site, "/attempts/2/compare")
