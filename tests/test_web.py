"""The way of a candidate through ``coach web``, over HTTP: write, be judged, read, try again, compare, delete."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import time
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from web_server import BETTER, GOOD, PLAIN, Browser, HeldJudge, ScriptedEngine, browser_of, by_words, running_site

from coach.answer.prepare import prepare_answer
from coach.bank.load import load_bank
from coach.errors import ModelConnectionError, StorageError
from coach.files import data_directory
from coach.history.store import HistoryStore, new_record
from coach.submit.assessment import Improvement
from coach.submit.feedback import checks_of_follow_up
from coach.web import line as web_line
from coach.web.drafts import drafts_of, keep_draft
from coach.web.results import caret_of, put_back

QUESTION = "dicom-standard"
PAGE = f"/questions/{QUESTION}"


@pytest.fixture
def judge() -> HeldJudge:
    """A judge that holds nothing until a test says so."""
    return HeldJudge(by_words, free=True)


@pytest.fixture
async def browser(judge: HeldJudge) -> AsyncIterator[Browser]:
    """A browser with the cookie, on pages that nobody has used yet."""
    async with running_site(judge) as site, browser_of(site) as opened:
        yield opened
        judge.free = True


def text_in(page: str) -> str:
    """Return what stands in the page's text area."""
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)
    assert found
    return unescape(found[1])


async def held(browser: Browser, judge: HeldJudge, answer: str = GOOD) -> str:
    """Hand in an answer whose judging waits; return the path of its page."""
    judge.free = False
    begun = judge.begun
    _, path = await browser.post(f"{PAGE}/attempts", answer=answer)
    for _ in range(2000):
        if judge.begun > begun:
            return path
        await asyncio.sleep(0.005)
    raise AssertionError("it is not judged at all")


async def events(browser: Browser, path: str, count: int, after: int = 0) -> list[tuple[int, str, dict[str, object]]]:
    """Return so many events of a stream."""
    found: list[tuple[int, str, dict[str, object]]] = []
    async with browser.client.get(browser.url(f"{path}/events?after={after}")) as response:
        assert response.content_type == "text/event-stream"
        fields: dict[str, str] = {}
        async for line in response.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            fields[name] = value
            if not line.strip() and "event" in fields:
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                fields = {}
                if len(found) == count:
                    break
    return found


async def test_from_the_first_answer_to_the_comparison_without_scripts(browser: Browser) -> None:
    """Links and forms alone lead from a question to the report, the next version and what it changed."""
    assert "Not answered yet" in await browser.get("/")
    assert text_in(await browser.get(PAGE)) == ""

    report, at = await browser.submit(GOOD)
    assert at == "/attempts/1"
    assert "DICOM covers the file format" in report
    assert 'id="point-file-and-network"' in report
    assert 'data-points="file-and-network"' in report

    again = await browser.get(f"{PAGE}?from=1&step=transfer-services")
    assert text_in(again) == GOOD
    assert 'class="steps"' in again

    compared, at = await browser.submit(BETTER)
    assert at == "/attempts/2/compare"
    assert compared.index("Gained") < compared.index("The text, old and new")
    assert "2 attempts" in await browser.get("/")


async def test_home_names_the_question_that_is_one_step_from_solid(judge: HeldJudge) -> None:
    """It is the latest answer that the largest step lifts over the threshold; without scores no number is told."""
    judge.script = lambda task, check: 0.32 if check.kind == "point" else 0.02
    async with running_site(judge, show_score=False) as site, browser_of(site) as browser:
        await browser.submit(GOOD)
        page = await browser.get("/")

    assert "One step from Solid" in page
    assert f"{PAGE}?from=1&amp;step=" in page
    assert "up to" not in page


@pytest.mark.parametrize(
    "path",
    ["/questions/nothing", "/attempts/7", "/attempts/7/report.md", "/judging/nothing", "/nothing", "/attempts/x"],
)
async def test_what_is_not_there_is_said_kindly(browser: Browser, path: str) -> None:
    """A page, not a trace."""
    page = await browser.get(path, status=404)

    assert "There is no such page" in page
    assert "Back to the questions" in page


async def test_an_empty_answer_is_refused(browser: Browser, judge: HeldJudge) -> None:
    """It comes back with a word on what to do."""
    page, _ = await browser.request("POST", f"{PAGE}/attempts", data={"answer": " \r\n"}, status=400)

    assert "Write an answer of a few sentences first." in page
    assert judge.begun == 0


