"""The pages of ``coach web`` in a real browser: what a candidate sees and does, verdict by verdict."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from assessment_factory import shipped_bank
from playwright.async_api import Page, expect
from real_browser import MARKS, Come, Visitor, address, at, kept, sticks_out
from web_server import BETTER, GOOD, PLAIN, HeldJudge, by_words, running_site

from coach.history.store import HistoryStore
from coach.web.drafts import drafts_of
from coach.web.site import Site

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

QUESTION = "dicom-standard"
PAGE = f"/questions/{QUESTION}"


@pytest.fixture
def judge() -> HeldJudge:
    """A judge that holds nothing until a test says so."""
    return HeldJudge(by_words, free=True)


@pytest_asyncio.fixture(loop_scope="session")
async def site(judge: HeldJudge) -> AsyncIterator[Site]:
    """The pages, which nobody has used yet."""
    async with running_site(judge) as running:
        yield running
        judge.free = True


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(site: Site, come: Come) -> Visitor:
    """Somebody who has come to the pages."""
    return await come(site)


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The page that is open."""
    return visitor.page


async def submit(page: Page, text: str) -> None:
    """Write an answer in the page that is open, and hand it in."""
    await page.get_by_label("Your").fill(text)
    await page.get_by_role("button", name="Get feedback").click()


async def answer(page: Page, site: Site, *texts: str) -> None:
    """Hand in answers, one after the other, and wait for their reports."""
    for text in texts:
        await page.goto(address(site, PAGE))
        await submit(page, text)
        await page.wait_for_url(at(r"/attempts/\d+(/compare)?"))


async def test_from_the_first_visit_to_the_comparison(site: Site, page: Page, judge: HeldJudge) -> None:
    """Choose, write, see the verdicts come, read the report, write again, and see what really changed."""
    await page.get_by_role("link", name="What is the DICOM standard").first.click()
    await page.get_by_label("Your answer").press_sequentially("One two three")
    await expect(page.locator("#count")).to_contain_text("3 words.")
    judge.free = False
    await submit(page, GOOD)
    status, made = page.get_by_role("status"), page.locator(".verdicts .earned")
    await expect(status).to_have_text("Judging …")
    await expect(made).to_have_count(0)
    judge.go.release()
    await expect(made).to_have_count(1)
    await expect(page.locator("#sentence-1")).to_have_class("lit")
    judge.free = True

    await page.wait_for_url(at("/attempts/1"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("What is the DICOM standard")
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_label("Your next version")).to_have_value(GOOD)
    await submit(page, BETTER)
    await page.wait_for_url(at("/attempts/2/compare"))
    await expect(page.get_by_role("heading", name="Gained")).to_be_visible()


async def test_a_reload_resumes_where_the_judging_is(page: Page, site: Site, judge: HeldJudge) -> None:
    """Verdicts that were made are there again, and so is what was ticked; the next ones arrive."""
    judge.free = False
    await page.goto(address(site, PAGE))
    await submit(page, BETTER)
    judge.go.release()
    made, open_ones = page.locator(".verdicts .earned"), page.locator(".verdicts .open")
    await expect(made).to_have_count(1)
    ticked = open_ones.first.get_by_label("I left this out")
    async with page.expect_response(lambda response: response.url.endswith("/left-out")):
        await ticked.check()
    before = await open_ones.count()
    await page.reload()

    await expect(made).to_have_count(1)
    await expect(ticked).to_be_checked()
    assert await open_ones.count() == before
    judge.go.release()
    await expect(open_ones).to_have_count(before - 1)
    judge.free = True
    await page.wait_for_url(at("/attempts/1"))
    await expect(page.get_by_role("heading", name="What you thought you left out")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("Your answer")).to_be_visible()


async def test_stop_works_at_once_and_keeps_the_text(page: Page, site: Site, judge: HeldJudge) -> None:
    """The page to write in comes back with every word; a tab that watched says what happened."""
    judge.free = False
    await page.goto(address(site, PAGE))
    await submit(page, GOOD)
    await page.wait_for_url(at("/judging/[0-9a-f]+"))
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_role("status")).to_have_text("Judging …")
    await page.get_by_role("button", name="Stop").click()

    await expect(page.get_by_label("Your answer")).to_have_value(GOOD)
    await expect(other.get_by_role("alert")).to_contain_text("The judging was stopped")
    await other.get_by_role("link", name="Back to my text").click()
    await expect(other.get_by_label("Your answer")).to_have_value(GOOD)


