"""What was judged: the report on an attempt, its follow-up question, comparisons, and the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from markupsafe import Markup

from coach.bank.questions import Bank, Question
from coach.compare.compare import JudgedRevision, build_comparison, revision_of
from coach.compare.report import comparison_document
from coach.history.records import Attempt, AttemptRecord
from coach.history.saving import delete_attempts
from coach.judge.judging import Verdict
from coach.report.assessment import assessment_document, build_points
from coach.report.document import Document, Items, Paragraph
from coach.report.html import html_report
from coach.report.markdown import markdown_report
from coach.submit.feedback import checks_of_follow_up
from coach.web.drafts import (
    drop_of_attempts,
    follow_up_draft,
    keep_draft,
    left_out_of,
    read_draft,
)
from coach.web.line import LINE, Judging
from coach.web.site import SITE, Site, form_of, redirect

#: So many of the latest attempts stand side by side in the table of points.
_COLUMNS = 12
_KINDS: dict[str, tuple[str, Callable[[Document], str]]] = {
    "html": ("text/html", html_report),
    "md": ("text/markdown", markdown_report),
}


def _document(site: Site, record: AttemptRecord) -> Document:
    question = site.question(record.question_id)
    rubric = site.bank.rubric_of(question)
    return assessment_document(record.assessment, question, rubric, record.answer, show_score=site.show_score)


def steps_of(site: Site, record: AttemptRecord) -> Markup:
    """Return the steps of a report, to stand beside the next draft."""
    blocks = _document(site, record).blocks
    steps = tuple(block for block in blocks if isinstance(block, Items) and block.numbered)
    return site.report(Document("", steps)) if steps else Markup("")


def caret_of(bank: Bank, question: Question, record: AttemptRecord, text: str, check_id: str) -> tuple[int, int] | None:
    """Return where in a draft a step is to be written, in the units of browsers; None for no step of this report.

    That is behind the sentence that came nearest: the check's own quote, else the last one of its criterion, else at
    the end. A wrong statement is selected as a whole.
    """
    check = next((check for check in bank.checks_of(question) if check.id == check_id), None)
    if check is None:
        return None
    results = {result.id: result for result in record.assessment.check_results()}
    siblings = [c.id for c in bank.checks_of(question) if c.criterion == check.criterion and c.kind == "point"]
    start = end = len(text)
    for names in ([check_id], siblings):
        quotes = [
            item.quote.replace("\r\n", "\n") for name in names if name in results for item in results[name].evidence
        ]
        places = [(text.find(quote), len(quote)) for quote in quotes if quote in text]
        if places:
            place, length = max(places)
            start = end = place + length
            if check.kind == "red_flag" and names == [check_id]:
                start = place
            break
    return _units(text[:start]), _units(text[:end])


def _units(text: str) -> int:
    """Return the length of a text as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


async def _attempt(request: web.Request) -> Attempt:
    """Return the attempt that the address names; raises HTTPNotFound."""
    found = await request.app[SITE].attempts(ids=[int(request.match_info["number"])])
    if not found:
        raise web.HTTPNotFound(text="There is no such attempt at this bank's questions; it may have been deleted.")
    return found[0]


async def _earlier(site: Site, attempt: Attempt) -> Attempt | None:
    """Return the attempt before this one at the same question."""
    before = [other for other in await site.attempts(attempt.question_id) if other.id < attempt.id]
    return before[-1] if before else None


async def _report(request: web.Request) -> web.StreamResponse:
    site, attempt = request.app[SITE], await _attempt(request)
    question = site.question(attempt.question_id)
    async with site.saving:
        draft = await asyncio.to_thread(read_draft, question.id, follow_up_draft(attempt.id))
    answered = _follow_up_of(request, attempt.id)
    return site.page(
        "report",
        question=question,
        attempt=attempt,
        base=f"/attempts/{attempt.id}",
        **await asyncio.to_thread(_body, site, attempt, attempt.id),
        earlier=await _earlier(site, attempt),
        left_out=await asyncio.to_thread(_left_out, attempt),
        follow_up=attempt.assessment.follow_up if attempt.assessment.score is not None else "",
        draft=draft,
        answered=answered,
        warning="",
    )


def _body(site: Site, record: AttemptRecord, number: int | None) -> dict[str, Any]:
    """Return the report on an attempt, and its small print, which stands at the end of the page."""
    blocks = _document(site, record).blocks
    links = {}
    if number is not None and record.score is not None:
        for step in record.assessment.improvements:
            values = {"question": record.question_id, "number": number, "check": step.check_id}
            links[f"step-{step.check_id}"] = site.piece("write_it", **values)
        # The follow-up question stands where it can be answered.
        asked = [at for at, block in enumerate(blocks) if isinstance(block, Paragraph) and block.look == "question"]
        blocks = tuple(block for at, block in enumerate(blocks) if at not in asked and at + 1 not in asked)
    return {
        "body": site.report(Document("", blocks[:-1]), links),
        "small_print": site.report(Document("", blocks[-1:])),
    }


