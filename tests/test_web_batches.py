"""The pages of ``coach web --batch DIR``, over HTTP: find, read, mark, compare with the judge, take along."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from assessment_factory import ANSWER, dicom_assessment
from batch_pages import batch_in
from calibration_cases import full_report
from coach_command import coach
from web_server import Browser, browser_of, links, running_site

from coach.batch.rows import AnswerRow, RowKey
from coach.batch.store import Store
from coach.calibrate.gold import read_gold
from coach.calibrate.marks import NAME, GraderMark, keep_mark, keep_report, read_marks

HOSTILE = '<img src=x onerror=alert(1)> "Ada" \u202e'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A batch of twelve rows."""
    return batch_in(tmp_path / "answers")


@pytest.fixture
async def browser(directory: Path) -> AsyncIterator[Browser]:
    """A browser on pages with one batch."""
    async with running_site(batches=[directory]) as site, browser_of(site) as opened:
        yield opened


def candidates(page: str) -> list[str]:
    """Return the candidates in the table of a page."""
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page)


def leading_to(page: str, rel: str) -> str:
    """Return the row that a link of this relation leads to."""
    found = re.search(rf'rel="{rel}" href="[^"]*id=([^"&]*)', page)
    return found[1].replace("%2F", "/") if found else ""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(12))),
        ("search=number+1", [1, 10, 11]),
        ("search=person+007", [7]),
        ("search=row/5", [5]),
        ("search=%25", []),
        ("question=hl7-integration", [1, 3, 5, 7, 9, 11]),
        ("show=review", [0, 6, 9]),
        ("show=failed", [3]),
        ("show=review&order=weakest", [9, 6, 0]),
        ("order=best&search=number+1", [1, 10, 11]),
        ("order=doubt&show=review", [9, 6, 0]),
        ("order=candidate", list(range(12))),
        ("show=nothing&order=nothing", list(range(12))),
    ],
)
async def test_the_address_says_which_rows_are_shown(browser: Browser, query: str, expected: list[int]) -> None:
    """Search, filters and order; what there is no choice for changes nothing, and a percent sign is one."""
    page = await browser.get(f"/batches/0?{query}")

    assert candidates(page) == [f"Person {n:03}" for n in expected]
    assert f"{len(expected)} answer" in page


async def test_the_table_is_cut_into_pages_by_the_server(tmp_path: Path) -> None:
    """The address of the next page keeps the filters, and a page that is not there is the last one."""
    async with running_site(batches=[batch_in(tmp_path / "b", 120)]) as site, browser_of(site) as browser:
        first = await browser.get("/batches/0?order=weakest")
        [more] = [link for link in links(first) if "page=2" in link]
        second = await browser.get(more)
        last = await browser.get(f"/batches/0?order=weakest&page={'9' * 5000}")

    assert candidates(first)[0] == "Person 119"
    assert len(candidates(first)) == len(candidates(second)) == 50
    assert candidates(second)[0] == "Person 069"
    assert candidates(last)[-1] == "Person 003"
    assert "101 to 120 of 120" in last


async def test_the_way_through_the_answers_to_be_reviewed(browser: Browser, directory: Path) -> None:
    """Without any filter next and previous lead to those; a marked one is reviewed, and the next one is still next."""
    page = await browser.get("/batches/0/row?id=row/6")
    assert (leading_to(page, "prev"), leading_to(page, "next")) == ("row/0", "row/9")

    page, _ = await browser.post("/batches/0/row?id=row/6", score="55", action="next")

    assert "Person 009" in page
    assert (leading_to(page, "prev"), leading_to(page, "next")) == ("row/0", "")
    assert leading_to(await browser.get("/batches/0/row?id=row/6"), "next") == "row/9"
    assert candidates(await browser.get("/batches/0?show=review")) == ["Person 000", "Person 009"]
    filtered = await browser.get("/batches/0/row?id=row/6&order=weakest")
    assert (leading_to(filtered, "prev"), leading_to(filtered, "next")) == ("row/7", "row/5")


async def test_the_keys_can_be_switched_off(browser: Browser) -> None:
    """The switch stands in the address and stays from answer to answer."""
    page = await browser.get("/batches/0/row?id=row/6")
    assert "data-keys" in page
    [switch] = [link for link in links(page) if "keys=off" in link]
    page = await browser.get(switch)

    assert "data-keys" not in page
    assert "keys=off" in next(link for link in links(page) if "row%2F9" in link)


async def test_an_answer_is_shown_with_its_report_and_the_answer_first(browser: Browser) -> None:
    """The same report as everywhere, with a choice at each point."""
    page = await browser.get("/batches/0/row?id=row/2")

    assert page.index('class="answer"') < page.index("Criterion by criterion")
    assert page.count('name="verdict-file-and-network"') == 3
    assert "Number 2." in page
    assert "the model timed out" in await browser.get("/batches/0/row?id=row/3")
    assert "not in the batch" in await browser.get("/batches/0/row?id=row/99", status=404)
    await browser.get("/batches/1", status=404)