async def test_what_is_too_short_is_not_judged(browser: Browser, judge: HeldJudge) -> None:
    """It has a report that says why, and no model is asked."""
    page, at = await browser.submit("I like it.")

    assert at == "/attempts/1"
    assert "Not scored" in page
    assert judge.begun == 0


async def test_a_draft_is_kept_private_until_its_attempt_is_saved(browser: Browser, judge: HeldJudge) -> None:
    """Every word is on the disk before the model is asked; afterwards no copy stays behind."""
    kept, _ = await browser.request("PUT", f"{PAGE}/draft", json={"draft": "", "text": "Half a", "base": ""})
    name = json.loads(kept)["draft"]
    await browser.request("PUT", f"{PAGE}/draft", json={"draft": name, "text": GOOD, "base": "Half a"})
    [file] = (data_directory() / "drafts").glob("*.md")
    page = await browser.get(PAGE)

    assert text_in(page) == GOOD
    assert "Your draft is back." in page
    assert "draft waiting" in await browser.get("/")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    path = await held(browser, judge, PLAIN)
    assert {draft.text for draft in drafts_of(QUESTION)} == {GOOD, PLAIN}
    judge.free = True
    await browser.arrive(path)
    await browser.submit(GOOD, draft=name)
    assert drafts_of(QUESTION) == []


async def test_two_pages_on_one_question_lose_no_word(browser: Browser) -> None:
    """What another page wrote in between is not written over."""
    first = json.loads(
        (await browser.request("PUT", f"{PAGE}/draft", json={"draft": "", "text": "one", "base": ""}))[0]
    )
    mine = {"draft": first["draft"], "text": "one two", "base": "one"}
    await browser.request("PUT", f"{PAGE}/draft", json=mine)
    theirs = {"draft": first["draft"], "text": "one three", "base": "one"}
    other = json.loads((await browser.request("PUT", f"{PAGE}/draft", json=theirs))[0])

    assert other["draft"] != first["draft"]
    assert {draft.text for draft in drafts_of(QUESTION)} == {"one two", "one three"}
    assert "Another draft" in await browser.get(PAGE)
    assert text_in(await browser.get(f"{PAGE}?draft={first['draft']}")) == "one two"


@pytest.mark.parametrize("name", ["../../x", "..", "/etc/passwd", "a-b", "x\0y", ""])
async def test_a_draft_name_never_becomes_a_path(browser: Browser, name: str) -> None:
    """What the page calls its draft is looked up, not opened."""
    await browser.request("PUT", f"{PAGE}/draft", json={"draft": name, "text": "some words", "base": ""})

    [file] = (data_directory() / "drafts").iterdir()
    assert re.fullmatch(rf"{QUESTION}-w[0-9a-f]+\.md", file.name)


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', "\xff"])
async def test_a_broken_request_is_refused(browser: Browser, body: str) -> None:
    """It is no reason to fail."""
    await browser.request("PUT", f"{PAGE}/draft", data=body.encode("latin-1"), status=400)


async def test_verdicts_come_as_they_are_made_and_again_after_a_reload(browser: Browser, judge: HeldJudge) -> None:
    """A page that comes late gets all events, one that comes back only those it has not seen."""
    path = await held(browser, judge)
    judge.go.release()
    [started, verdict] = [item for item in await events(browser, path, 3) if item[1] != "note"][:2]

    assert started[1] == "started"
    assert verdict[2] == {
        "check": "file-and-network", "standing": "earned", "sign": "✓", "word": "made", "sentences": [1]
    }  # fmt: skip
    page = await browser.get(path)
    assert '<li id="check-file-and-network" class="earned">' in page
    assert '<span id="sentence-1" class="lit">' in page
    judge.free = True
    rest = await events(browser, path, 99, after=verdict[0])
    assert [number for number, _, _ in rest] == list(range(verdict[0] + 1, verdict[0] + 1 + len(rest)))
    assert rest[-1][1:] == ("done", {"url": browser.site.to("/attempts/1")})