async def test_a_second_tab_sees_its_place_in_line(page: Page, site: Site, judge: HeldJudge) -> None:
    """It is told how many come before, and its turn comes without a hand."""
    judge.free = False
    tabs = [page, *[await page.context.new_page() for _ in range(2)]]
    for tab, text in zip(tabs, (GOOD, BETTER, PLAIN), strict=True):
        await tab.goto(address(site, f"{PAGE}?draft="))
        await submit(tab, text)
        await tab.wait_for_url(at("/judging/[0-9a-f]+"))
    lines = [tab.get_by_role("status") for tab in tabs]
    for line, told in zip(
        lines, ("Judging …", "Waiting: 1 before this one", "Waiting: 2 before this one"), strict=True
    ):
        await expect(line).to_have_text(told)
    await tabs[0].get_by_role("button", name="Stop").click()

    await expect(lines[1]).to_have_text("Judging …")
    await expect(lines[2]).to_have_text("Waiting: 1 before this one")
    judge.free = True
    await tabs[2].wait_for_url(at("/attempts/2/compare"))
    await tabs[1].wait_for_url(at("/attempts/1"))


async def test_twenty_tabs_on_one_judging_all_arrive(page: Page, site: Site, judge: HeldJudge) -> None:
    """A browser opens six connections to a server; tabs that only watch leave room for the others."""
    judge.free = False
    await page.goto(address(site, PAGE))
    await submit(page, GOOD)
    await page.wait_for_url(at("/judging/[0-9a-f]+"))
    tabs = [await page.context.new_page() for _ in range(19)]
    for tab in tabs:
        await tab.goto(page.url)
    await tabs[-1].goto(address(site, "/history"))
    await expect(tabs[-1].get_by_text("No attempts yet")).to_be_visible()
    await tabs[-1].goto(page.url)
    judge.free = True
    for tab in (page, *tabs):
        await tab.wait_for_url(at("/attempts/1"))


async def test_what_is_typed_is_kept_while_typing_and_on_leaving(page: Page, site: Site) -> None:
    """A second after the last key, and at once when the page goes away; the next visit has it back."""
    await page.goto(address(site, PAGE))
    field = page.get_by_label("Your answer")
    await field.press_sequentially("Kept by waiting")
    await kept(QUESTION, "Kept by waiting")
    await field.press_sequentially(" and by leaving")
    await page.get_by_role("link", name="History").click()
    await kept(QUESTION, "Kept by waiting and by leaving")

    await page.goto(address(site, "/"))
    await expect(page.get_by_text("draft waiting")).to_be_visible()
    await page.goto(address(site, PAGE))
    await expect(field).to_have_value("Kept by waiting and by leaving")
    assert len(drafts_of(QUESTION)) == 1
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0


async def test_two_tabs_on_one_question_keep_both_texts(page: Page, site: Site) -> None:
    """Neither writes over the other; a third visit offers both."""
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto(address(site, PAGE))
    await page.get_by_label("Your answer").fill("From the first tab")
    await kept(QUESTION, "From the first tab")
    await other.get_by_label("Your answer").fill("From the second tab")
    await kept(QUESTION, "From the second tab")
    await page.get_by_label("Your answer").fill("From the first tab, and on")
    await kept(QUESTION, "From the first tab, and on")

    await other.reload()
    await expect(other.get_by_label("Your answer")).to_have_value("From the first tab, and on")
    await expect(other.get_by_text("Another draft")).to_be_visible()
    assert {draft.text for draft in drafts_of(QUESTION)} == {"From the first tab, and on", "From the second tab"}


async def test_a_text_that_is_too_long_to_be_kept_says_so(page: Page, visitor: Visitor, site: Site) -> None:
    """It stays in the page, and is told apart from a server that is gone."""
    await page.goto(address(site, PAGE))
    await page.get_by_label("Your answer").fill("word " * 60_000)

    await expect(page.locator("#saved")).to_contain_text("too long")
    assert ["413" in problem for problem in visitor.take_problems()] == [True]
    await page.get_by_label("Your answer").fill("Short again")
    await kept(QUESTION, "Short again")
    await expect(page.locator("#saved")).to_be_empty()