async def test_a_mark_is_kept_beside_the_batch_and_read_as_gold(browser: Browser, directory: Path) -> None:
    """Mark, verdicts and comment; the file is private, and `coach calibrate` reads it."""
    choices = {"verdict-file-and-network": "not_met", "verdict-own-example": "nonsense", "verdict-zzz": "met"}
    page, at = await browser.post(
        "/batches/0/row?id=row/2", score="62,5", comment="Too short.\r\nBut right.", action="stay", **choices
    )
    [mark] = read_marks(directory).values()

    assert at == "/batches/0/row"
    assert (mark.id, mark.score, mark.comment) == ("row/2", 62.5, "Too short.\nBut right.")
    assert mark.verdicts == {"file-and-network": "not_met"}
    assert 'value="62.5"' in page
    assert re.search(r'name="verdict-file-and-network" value="not_met" checked', page)
    assert stat.S_IMODE((directory / NAME).stat().st_mode) == 0o600
    [gold], problems = read_gold(directory / NAME)
    assert (gold.row_id, gold.score, gold.question_id, problems) == ("row/2", 62.5, "dicom-standard", [])
    assert gold.answer == f"{ANSWER} Number 2."


async def test_the_rest_can_be_left_to_the_judge(browser: Browser, directory: Path) -> None:
    """What the grader decides stands against it; what nobody judged stays open."""
    await browser.post(
        "/batches/0/row?id=row/2", score="50", action="stay", rest="1", **{"verdict-file-and-network": "partly"}
    )
    [mark] = read_marks(directory).values()
    judged = {c.id: c.verdict.value for c in dicom_assessment().check_results() if c.verdict.value != "unjudged"}

    assert mark.verdicts == {**judged, "file-and-network": "partly"}
    page = await browser.get("/batches/0/agreement")
    assert f"On {len(judged) - 1} of {len(judged)} points your verdict is the judge" in unescape(page)


@pytest.mark.parametrize("score", ["", "nan", "101", "-1", "good", "1e400"])
async def test_what_is_no_mark_is_refused(browser: Browser, directory: Path, score: str) -> None:
    """It says what a mark is, and nothing is written."""
    data = {"score": score, "action": "stay"}
    page, _ = await browser.request("POST", "/batches/0/row?id=row/2", data=data, status=400)

    assert "number from 0 to 100" in page
    assert not (directory / NAME).exists()


async def test_a_mark_can_be_corrected_and_taken_away(browser: Browser, directory: Path) -> None:
    """There is one line for an answer, whatever was thought of it before."""
    await browser.post("/batches/0/row?id=row/2", score="40", action="stay")
    await browser.post("/batches/0/row?id=row/4", score="30", action="stay")
    await browser.post("/batches/0/row?id=row/2", score="45", action="stay")
    assert {mark.id: mark.score for mark in read_marks(directory).values()} == {"row/2": 45, "row/4": 30}

    await browser.post("/batches/0/row?id=row/2", action="remove")

    assert list(read_marks(directory)) == ["row/4"]


async def test_the_mark_of_another_text_does_not_count(browser: Browser, directory: Path) -> None:
    """When the inputs of the batch change, a mark stays with the words that it was given for."""
    mark = GraderMark(id="row/2", question_id="dicom-standard", answer="An older text.", score=50)
    keep_mark(directory, "row/2", mark)

    assert candidates(await browser.get("/batches/0?show=marked")) == []
    assert "You have not marked any answer" in await browser.get("/batches/0/agreement")


async def test_a_line_that_is_no_mark_is_told_and_kept(browser: Browser, directory: Path) -> None:
    """Nothing is written over a file that cannot be understood."""
    (directory / NAME).write_text('{"id": "row/2"}\n')
    page, _ = await browser.request(
        "POST", "/batches/0/row?id=row/4", data={"score": "3", "action": "stay"}, status=400
    )

    assert f"{NAME}:1" in page
    assert (directory / NAME).read_text() == '{"id": "row/2"}\n'


async def test_what_the_judge_found_can_be_hidden_until_the_mark_is_there(browser: Browser) -> None:
    """Neither the table nor the answer tells it, and afterwards both do."""
    table = await browser.get("/batches/0?blind=1")
    page = await browser.get("/batches/0/row?id=row/6&blind=1")

    for text in (table, page):
        assert "87" not in text
        assert "uncertain" not in text
    assert "Number 6." in page
    page, _ = await browser.post("/batches/0/row?id=row/6&blind=1", score="70", action="stay")
    assert "Criterion by criterion" in page
    assert "87" in await browser.get("/batches/0?blind=1&show=marked")