async def test_a_page_that_is_made_while_the_judging_ends_misses_nothing(
    browser: Browser, judge: HeldJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done by the time the page is ready leads to the report, and not to a page that waits for ever."""
    path = await held(browser, judge)

    def slowly(*arguments: Any) -> Any:
        judge.free = True
        for _ in range(1000):
            with HistoryStore.open() as store:
                if store.count():
                    break
            time.sleep(0.01)
        time.sleep(0.1)
        return prepare_answer(*arguments)

    monkeypatch.setattr("coach.answer.prepare.prepare_answer", slowly)

    assert (await browser.request("GET", path))[1] == "/attempts/1"


async def test_stop_works_at_once_and_keeps_the_text(browser: Browser, judge: HeldJudge) -> None:
    """The next answer is judged as if nothing had been."""
    path = await held(browser, judge)
    page, at = await browser.post(f"{path}/stop")

    assert at == PAGE
    assert text_in(page) == GOOD
    assert "The judging was stopped" in await browser.get(path)
    judge.free = True
    await browser.submit(BETTER)
    assert judge.stopped == 1
    with HistoryStore.open() as store:
        assert [attempt.answer for attempt in store.attempts()] == [BETTER]


async def test_answers_wait_in_line_and_the_same_is_not_judged_twice(browser: Browser, judge: HeldJudge) -> None:
    """A second page sees its place; the same text again leads to the judging that there is."""
    first = await held(browser, judge)
    _, second = await browser.post(f"{PAGE}/attempts", answer=BETTER)
    _, third = await browser.post(f"{PAGE}/attempts", answer=PLAIN)
    _, again = await browser.post(f"{PAGE}/attempts", answer=BETTER.replace("\n", "\r\n"))

    assert again == second
    for path, state in ((first, "judging 0"), (second, "waiting 1"), (third, "waiting 2")):
        told = json.loads(await browser.get(f"{path}/state"))
        assert f"{told['state']} {told['ahead']}" == state
    assert "Waiting: 2 before this one" in await browser.get(third)
    await browser.post(f"{second}/stop")
    assert json.loads(await browser.get(f"{third}/state"))["ahead"] == 1
    judge.free = True
    await browser.arrive(third)
    assert judge.begun == 2


async def test_a_full_line_takes_no_more(browser: Browser, judge: HeldJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is kept all the same."""
    monkeypatch.setattr(web_line, "MAX_WAITING", 1)
    await held(browser, judge)
    await browser.post(f"{PAGE}/attempts", answer=BETTER)
    page, _ = await browser.request("POST", f"{PAGE}/attempts", data={"answer": PLAIN}, status=400)

    assert "are waiting already" in page
    assert PLAIN in {draft.text for draft in drafts_of(QUESTION)}


async def test_a_waiting_answer_that_nobody_sees_leaves_the_line(
    browser: Browser, judge: HeldJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text stays as a draft."""
    first = await held(browser, judge)
    _, second = await browser.post(f"{PAGE}/attempts", answer=BETTER)
    monkeypatch.setattr(web_line, "UNSEEN_SECONDS", 0.0)
    judge.free = True
    await browser.arrive(first)

    assert "The judging was stopped" in (await browser.arrive(second))[0]
    assert [draft.text for draft in drafts_of(QUESTION)] == [BETTER]


async def test_a_failure_is_told_and_the_text_kept(browser: Browser, judge: HeldJudge) -> None:
    """What went wrong and what to do, as on the command line; nothing is saved as an attempt."""
    judge.failure = ModelConnectionError("no connection to the model", "Start the server.")
    page, _ = await browser.submit(GOOD)

    assert "no connection to the model" in page
    assert "Start the server." in page
    assert text_in(await browser.get(PAGE)) == GOOD


async def test_an_embedded_model_that_died_is_started_anew(judge: HeldJudge) -> None:
    """The answer on which it died is told so, and handing it in again works."""
    async with running_site(judge) as site, browser_of(site) as browser:
        engine = site.engine
        assert isinstance(engine, ScriptedEngine)
        engine.embedded = True
        engine._opening, engine.opened = None, 0
        judge.failure = ModelConnectionError("no connection to the model", "Try again.")
        assert "no connection to the model" in (await browser.submit(GOOD))[0]
        judge.failure = None
        judge.free = True
        await browser.submit(GOOD)

        assert engine.opened == 2


async def test_a_report_that_cannot_be_saved_is_shown_all_the_same(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says where the attempt lies instead."""

    def fail(*_: object) -> int:
        raise StorageError("the disk is full", "Make room.")

    monkeypatch.setattr(HistoryStore, "add_record", fail)
    page, at = await browser.submit(GOOD)

    assert at.startswith("/judging/")
    assert "the disk is full" in page
    assert "coach history --import" in page
    assert "I sent images with it for years." in await browser.get(f"{at}.md")


async def test_what_was_thought_left_out_is_compared_with_the_report(browser: Browser, judge: HeldJudge) -> None:
    """It is kept with the attempt, and what is no point of the question is not."""
    path = await held(browser, judge)
    ticked = {"checks": ["file-and-network", "transfer-services", "nothing"]}
    await browser.request("PUT", f"{path}/left-out", json=ticked, status=204)
    judge.free = True
    page, _ = await browser.arrive(path)
    told = page[page.index("What you thought you left out") :]

    assert told.index("It is there after all.") < told.index("You saw it: it is missing.")
    await browser.post("/attempts/1/delete")
    assert json.loads((data_directory() / "drafts" / "left-out.json").read_text()) == {}


async def test_the_follow_up_question_is_judged_by_the_points_it_asks_about(browser: Browser, judge: HeldJudge) -> None:
    """Its answer has a report of its own, is no attempt at the question, and its text is kept until that is deleted."""
    await browser.submit(GOOD)
    _, path = await browser.post("/attempts/1/follow-up", answer=BETTER)
    page, at = await browser.arrive(path)
    task = judge.tasks[-1]

    assert at == "/attempts/1/follow-up"
    assert task.question.text != load_bank().questions[0].text
    assert 1 <= len(task.checks) <= 3
    assert "of 100" not in page
    again = await browser.get("/attempts/1")
    assert text_in(again) == BETTER
    assert "See how your last answer to it was judged" in again
    with HistoryStore.open() as store:
        assert store.count() == 1
    await browser.post("/attempts/1/delete")
    assert list((data_directory() / "drafts").glob("*.md")) == []
    await browser.get("/attempts/1/follow-up", status=404)


async def test_a_lost_sentence_can_be_put_back(browser: Browser) -> None:
    """What was lost stands first, and its button leads to the next version with the sentence in it."""
    await browser.submit(GOOD)
    page, at = await browser.submit(PLAIN)

    assert "Lost: put this back first" in page
    assert "Put it back" in page
    text, _ = await browser.post(f"{at.removesuffix('/compare')}/put-back", old="1", check="file-and-network")
    assert text_in(text) == f"{PLAIN} {GOOD.partition(' I sent')[0]}"


async def test_reports_can_be_taken_away(browser: Browser) -> None:
    """As a page that needs nothing else, as Markdown, and as the JSON of the command line."""
    await browser.submit(GOOD)
    page, text, data = [await browser.get(f"/attempts/1/report.{kind}") for kind in ("html", "md", "json")]

    assert page.startswith("<!DOCTYPE html>") or "<!DOCTYPE html>" in page[:200]
    assert "<script" not in page
    assert text.startswith("# What is the DICOM standard")
    assert json.loads(data)["schema"] == "coach/assessment@1"


async def test_deleting_really_deletes(browser: Browser) -> None:
    """No word of the answers stays in any file of the data directory, and nothing of them in the pages."""
    secret = "Quetzalcoatl hospital"
    await browser.submit(f"{GOOD} It was in {secret}.")
    await browser.submit(f"{BETTER} It was in {secret}.")
    await browser.request("PUT", f"{PAGE}/draft", json={"draft": "", "text": f"At {secret}", "base": ""})
    await browser.post("/attempts/1/delete")
    await browser.get("/attempts/1", status=404)
    await browser.post(f"{PAGE}/delete")

    files = [path for path in data_directory().rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if b"Quetzalcoatl" in path.read_bytes()] == []
    assert "No attempts yet" in await browser.get("/history")


async def test_the_history_shows_points_by_attempts(browser: Browser) -> None:
    """Of one question when it is chosen; every point with its sign in each attempt, told in words too."""
    await browser.submit(GOOD)
    await browser.submit(PLAIN)
    page = await browser.get(f"/history?question={QUESTION}")
    row = page[page.index("Explains that DICOM covers both") :].partition("</tr>")[0]

    assert re.findall(r'class="unseen">([^<]*)<', row) == ["made", "missing"]
    assert "Attempt 2" in await browser.get("/history")
    assert "No attempts yet" in await browser.get(f"/history?question={load_bank().questions[1].id}")


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)"> </textarea><b>bold</b> {{ 7*7 }} '
    "\u202eright to left\u202c and the network protocol of \x1b[31mDICOM\x1b[0m files is what we use all day long."
    f" {GOOD} {BETTER}"
)


