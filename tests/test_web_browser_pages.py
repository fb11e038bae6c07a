"""Every page of ``coach web`` in a real browser: accessible in both color schemes, on a phone and on a wide window."""

from __future__ import annotations

import asyncio
from pathlib import Path

from assessment_factory import shipped_bank
from batch_pages import batch_in
from calibration_cases import full_report
from playwright.async_api import Page, ViewportSize
from real_browser import MARKS, Come, Visitor, address, at, sticks_out, violations
from scripted_judge import ScriptedJudge
from web_server import BETTER, GOOD, PLAIN, HeldJudge, ScriptedEngine, by_words, running_site

from coach.calibrate.marks import keep_report
from coach.errors import ModelConnectionError
from coach.web.app import make_app
from coach.web.guard import Guard
from coach.web.site import Site

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

QUESTION = "dicom-standard"
PAGE = f"/questions/{QUESTION}"
PHONE: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1280, "height": 800}
#: What a browser is given that no person reads as a page of the site.
NO_PAGES = {
    "/favicon.ico",
    # Leads on at once.
    "/open",
    "/static/{name}",
    "/questions/{id}/draft",
    "/judging/{id}/state",
    "/judging/{id}/events",
    r"/attempts/{number}/report.{kind}",
    "/judging/{id}/report.{kind}",
    "/batches/{number}/export.{kind}",
}
#: The pages that are looked at, by their routes.
SEEN = {
    "/",
    "/questions/{id}",
    "/judging/{id}",
    "/attempts/{number}",
    "/attempts/{number}/compare",
    "/attempts/{number}/follow-up",
    "/judging/{id}/report",
    "/history",
    "/batches/{number}",
    "/batches/{number}/row",
    "/batches/{number}/agreement",
    "/batches/{number}/calibration",
}


async def test_no_page_is_forgotten() -> None:
    """Who adds a page lets it be looked at here."""
    bank = shipped_bank()
    site = Site(bank, ScriptedEngine(bank, ScriptedJudge(by_words)), Guard(1), batches=[Path("a-batch")])
    routes = make_app(site).router.routes()
    pages = {
        route.resource.canonical.removeprefix(site.guard.prefix)
        for route in routes
        if route.method == "GET" and route.resource
    }

    assert pages - NO_PAGES == SEEN


async def look(page: Page) -> None:
    """Judge the page that is open: both color schemes, both widths."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size(PHONE if scheme == "light" else WIDE)
        # The scheme changes colors, and nothing else.
        rules = {} if scheme == "light" else {"runOnly": ["color-contrast", "link-in-text-block"]}
        assert await violations(page, **rules) == [], f"{page.url} {scheme}"
        assert await sticks_out(page) == [], f"{page.url} {scheme}"


async def submit(page: Page, site: Site, text: str) -> None:
    """Hand in an answer to the question."""
    await page.goto(address(site, f"{PAGE}?draft="))
    await page.get_by_label("Your answer").fill(text)
    await page.get_by_role("button", name="Get feedback").click()


async def test_pages_to_practise_in(come: Come) -> None:
    """From an empty home to a full one, with every state of an answer on its way."""
    judge = HeldJudge(by_words)
    async with running_site(judge) as site:
        visitor = await come(site)
        page = visitor.page
        await look(page)
        await page.goto(address(site, PAGE))
        await page.get_by_text("Why it is asked").click()
        await look(page)
        await submit(page, site, GOOD)
        judge.go.release()
        await page.locator(".verdicts .earned").wait_for()
        await look(page)
        other = await page.context.new_page()
        await submit(other, site, PLAIN)
        await other.get_by_text("Waiting: 1 before this one").wait_for()
        await look(other)
        await other.get_by_role("button", name="Stop").click()
        await other.get_by_label("Your answer").wait_for()
        await other.go_back()
        await other.get_by_role("alert").wait_for()
        await look(other)
        judge.free = True
        await page.wait_for_url(at("/attempts/1"))
        judge.failure = ModelConnectionError("no connection to the model", "Start the server.")
        await submit(page, site, BETTER)
        await page.get_by_text("no connection to the model").wait_for()
        await look(page)
        await page.goto(address(site, "/nothing"))
        await look(page)
        assert len(visitor.take_problems()) == 1


async def test_pages_of_a_batch(come: Come, tmp_path: Path) -> None:
    """The table, answers that were graded, marked, hidden or failed, and both reports on agreement."""
    directory = batch_in(tmp_path / "answers")
    async with running_site(batches=[directory]) as site:
        page = (await come(site)).page
        for path in ("?show=review&blind=1", "?search=nobody", "/agreement", "/row?id=row/6&blind=1", "/row?id=row/3"):
            await page.goto(address(site, f"/batches/0{path}"))
            await look(page)
        for row, score in ((0, "80"), (1, "20"), (2, "50")):
            await page.goto(address(site, f"/batches/0/row?id=row/{row}"))
            await page.get_by_label("Mark, 0 to 100").fill(score)
            await page.get_by_role("button", name="Save", exact=True).click()
            await page.get_by_role("button", name="Take my mark away").wait_for()
        keep_report(directory, full_report())
        for path in ("/row?id=row/2", "", "/agreement", "/calibration"):
            await page.goto(address(site, f"/batches/0{path}"))
            await look(page)


async def test_faults_of_a_page_are_noticed(come: Come) -> None:
    """What these tests rely on: messages, refused styles and scripts, failing scripts, contrast, width."""
    async with running_site() as site:
        visitor = await come(site)
        page = visitor.page
        for script, noted in {
            "console.error('broken')": "console: broken",
            "document.body.setAttribute('style', 'color: red')": "Content Security Policy",
            "document.body.innerHTML = '<b>x</b>'": "TrustedHTML",
            "setTimeout(() => undefinedName(), 0)": "undefinedName",
            "fetch('http://elsewhere.test/')": "Content Security Policy",
            "alert('hello')": "dialog: alert hello",
        }.items():
            await page.evaluate(f"() => {{ try {{ void ({script}); }} catch (error) {{ }} }}")
            await expect_problem(visitor, noted)
        await page.evaluate("() => { document.querySelector('h1').style.color = '#eee'; }")
        assert [line for line in await violations(page) if line.startswith("color-contrast")]
        await page.evaluate("() => { document.querySelector('h1').style.width = '3000px'; }")
        assert await sticks_out(page)


async def expect_problem(visitor: Visitor, noted: str) -> None:
    """Wait until something that went wrong says this, and forget it."""
    for _ in range(500):
        if any(noted in problem for problem in visitor.problems):
            visitor.take_problems()
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{noted} is not noted: {visitor.problems}")


async def test_pages_to_read(come: Come) -> None:
    """Reports, follow-up questions, comparisons and the history."""
    judge = HeldJudge(by_words, free=True)
    async with running_site(judge) as site:
        page = (await come(site)).page
        await page.goto(address(site, "/history"))
        await look(page)
        for text in (GOOD, BETTER, PLAIN):
            await submit(page, site, text)
            await page.wait_for_url(at(r"/attempts/\d(/compare)?"))
        await look(page)
        await page.goto(address(site, "/attempts/2"))
        await page.get_by_text("Keep or delete").click()
        await look(page)
        await page.get_by_label("Your answer to it").fill(BETTER)
        await page.get_by_role("button", name="Get feedback on it").click()
        await page.wait_for_url(at("/attempts/2/follow-up"))
        await look(page)
        for path in (f"{PAGE}?from=2&step=own-example", "/history", f"/history?question={QUESTION}", "/"):
            await page.goto(address(site, path))
            await look(page)