async def test_agreement_so_far_and_from_a_dot_to_its_answer(browser: Browser, directory: Path) -> None:
    """The report of `coach calibrate` on the marks up to now; each dot is a link."""
    for number in (0, 1, 2, 4, 5, 6):
        await browser.post(f"/batches/0/row?id=row/{number}", score=str(80 - number / 2), action="stay")
    page = await browser.get("/batches/0/agreement")
    dots = [link for link in links(page) if "row%2F" in link]

    assert "The judge is milder than people by 10.00 marks on average." in page
    assert f"coach calibrate {directory / NAME} --scale 0 100" in page
    assert len(dots) == 6
    assert "Number 5." in await browser.get(dots[4])
    assert candidates(await browser.get("/batches/0?show=marked&order=apart"))[0] == "Person 000"


async def test_the_calibration_that_was_made_leads_to_its_answers(browser: Browser, directory: Path) -> None:
    """A report that `coach calibrate --out` kept, on answers whose line in the gold is known."""
    await browser.get("/batches/0/calibration", status=404)
    report = full_report()
    pairs = [pair.model_copy(update={"source": "in.csv", "line": n + 2}) for n, pair in enumerate(report.pairs)]
    keep_report(directory, report.model_copy(update={"pairs": pairs}))
    page = await browser.get("/batches/0/calibration")
    dots = [link for link in links(page) if "row%2F" in link]

    assert "/batches/0/calibration" in await browser.get("/batches/0")
    assert len(dots) == 12
    answer = await browser.get(dots[7])
    assert "Number 7." in answer
    assert f"People gave {pairs[7].human:g}" in answer


async def test_rows_can_be_taken_along_as_tables(browser: Browser) -> None:
    """Those of the view, with the own marks; the marks alone as gold."""
    await browser.post("/batches/0/row?id=row/6", score="70", comment="=1+1", action="stay")
    text = await browser.get("/batches/0/export.csv?show=marked")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    async with browser.client.get(browser.url("/batches/0/export.xlsx?question=hl7-integration")) as response:
        sheet = openpyxl.load_workbook(io.BytesIO(await response.read())).active
    [line] = (await browser.get("/batches/0/export.jsonl")).splitlines()

    assert (row["Row"], row["Your mark"], row["Your comment"]) == ("row/6", "70.0", "'=1+1")
    assert sheet.max_row == 7
    assert json.loads(line)["score"] == 70


async def test_what_stands_in_a_batch_is_data(tmp_path: Path) -> None:
    """Names, ids, answers, comments and what somebody searches for never become markup."""
    directory = tmp_path / "x"
    row = AnswerRow(HOSTILE, HOSTILE, "other-question", f"{HOSTILE} {ANSWER}", HOSTILE, 2)
    with Store.open(directory) as store:
        store.take_in([row], lambda *_: RowKey("k", "s", 1))
        store.keep(HOSTILE, RowKey("k", "s", 1), dicom_assessment())
    async with running_site(batches=[directory]) as site, browser_of(site) as browser:
        table = await browser.get("/batches/0", params={"search": HOSTILE[:12]})
        [link] = [link for link in links(table) if "/row?" in link]
        pages = [table, await browser.get(link)]
        pages.append((await browser.post(link, score="3", comment=HOSTILE, action="stay"))[0])

    for page in pages:
        assert "Ada" in page
        assert "<img" not in page


async def test_a_batch_is_named_in_the_navigation_and_read_only(browser: Browser, directory: Path) -> None:
    """Looking through it writes nothing."""
    before = (directory / "batch.db").read_bytes()
    assert "Batch answers" in await browser.get("/")
    for page in ("", "/row?id=row/1", "/agreement", "/export.csv"):
        await browser.get(f"/batches/0{page}")

    # SQLite keeps files of its own beside a database that somebody reads.
    assert {path.name.partition("-")[0] for path in directory.iterdir()} == {"batch.db", "batch.lock"}
    assert (directory / "batch.db").read_bytes() == before


async def test_batches_are_told_apart(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by the name of its directory; where two have one name, by the whole path."""
    monkeypatch.chdir(batch_in(tmp_path / "here"))
    other = batch_in(tmp_path / "more" / "answers", 2)
    async with running_site(batches=[directory, Path(), other]) as site, browser_of(site) as browser:
        page = await browser.get("/batches/2")

    assert re.findall(r">Batch ([^<]*)</a>", page) == [str(directory), "here", str(other)]
    assert page.count('aria-current="page"') == 1
    assert "2 of 2 answers" in page


def test_a_directory_without_a_batch_is_refused_at_once(tmp_path: Path) -> None:
    """Before any page is served."""
    outcome = coach("web", "--no-browser", "--batch", tmp_path)

    assert outcome.code == 2
    assert "there is no batch" in outcome.err
