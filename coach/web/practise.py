"""Home, the page to write in with its drafts, and the page that shows how an answer is judged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from coach.bank.questions import Bank, Check, Question
from coach.errors import StorageError
from coach.history.progress import rank_questions
from coach.history.records import Attempt
from coach.history.saving import save_or_rescue
from coach.history.store import HistoryStore, new_record
from coach.judge.judging import CheckVerdict, Verdict
from coach.report import words
from coach.report.document import Standing
from coach.submit.scoring import level_of
from coach.web.drafts import drafts_of, drop_draft, keep_draft, keep_left_out
from coach.web.line import LINE, Judging
from coach.web.results import caret_of, steps_of
from coach.web.site import SITE, Site, form_of, json_of, redirect

#: Level that a practised question should reach, and how many of the latest attempts a small chart shows.
_SOLID, _CHARTED = 3, 12
_STANDINGS = {
    Verdict.MET: Standing.EARNED,
    Verdict.PARTLY: Standing.PARTLY,
    Verdict.NOT_MET: Standing.MISSING,
    Verdict.UNJUDGED: Standing.UNJUDGED,
}


async def _home(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    attempts = await site.attempts()
    ranking = rank_questions(site.bank, attempts, timezone=None).suggestions
    rows: dict[str, list[dict[str, Any]]] = {}
    for question in site.bank.questions:
        scores = [a.score for a in attempts if a.question_id == question.id and a.score is not None]
        count = sum(attempt.question_id == question.id for attempt in attempts)
        row = {"question": question, "attempts": count, "scores": scores[-_CHARTED:], "best": max(scores, default=None)}
        row["level"] = words.level_word(level_of(scores[-1] / 100), site.bank.rubric_of(question)) if scores else ""
        row["drafts"] = len(await asyncio.to_thread(drafts_of, question.id))
        # A category whose answers are judged by a rubric of its name is called as that is.
        named = site.bank.rubrics.get(question.category)
        title = named.title if named else question.category.replace("-", " ").capitalize()
        rows.setdefault(title, []).append(row)
    near = _nearest_to_solid(site.bank, attempts)
    return site.page("home", rows=rows, first=ranking[0], near=near, bank=site.bank)


def _nearest_to_solid(bank: Bank, attempts: Sequence[Attempt]) -> dict[str, Any] | None:
    """Return the question whose latest answer is one step from Solid, and that step; of several the largest gain."""
    latest = {attempt.question_id: attempt for attempt in attempts if attempt.score is not None}
    steps: list[dict[str, Any]] = [
        {
            "question": question,
            "attempt": attempt,
            "step": step,
            "gain": words.gain_text(step.gain),
            "level": words.level_word(_SOLID, bank.rubric_of(question)),
        }
        for question in bank.questions
        if (attempt := latest.get(question.id)) and attempt.score is not None and level_of(attempt.score / 100) < _SOLID
        for step in attempt.assessment.improvements[:1]
        if level_of((attempt.score + step.gain) / 100) >= _SOLID
    ]
    return max(steps, key=lambda item: item["step"].gain, default=None)


async def _write(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    question = site.question(request.match_info["id"])
    site.engine.warm_up(question)
    return await _editor(request, question)


async def _editor(
    request: web.Request, question: Question, problem: str = "", text: str | None = None
) -> web.StreamResponse:
    """Return the page to write in: with a text, else with a draft, else with the attempt that is tried again."""
    site, query = request.app[SITE], request.query
    attempts = await site.attempts(question.id)
    earlier = next((attempt for attempt in attempts if str(attempt.id) == query.get("from")), None)
    async with site.saving:
        drafts = await asyncio.to_thread(drafts_of, question.id)
    draft = next((draft for draft in drafts if draft.name == query.get("draft", draft.name)), None)
    if "anew" in query:
        draft = None
    before = earlier.answer.replace("\r\n", "\n") if earlier else ""
    if text is None:
        text = draft.text if draft else before
    return site.page(
        "write",
        status=400 if problem else 200,
        question=question,
        rubric=site.bank.rubric_of(question),
        problem=problem,
        text=text,
        draft=draft.name if draft else "",
        base=draft.text if draft else "",
        restored=bool(draft) and text != before,
        others=[other for other in drafts if other is not draft],
        earlier=earlier,
        attempts=len(attempts),
        steps=steps_of(site, earlier) if earlier else "",
        caret=caret_of(site.bank, question, earlier, text, query.get("step", "")) if earlier else None,
    )


async def _put_draft(request: web.Request) -> web.StreamResponse:
    """Keep what is being typed; the page is told what its draft is called."""
    site = request.app[SITE]
    question = site.question(request.match_info["id"])
    async with site.saving:
        data = await json_of(request)
        name, text, base = (str(data.get(key, "")) for key in ("draft", "text", "base"))
        name = await asyncio.to_thread(keep_draft, question.id, name, text, base)
    return web.json_response({"draft": name})


async def _submit(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    question = site.question(request.match_info["id"])
    form = await form_of(request)
    text = form.get("answer", "")
    if not text.strip():
        return await _editor(request, question, "Write an answer of a few sentences first.", text)
    draft = await asyncio.to_thread(keep_draft, question.id, form.get("draft", ""), text)
    judging = request.app[LINE].add(Judging(site.bank, question, text, draft=draft))
    raise redirect(request, f"/judging/{judging.id}")


def _found(request: web.Request) -> Judging:
    judging = request.app[LINE].get(request.match_info["id"])
    if judging is None:
        raise web.HTTPNotFound(text="This answer is not being judged. What was judged is in the history.")
    return judging


async def judge(site: Site, judging: Judging) -> None:
    """Judge one answer of the line, keep the attempt, and tell the pages that watch; raises CoachError."""
    points = [check for check in judging.bank.checks_of(judging.question) if check.kind == "point"]
    known = {check.id for check in points}

    def on_verdict(check: Check, verdict: CheckVerdict) -> None:
        if check.id in known:
            standing = _STANDINGS[verdict.verdict]
            judging.tell(
                "verdict",
                check=check.id,
                standing=standing.value,
                sign=standing.sign,
                word=words.LABELS[standing] or "made",
                sentences=list(verdict.evidence),
            )

    def on_note(note: str) -> None:
        if not judging.events or judging.events[-1].data != {"text": note}:
            judging.tell("note", text=note)

    assessment = await site.engine.assess(judging.bank, judging.question, judging.text, on_verdict, on_note)
    question_id, text = judging.question.id, judging.text
    judging.record = new_record(question_id, text, assessment, site.bank.title)
    if judging.attempt is None:
        judging.record = new_record(question_id, text, site.calibrate(assessment), site.bank.title)
        # From here on nothing stops it: an attempt is kept whole, and then its draft is gone.
        await asyncio.shield(asyncio.ensure_future(_save(site, judging)))
    else:
        judging.path = f"/attempts/{judging.attempt}/follow-up"
    judging.end("done", url=site.to(judging.path))


async def _save(site: Site, judging: Judging) -> None:
    assert judging.record is not None
    question_id, text, assessment = judging.question.id, judging.text, judging.record.assessment
    earlier = await site.attempts(question_id)
    saved = await asyncio.to_thread(
        save_or_rescue, HistoryStore.open, question_id, text, assessment, bank_title=site.bank.title
    )
    judging.path = f"/judging/{judging.id}/report"
    judging.saved_as = saved.attempt_id
    if saved.attempt_id is not None:
        judging.path = f"/attempts/{saved.attempt_id}" + ("/compare" if earlier else "")
        await asyncio.to_thread(keep_left_out, saved.attempt_id, sorted(judging.left_out))
    elif saved.warning is not None:
        judging.warning = saved.warning.message
    if saved.attempt_id is not None or saved.rescue_file is not None:
        try:
            await asyncio.to_thread(drop_draft, question_id, judging.draft, text)
        except StorageError as error:
            judging.warning = f"{error.message}. {error.hint}"


async def _watch(request: web.Request) -> web.StreamResponse:
    from coach.answer.prepare import prepare_answer

    site, judging = request.app[SITE], _found(request)
    bank, question = judging.bank, judging.question
    answer = await asyncio.to_thread(prepare_answer, judging.text, question, bank.language)
    # Nothing is awaited from here on: the page shows one moment, and the stream goes on from there.
    if judging.state == "done":
        raise redirect(request, judging.path)
    points = [check for check in bank.checks_of(question) if check.kind == "point"]
    criteria = [(c, [check for check in points if check.criterion == c.id]) for c in bank.rubric_of(question).criteria]
    verdicts = {event.data["check"]: event.data for event in judging.events if event.name == "verdict"}
    back = f"/questions/{question.id}" if judging.attempt is None else f"/attempts/{judging.attempt}#follow-up"
    return site.page(
        "judging",
        judging=judging,
        question=question,
        criteria=[(criterion, checks) for criterion, checks in criteria if checks],
        count=len(points),
        verdicts=verdicts,
        lit={number for data in verdicts.values() for number in data["sentences"]},
        pieces=_pieces(answer.text, [(s.start, s.end, s.number) for s in answer.sentences]),
        ahead=request.app[LINE].ahead(judging),
        seen=len(judging.events),
        back=back,
        failure=judging.events[-1].data if judging.state == "failed" else None,
    )


def _pieces(text: str, sentences: Sequence[tuple[int, int, int]]) -> list[tuple[str, int | None]]:
    """Cut a text into its sentences, with their numbers, and what stands between them."""
    pieces: list[tuple[str, int | None]] = []
    last = 0
    for start, end, number in sentences:
        pieces += [(text[last:start], None), (text[start:end], number)]
        last = end
    return [*pieces, (text[last:], None)]


async def _state(request: web.Request) -> web.StreamResponse:
    judging = _found(request)
    return web.json_response({"state": judging.state, "ahead": request.app[LINE].ahead(judging)})


async def _events(request: web.Request) -> web.StreamResponse:
    judging = _found(request)
    after = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"retry: 1000\n\n")
    async for item in judging.follow(int(after) if after.isdecimal() else 0):
        if item is None:
            await response.write(b": still here\n\n")
        else:
            number, event = item
            data = json.dumps(event.data)
            await response.write(f"id: {number}\nevent: {event.name}\ndata: {data}\n\n".encode())
    return response


async def _left_out(request: web.Request) -> web.StreamResponse:
    judging, data = _found(request), await json_of(request)
    checks = {check.id for check in judging.bank.checks_of(judging.question)}
    judging.left_out = checks & {str(name) for name in data.get("checks") or ()}
    return web.Response(status=204)


async def _stop(request: web.Request) -> web.StreamResponse:
    judging = _found(request)
    request.app[LINE].stop(judging)
    if judging.attempt is None:
        raise redirect(request, f"/questions/{judging.question.id}?draft={judging.draft}")
    raise redirect(request, f"/attempts/{judging.attempt}#follow-up")


ROUTES = (
    web.get("/", _home),
    web.get("/questions/{id}", _write),
    web.put("/questions/{id}/draft", _put_draft),
    web.post("/questions/{id}/attempts", _submit),
    web.get("/judging/{id}", _watch),
    web.get("/judging/{id}/state", _state),
    web.get("/judging/{id}/events", _events),
    web.put("/judging/{id}/left-out", _left_out),
    web.post("/judging/{id}/stop", _stop),
)