async def test_an_answer_is_data_on_every_page(browser: Browser, judge: HeldJudge) -> None:
    """Nothing of it becomes markup, wherever it is shown."""
    path = await held(browser, judge, HOSTILE)
    pages = [await browser.get(path)]
    judge.free = True
    await browser.arrive(path)
    await browser.submit(HOSTILE + " And more.")
    await browser.request("PUT", f"{PAGE}/draft", json={"draft": "", "text": HOSTILE, "base": ""})
    await browser.post("/attempts/1/follow-up", answer=HOSTILE)
    for path in (PAGE, f"{PAGE}?from=1&anew=1", "/attempts/1", "/attempts/2/compare", "/history", "/"):
        pages.append(await browser.get(path))

    for page in pages:
        assert "<img" not in page
        assert "alert(1)</script>" not in page
        assert "<b>bold" not in page
        assert "49" not in re.sub(r"[0-9a-f]{12,}", "", page) or "{{ 7*7 }}" in page


async def test_ten_thousand_characters_are_no_trouble(browser: Browser) -> None:
    """What is longer is judged as far as it goes, and the report says so."""
    page, _ = await browser.submit(" ".join([GOOD] * 120))

    assert "Please note" in page


def test_where_the_caret_goes() -> None:
    """Behind the check's own sentence, else behind its criterion's last one, else at the end, as browsers count."""
    from assessment_factory import ANSWER, SENTENCES, dicom_assessment, dicom_question

    record = new_record(QUESTION, ANSWER, dicom_assessment(), "a bank")
    bank, question = load_bank(), dicom_question()
    shown = f"\U0001f600{ANSWER}"

    def caret(check: str, text: str = shown) -> tuple[int, int] | None:
        return caret_of(bank, question, record, text, check)

    end_of = {n: shown.index(SENTENCES[n - 1]) + len(SENTENCES[n - 1]) + 1 for n in (3, 5, 7, 8)}
    assert caret("device-configuration") == (end_of[7], end_of[7])
    assert caret("association-negotiation") == (end_of[3], end_of[3])
    assert caret("guaranteed-plug-and-play") == (end_of[5] - len(SENTENCES[4]), end_of[5])
    assert caret("device-configuration", "All new.") == (8, 8)
    assert caret("nothing") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Three.", "One. Two. Three."),
        ("Other.", "Other. Two."),
        ("", "Two."),
        ("Two. Three.", "Two. Three."),
    ],
)
def test_a_sentence_goes_back_behind_the_one_it_followed(text: str, expected: str) -> None:
    """Else it goes to the end; one that is there is not doubled."""
    assert put_back(text, "One. Two. Three.", 5, 9) == expected