async def test_from_home_to_the_report_by_keyboard_alone(page: Page, site: Site) -> None:
    """Few keys, the focus always seen, and marks and points lit up for each other."""

    async def tab_to(text: str, most: int = 12) -> None:
        for _ in range(most):
            await page.keyboard.press("Tab")
            focused = await page.evaluate(
                """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [e.id + " " + e.textContent, s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2]; }"""
            )
            if text in focused[0]:
                assert focused[1], "the focus is not seen"
                return
        raise AssertionError(f"{most} keys do not lead to {text}")

    await tab_to("Skip to content", most=1)
    await page.keyboard.press("Enter")
    await tab_to("Answer it", most=1)
    await page.keyboard.press("Enter")
    await page.wait_for_url(at(PAGE))
    await tab_to("answer")
    await page.keyboard.type(BETTER)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url(at("/attempts/1"))
    await tab_to("Try again")
    await tab_to("Keep or delete")
    lit = page.locator(".report li.lit")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await lit.count():
            break
    await expect(page.locator(".report mark.lit")).not_to_have_count(0)
    await page.keyboard.press("Enter")
    assert "#point-" in page.url


async def test_marks_and_points_light_each_other_up(page: Page, site: Site) -> None:
    """By the pointer, both ways."""
    await answer(page, site, BETTER)
    point, mark = page.locator("#point-file-and-network"), page.locator('mark[data-points~="file-and-network"]').first
    await mark.hover()
    await expect(point).to_have_class("earned lit")
    await point.hover()
    await expect(mark).to_have_class(re.compile(r"\blit\b"))
    await page.get_by_role("heading", level=1).hover()
    await expect(point).to_have_class("earned")


async def test_write_it_now_puts_the_caret_there_and_inserts_nothing(page: Page, site: Site) -> None:
    """The step stands beside the text and is lit; what is written goes where it belongs."""
    await answer(page, site, GOOD)
    await page.get_by_role("link", name="Write it now").first.click()
    field = page.get_by_label("Your next version")

    await expect(field).to_have_value(GOOD)
    await expect(field).to_be_focused()
    await expect(page.locator(".steps li.lit")).to_be_visible()
    await page.keyboard.type("X")
    text = await field.input_value()
    assert text.replace("X", "", 1) == GOOD
    assert text[text.index("X") - 1] in ".!?"


async def test_a_lost_sentence_is_put_back(page: Page, site: Site) -> None:
    """What was lost stands first; a button puts it into the next version."""
    await answer(page, site, GOOD, PLAIN)
    await expect(page.get_by_role("heading", name="Lost: put this back first")).to_be_visible()
    await page.get_by_role("button", name="Put it back").first.click()

    await expect(page.get_by_label("Your next version")).to_have_value(f"{PLAIN} {GOOD.partition(' I sent')[0]}")


async def test_the_follow_up_question_is_answered_and_judged(page: Page, site: Site) -> None:
    """In its own box on the report; its text is kept as it is typed."""
    await answer(page, site, GOOD)
    field = page.get_by_label("Your answer to it")
    await field.fill("I would say")
    await page.reload()
    await expect(field).to_have_value("I would say")
    await field.fill(BETTER)
    await page.get_by_role("button", name="Get feedback on it").click()

    await page.wait_for_url(at("/attempts/1/follow-up"))
    await expect(page.locator(".report")).to_contain_text("C-STORE")


async def test_delete_really_deletes(page: Page, site: Site) -> None:
    """Two presses, so that nobody does it by chance; the address leads nowhere afterwards."""
    await answer(page, site, GOOD)
    await page.get_by_text("Keep or delete").click()
    await page.get_by_role("button", name="Delete attempt 1 for good").click()

    await page.wait_for_url(at("/history"))
    await expect(page.get_by_text("No attempts yet")).to_be_visible()
    with HistoryStore.open() as store:
        assert store.count() == 0


async def test_a_report_can_be_taken_away_and_printed(page: Page, site: Site, visitor: Visitor, tmp_path: Path) -> None:
    """The file needs nothing else, and shows without a fault; paper has no buttons."""
    await answer(page, site, BETTER)
    await page.get_by_text("Keep or delete").click()
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Download as HTML").click()
    file = tmp_path / "report.html"
    await (await coming.value).save_as(file)
    await page.emulate_media(media="print")
    for gone in ("nav.pages", ".tools", "#follow-up form", ".write"):
        await expect(page.locator(gone).first).to_be_hidden()
    await expect(page.locator(".report mark").first).to_be_visible()

    await page.goto(file.as_uri())
    await expect(page.locator("mark").first).to_be_visible()