def _left_out(attempt: Attempt) -> list[dict[str, Any]]:
    """Return the points that the candidate thought were left out, and whether they were."""
    results = {check.id: check for check in attempt.assessment.check_results()}
    points = build_points(attempt.assessment)
    return [
        {"point": points[name], "right": results[name].verdict is Verdict.NOT_MET}
        for name in left_out_of(attempt.id)
        if name in points and results[name].verdict is not Verdict.UNJUDGED
    ]


def _follow_up_of(request: web.Request, number: int) -> Judging | None:
    return request.app[LINE].latest(lambda judging: judging.attempt == number)


async def _unsaved(request: web.Request) -> web.StreamResponse:
    """Show a report that could not be saved in the history."""
    site, judging = request.app[SITE], request.app[LINE].get(request.match_info["id"])
    if judging is None or judging.record is None:
        raise web.HTTPNotFound(text="This report is not kept any more.")
    record = judging.record
    return site.page(
        "report",
        question=site.question(record.question_id),
        attempt=record,
        base=f"/judging/{judging.id}",
        **_body(site, record, None),
        earlier=None,
        left_out=[],
        follow_up="",
        draft="",
        answered=None,
        warning=judging.warning,
    )


async def _download(request: web.Request) -> web.StreamResponse:
    if "number" in request.match_info:
        record: AttemptRecord | None = await _attempt(request)
    else:
        judging = request.app[LINE].get(request.match_info["id"])
        record = judging.record if judging else None
    if record is None:
        raise web.HTTPNotFound(text="This report is not kept any more.")
    kind = request.match_info["kind"]
    if kind == "json":
        content, text = "application/json", record.assessment.to_json()
    else:
        content, write = _KINDS[kind]
        text = await asyncio.to_thread(lambda: write(_document(request.app[SITE], record)))
    name = f"{record.question_id}-{request.match_info.get('number', 'report')}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type=content, charset="utf-8", headers=headers)


async def _compare(request: web.Request) -> web.StreamResponse:
    site, new = request.app[SITE], await _attempt(request)
    question = site.question(new.question_id)
    attempts = [attempt for attempt in await site.attempts(question.id) if attempt.id != new.id]
    chosen = request.query.get("with", "")
    old = next((attempt for attempt in attempts if str(attempt.id) == chosen), None) or await _earlier(site, new)
    if old is None:
        raise redirect(request, f"/attempts/{new.id}")

    def body() -> tuple[Markup, str]:
        revisions = [JudgedRevision(revision_of(a), a.assessment) for a in (old, new)]
        comparison = build_comparison(site.bank, question, *revisions)
        document = comparison_document(
            comparison, question, site.bank, old.answer, new.answer, show_score=site.show_score
        )
        links = {
            f"point-{change.check_id}": site.piece("put_back", old=old.id, new=new.id, check=change.check_id)
            for change in comparison.lost
            if change.old_evidence
        }
        for step in comparison.next_advice:
            links[f"step-{step.check_id}"] = site.piece(
                "write_it", question=question.id, number=new.id, check=step.check_id
            )
        return site.report(document, links), document.title

    content, title = await asyncio.to_thread(body)
    return site.page("compare", question=question, title=title, body=content, old=old, new=new, others=attempts)


async def _put_back(request: web.Request) -> web.StreamResponse:
    """Copy the lost sentences of a point from the older attempt into the draft, and open it."""
    site, new, form = request.app[SITE], await _attempt(request), await form_of(request)
    old = next((a for a in await site.attempts(new.question_id) if str(a.id) == form.get("old")), None)
    check_id = form.get("check", "")
    found = [c for c in old.assessment.check_results() if c.id == check_id] if old else []
    if old is None or not found:
        raise web.HTTPNotFound(text="There is nothing to put back.")
    name = form.get("draft", "")
    text = await asyncio.to_thread(read_draft, new.question_id, name) or new.answer.replace("\r\n", "\n")
    for evidence in found[0].evidence:
        text = put_back(text, old.answer, evidence.start, evidence.end, site.bank.language)
    name = await asyncio.to_thread(keep_draft, new.question_id, name, text)
    raise redirect(request, f"/questions/{new.question_id}?from={new.id}&draft={name}&step={check_id}")


def put_back(text: str, old: str, start: int, end: int, language: str = "en") -> str:
    """Return a text with a sentence of an older one: behind the sentence that it followed there, else at the end."""
    quote = old[start:end].replace("\r\n", "\n")
    if quote in text:
        return text
    from coach.answer.sentences import split_sentences

    before = [old[s.start : s.end].replace("\r\n", "\n") for s in split_sentences(old[:start], language)]
    for sentence in reversed(before):
        if sentence and sentence in text:
            place = text.index(sentence) + len(sentence)
            return f"{text[:place]} {quote}{text[place:]}"
    return f"{text.rstrip()} {quote}".lstrip()