def test_follow_up_questions_are_judged_by_what_they_ask_about() -> None:
    """Every follow-up question of the shipped bank has one to three points; the nearest by its words come first."""
    bank = load_bank()
    for question in bank.questions:
        checks = bank.checks_of(question)
        for follow_up in question.follow_ups:
            found = checks_of_follow_up(follow_up, [], checks)
            assert 1 <= len(found) <= 3
            assert all(check.kind == "point" for check in found)
    question = bank.questions[0]
    checks = bank.checks_of(question)
    advice = [Improvement(check_id="own-example", advice="-", gain=3.0)]
    assert [check.id for check in checks_of_follow_up("Zzz?", advice, checks)] == ["own-example"]


def test_an_empty_draft_is_no_draft(tmp_path: Path) -> None:
    """Who deletes all words has no draft any more; drafts of a question whose id is longer are not touched."""
    name = keep_draft("net", "", "words")
    other = keep_draft("net-2", "", "others")
    keep_draft("net", name, "  ", "words")

    assert drafts_of("net") == []
    assert [draft.name for draft in drafts_of("net-2")] == [other]


async def test_the_program_starts_serves_and_ends_at_once(tmp_path: Path) -> None:
    """It prints a link that opens, writes no key into its arguments or output but that link, and ends on Ctrl-C."""
    import os
    import signal
    import sys

    import aiohttp

    environment = {**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "COACH_MODEL": "small-model"}
    program = "from coach.cli.app import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "web", "--port", "0", "--no-browser",
        env=environment, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stderr
    told = [(await process.stderr.readline()).decode() for _ in range(2)]
    link = told[1].strip()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client, client.get(link) as response:
        assert response.status == 200
    state = data_directory() / "web.json"
    assert json.loads(state.read_text())["link"] == link
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    began = time.monotonic()
    process.send_signal(signal.SIGINT)

    assert await process.wait() == 0
    # A second on a machine that has nothing else to do.
    assert time.monotonic() - began < 5
    assert (await process.stderr.read()).decode() == ""
    assert not state.exists()