async def test_without_scripts_from_the_question_to_the_comparison(site: Site, come: Come, judge: HeldJudge) -> None:
    """Links, forms and a page that loads itself again lead all the way."""
    page = (await come(site, java_script_enabled=False)).page
    judge.free = False
    await page.get_by_role("link", name="What is the DICOM standard").first.click()
    await submit(page, GOOD)
    await expect(page.get_by_role("status")).to_have_text("Judging …")
    for control in await page.locator(".script").all():
        await expect(control).to_be_hidden()
    judge.free = True
    await page.wait_for_url(at("/attempts/1"))
    await page.get_by_role("link", name="Try again").click()
    await submit(page, BETTER)
    await page.wait_for_url(at("/attempts/2/compare"))


async def test_a_screen_reader_is_told_little_while_judging(page: Page, site: Site, judge: HeldJudge) -> None:
    """One short line a criterion, not one a check."""
    judge.free = False
    await page.goto(address(site, PAGE))
    await submit(page, BETTER)
    await expect(page.get_by_role("status")).to_have_text("Judging …")
    told: list[str] = []
    await page.expose_function("note", lambda text: told.append(text))
    await page.evaluate(
        """() => new MutationObserver(() => note(document.getElementById("status").textContent))
        .observe(document.getElementById("status"), {childList: true})"""
    )
    checks = await page.locator(".verdicts li").count()
    for _ in range(2 * checks):
        judge.go.release()
    await page.wait_for_url(at("/attempts/1"))

    assert 2 <= len(told) <= 6 < checks
    assert any("points made" in line for line in told)


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)"></textarea><svg onload=alert(3)> {{ 7*7 }} '
    f"&lt;b&gt; \u202eright to left\u202c \x1b[31mred\x1b[0m javascript:alert(4). {BETTER}"
)


async def test_an_answer_is_data_on_every_page(page: Page, site: Site, judge: HeldJudge) -> None:
    """No script of it runs, no element of it is made, and every character stands there as it was typed."""
    judge.free = False
    await page.goto(address(site, PAGE))
    await submit(page, HOSTILE)
    shown = page.locator(".answer")
    await expect(shown).to_contain_text("<script>alert(1)</script><img src=x")
    judge.go.release()
    await expect(page.locator(".answer .lit").first).to_be_visible()
    judge.free = True
    await page.wait_for_url(at("/attempts/1"))
    await page.get_by_label("Your answer to it").fill(HOSTILE)
    await page.get_by_role("button", name="Get feedback on it").click()
    await page.wait_for_url(at("/attempts/1/follow-up"))
    await answer(page, site, f"{HOSTILE} More.")
    for path in (f"{PAGE}?from=1", "/attempts/1", "/attempts/2/compare", "/attempts/1/follow-up", "/history", "/"):
        await page.goto(address(site, path))
        assert await page.locator("img, main script, .report svg[onload]").count() == 0
        assert await page.locator("b", has_text="right to left").count() == 0


async def test_an_answer_from_right_to_left_is_shown_so(page: Page, site: Site) -> None:
    """In the field, while it is judged and in the report."""
    hebrew = "אני עובד עם DICOM כבר חמש שנים. " * 6
    await page.goto(address(site, PAGE))
    await submit(page, hebrew)
    await page.wait_for_url(at("/attempts/1"))
    direction = "e => getComputedStyle(e).direction"
    assert await page.locator(".answer").first.evaluate(direction) == "rtl"
    await page.goto(address(site, f"{PAGE}?from=1"))
    assert await page.get_by_label("Your next version").evaluate(direction) == "rtl"


@pytest.mark.parametrize("text", [(GOOD + " ") * 86, "x" * 10_000], ids=["sentences", "one word"])
async def test_ten_thousand_characters_fit_on_a_phone(site: Site, come: Come, text: str) -> None:
    """Nothing is wider than the window, whatever is in the answer."""
    page = (await come(site, viewport={"width": 320, "height": 640})).page
    for _ in range(2):
        await answer(page, site, text)
        assert await sticks_out(page) == []
        text = f"{text} And more."
    await page.goto(address(site, "/attempts/1"))
    assert await sticks_out(page) == []


async def test_every_question_of_the_bank_can_be_chosen(page: Page, site: Site) -> None:
    """Home lists them all by category; the answer field never lets the browser send its text to a spell checker."""
    for question in shipped_bank().questions:
        await expect(page.locator(f'.questions a[href="{site.to(f"/questions/{question.id}")}"]')).to_have_text(
            question.text
        )
    await page.goto(address(site, PAGE))
    field = page.get_by_label("Your answer")
    assert await field.evaluate("e => [e.spellcheck, e.autocomplete, e.translate]") == [False, "off", False]
    await page.get_by_label("Let the browser check my spelling").check()
    assert await field.evaluate("e => e.spellcheck")