def follow_up_bank(bank: Bank, question: Question, record: AttemptRecord) -> tuple[Bank, Question]:
    """Return the follow-up question of a report as a question of its own, with the points that it asks about."""
    rubric, follow_up = bank.rubric_of(question), record.assessment.follow_up
    checks = checks_of_follow_up(follow_up, record.assessment.improvements, bank.checks_of(question))
    kept = {check.criterion for check in checks}
    small = rubric.model_copy(update={"criteria": [c for c in rubric.criteria if c.id in kept], "checks": []})
    asked = question.model_copy(update={"text": follow_up, "checks": checks, "follow_ups": [], "asked_as": []})
    update = {"questions": [asked], "rubrics": {rubric.id: small}, "red_flags": []}
    return bank.model_copy(update=update), asked


async def _answer_follow_up(request: web.Request) -> web.StreamResponse:
    site, attempt, form = request.app[SITE], await _attempt(request), await form_of(request)
    text = form.get("answer", "")
    if not text.strip():
        raise redirect(request, f"/attempts/{attempt.id}#follow-up")
    bank, asked = follow_up_bank(site.bank, site.question(attempt.question_id), attempt)
    await asyncio.to_thread(keep_draft, attempt.question_id, follow_up_draft(attempt.id), text)
    judging = request.app[LINE].add(Judging(bank, asked, text, attempt.id))
    raise redirect(request, f"/judging/{judging.id}")


async def _follow_up(request: web.Request) -> web.StreamResponse:
    site, attempt = request.app[SITE], await _attempt(request)
    judging = _follow_up_of(request, attempt.id)
    if judging is None or judging.record is None:
        raise redirect(request, f"/attempts/{attempt.id}#follow-up")
    bank, asked, record = judging.bank, judging.question, judging.record
    # One follow-up question leads to no other one, and a few points make no score.
    assessment = record.assessment.model_copy(update={"follow_up": ""})
    document = assessment_document(assessment, asked, bank.rubric_of(asked), record.answer, show_score=False)
    links = {
        f"step-{step.check_id}": site.piece(
            "write_it", question=attempt.question_id, number=attempt.id, check=step.check_id
        )
        for step in assessment.improvements
    }
    return site.page("follow_up", question=asked, attempt=attempt, body=site.report(document, links))


async def _delete(request: web.Request) -> web.StreamResponse:
    site, attempt = request.app[SITE], await _attempt(request)
    await site.with_history(lambda store: store.delete(ids=[attempt.id]))
    await asyncio.to_thread(drop_of_attempts, attempt.question_id, [attempt.id])
    request.app[LINE].forget(lambda judging: attempt.id in (judging.attempt, judging.saved_as))
    raise redirect(request, "/history")


async def _delete_question(request: web.Request) -> web.StreamResponse:
    """Delete all attempts at a question, with its drafts and rescue files."""
    site = request.app[SITE]
    question = site.question(request.match_info["id"])
    numbers = [attempt.id for attempt in await site.attempts(question.id)]
    await asyncio.to_thread(drop_of_attempts, question.id, numbers)
    await site.with_history(lambda store: delete_attempts(store, question_id=question.id, bank_title=site.bank.title))
    request.app[LINE].forget(lambda judging: judging.question.id == question.id)
    raise redirect(request, "/history")


async def _history(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    known = site.bank.by_id()
    question = known.get(request.query.get("question", ""))
    attempts = await site.attempts(question.id if question else None)
    columns = attempts[-_COLUMNS:] if question else []
    standings = [build_points(attempt.assessment) for attempt in columns]
    points = [check for check in site.bank.checks_of(question) if check.kind == "point"] if question else []
    return site.page(
        "history",
        questions=site.bank.questions,
        question=question,
        attempts=attempts[::-1],
        known=known,
        columns=columns,
        matrix=[(check, [points_of.get(check.id) for points_of in standings]) for check in points],
    )


_NUMBER = r"{number:\d{1,9}}"
_KIND = "{kind:html|md|json}"
ROUTES = (
    web.get(f"/attempts/{_NUMBER}", _report),
    web.get(f"/attempts/{_NUMBER}/report.{_KIND}", _download),
    web.get(f"/attempts/{_NUMBER}/compare", _compare),
    web.post(f"/attempts/{_NUMBER}/put-back", _put_back),
    web.get(f"/attempts/{_NUMBER}/follow-up", _follow_up),
    web.post(f"/attempts/{_NUMBER}/follow-up", _answer_follow_up),
    web.post(f"/attempts/{_NUMBER}/delete", _delete),
    web.get("/judging/{id}/report", _unsaved),
    web.get(f"/judging/{{id}}/report.{_KIND}", _download),
    web.get("/history", _history),
    web.post("/questions/{id}/delete", _delete_question),
)
