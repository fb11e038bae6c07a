"""A batch on the pages: its table, one answer with the grader's own mark, how far judge and people agree, exports.

A batch is only read, also while `coach batch` writes it; marks are kept beside it. What is shown is in the address.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup
from pydantic import ValidationError

from coach.batch.outputs import criterion_titles
from coach.batch.rows import RowResult
from coach.batch.store import Store
from coach.batch.tables import Cell, header, table_row, write_tables
from coach.batch.view import Mark, RowView, question_ids, row_ids, rows_by_line
from coach.calibrate.marks import (
    NAME,
    GraderMark,
    agreement_so_far,
    keep_mark,
    kept_report,
    marked_results,
    read_marks,
    same_verdicts,
)
from coach.calibrate.reference import REFERENCE_RUBRIC, reference_question
from coach.calibrate.report import calibration_document
from coach.calibrate.result import ScoredPair
from coach.errors import InputError
from coach.judge.judging import Verdict
from coach.report.assessment import assessment_document
from coach.report.document import MarkedText, Paragraph
from coach.web.site import SITE, Site, form_of

_ROWS = 50
#: What the address keeps from page to page, beside the view: the page of the table, and what is switched off.
_KEPT = (*(field.name for field in fields(RowView)), "page", "blind", "keys")
_DECIDED = frozenset({Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET})


class _Batch:
    """What a request asks about one of the batches that were named at the start; no path comes from a browser."""

    def __init__(self, request: web.Request) -> None:
        self.site: Site = request.app[SITE]
        number = int(request.match_info["number"])
        if number >= len(self.site.batches):
            raise web.HTTPNotFound(text="Batches are named when the coach is started: coach web --batch DIR")
        self.directory: Path = self.site.batches[number]
        self._path, self._name = f"/batches/{number}", self.site.batch_names[number]
        self.kept = {name: request.query[name] for name in _KEPT if request.query.get(name)}
        self.view = RowView(**{field.name: self.kept.get(field.name, "") for field in fields(RowView)})

    def to(self, page: str = "", /, **changes: str) -> str:
        """Return the address of a page of this batch, with what is kept."""
        values = {name: value for name, value in {**self.kept, **changes}.items() if value}
        return self.site.to(f"{self._path}{page}") + (f"?{urlencode(values)}" if values else "")

    def page(self, template: str, **values: Any) -> web.Response:
        """Return a page of this batch."""
        return self.site.page(template, title=self._name, kept=self.kept, at=self.to, **values)


def _given(marks: dict[str, GraderMark]) -> list[Mark]:
    return [(mark.id, mark.score, mark.answer) for mark in marks.values()]


def _mark_of(marks: dict[str, GraderMark], result: RowResult) -> GraderMark | None:
    """Return the mark of a row, unless it was given for another text."""
    mark = marks.get(result.row_id)
    return mark if mark and mark.answer == result.answer else None


async def _table(request: web.Request) -> web.StreamResponse:
    batch = _Batch(request)
    # No more digits than a table has pages.
    wanted = batch.kept.get("page", "")[:9]

    def read() -> dict[str, Any]:
        marks = read_marks(batch.directory)
        with Store.read(batch.directory) as store:
            ids = row_ids(store, batch.view, _given(marks))
            pages = max(1, -(-len(ids) // _ROWS))
            number = min(pages, max(1, int(wanted))) if wanted.isdecimal() else 1
            first = (number - 1) * _ROWS
            results = [result for name in ids[first : first + _ROWS] if (result := store.result(name))]
            return {
                "rows": [(result, _mark_of(marks, result)) for result in results],
                "found": len(ids),
                "first": first + 1,
                "number": number,
                "pages": pages,
                "counts": store.counts(),
                "marked": len(marks),
                "to_review": len(row_ids(store, RowView(show="review"), _given(marks))),
                "questions": [(name, name) for name in question_ids(store)],
                "calibrated": kept_report(batch.directory) is not None,
            }

    return batch.page("batch", **await asyncio.to_thread(read))


@dataclass(frozen=True)
class _Row:
    """One row, the grader's mark, and the rows before and after it in the view that is walked through."""

    result: RowResult
    mark: GraderMark | None
    before: str
    after: str
    #: Its place in that view, from 1, and how many rows the view has; 0 where it is not in it.
    place: int
    count: int


def _read_row(batch: _Batch, row_id: str) -> _Row:
    """Read a row; without any filter or order, those to be reviewed are walked through. Raises HTTPNotFound."""
    view = batch.view if batch.view != RowView() else RowView(show="review")
    marks = read_marks(batch.directory)
    with Store.read(batch.directory) as store:
        result = store.result(row_id)
        if result is None:
            raise web.HTTPNotFound(text="This row is not in the batch, or was not graded yet.")
        ids = row_ids(store, view, _given(marks))
        if row_id not in ids:
            # It was marked a moment ago; the next one is still the one behind it.
            ids = row_ids(store, view, _given({name: mark for name, mark in marks.items() if name != row_id}))
    at = ids.index(row_id) if row_id in ids else -1
    before, after = (ids[at - 1] if at > 0 else "", ids[at + 1] if at + 1 < len(ids) else "")
    return _Row(result, _mark_of(marks, result), before, after, at + 1, len(ids))


async def _row(request: web.Request) -> web.StreamResponse:
    batch = _Batch(request)
    row = await asyncio.to_thread(_read_row, batch, request.query.get("id", ""))
    hidden = "blind" in batch.kept and row.mark is None
    people = await asyncio.to_thread(_people_of, batch, row.result)
    return batch.page(
        "row",
        row=row,
        result=row.result,
        mark=row.mark,
        hidden=hidden,
        people=people,
        reviewing=batch.view == RowView(),
        body="" if hidden or row.result.assessment is None else await asyncio.to_thread(_body, batch.site, row),
    )


def _body(site: Site, row: _Row) -> Markup:
    """Return the report on an answer, with the grader's own verdict at each point."""
    result, chosen = row.result, row.mark.verdicts if row.mark else {}
    assert result.assessment is not None
    question, name = site.bank.by_id().get(result.question_id), result.question_id
    if question is None:
        # A question of another bank, or made from a reference answer; the assessment holds all else that is shown.
        question, rubric = reference_question(name, name).model_copy(update={"id": name}), REFERENCE_RUBRIC
    else:
        rubric = site.bank.rubric_of(question)
    document = assessment_document(result.assessment, question, rubric, result.answer, show_score=site.show_score)
    # Who marks reads the answer first; the page has a title of its own. A blank answer has no text at all.
    blocks = document.blocks[1:]
    places = [at for at, block in enumerate(blocks) if isinstance(block, MarkedText) and not block.draft]
    for at in places:
        blocks = (blocks[at], *blocks[: at - 1], *blocks[at + 1 :])
    document = replace(document, blocks=(Paragraph(question.text, "question"), *blocks))
    verdicts = {
        f"point-{check.id}": site.piece("verdict", check=check, chosen=chosen.get(check.id))
        for check in result.assessment.check_results()
    }
    return site.report(document, verdicts)


def _people_of(batch: _Batch, result: RowResult) -> ScoredPair | None:
    """Return the marks of people that `coach calibrate` compared the judge's with."""
    report = kept_report(batch.directory)
    place = (result.source, result.line)
    return next((pair for pair in report.pairs if (pair.source, pair.line) == place), None) if report else None


async def _keep_mark(request: web.Request) -> web.StreamResponse:
    batch, form = _Batch(request), await form_of(request)
    row = await asyncio.to_thread(_read_row, batch, request.query.get("id", ""))
    result = row.result
    mark = None
    if form.get("action") != "remove":
        checks = result.assessment.check_results() if result.assessment else []
        # "The rest is right" decides on what the grader passed over.
        rest = {check.id: check.verdict for check in checks if "rest" in form and check.verdict in _DECIDED}
        chosen = {check.id: form.get(f"verdict-{check.id}", "") for check in checks}
        try:
            mark = GraderMark(
                id=result.row_id,
                candidate=result.candidate,
                question_id=result.question_id,
                answer=result.answer,
                score=float(form.get("score", "").replace(",", ".")),
                verdicts={**rest, **{name: Verdict(value) for name, value in chosen.items() if value in _DECIDED}},
                comment=form.get("comment", "").strip(),
            )
        except (ValueError, ValidationError):
            raise InputError("a mark is a number from 0 to 100", "Go back, correct it, and save again.") from None
    await asyncio.to_thread(keep_mark, batch.directory, result.row_id, mark)
    goes_on = form.get("action") == "next"
    page = batch.to("/row", id=row.after) if goes_on and row.after else batch.to()
    raise web.HTTPSeeOther(page if goes_on else batch.to("/row", id=result.row_id))


async def _agreement(request: web.Request) -> web.StreamResponse:
    """Show how far judge and grader agree so far, each dot a link to its answer."""
    batch = _Batch(request)

    def read() -> dict[str, Any]:
        marks = read_marks(batch.directory)
        with Store.read(batch.directory) as store:
            marked = list(marked_results(store, marks.values()))
        if not marked:
            return {"body": "", "same": 0, "decided": 0}
        report = agreement_so_far(marked, batch.site.bank)
        document = calibration_document(report, page=True, link=lambda pair: batch.to("/row", id=pair.id))
        same, decided = same_verdicts(marked)
        return {"body": batch.site.report(document), "same": same, "decided": decided}

    return batch.page("agreement", gold=batch.directory / NAME, **await asyncio.to_thread(read))


async def _calibration(request: web.Request) -> web.StreamResponse:
    """Show what `coach calibrate --out` has found in this directory, each dot a link to its answer."""
    batch = _Batch(request)

    def read() -> Markup:
        report = kept_report(batch.directory)
        if report is None:
            raise web.HTTPNotFound(text=f"Make a calibration with: coach calibrate GOLD --out {batch.directory}")
        with Store.read(batch.directory) as store:
            rows = rows_by_line(store)

        def link(pair: ScoredPair) -> str:
            row_id = rows.get((pair.source, pair.line))
            return batch.to("/row", id=row_id) if row_id else ""

        return batch.site.report(calibration_document(report, page=True, link=link))

    return batch.page("agreement", gold=None, same=0, decided=0, body=await asyncio.to_thread(read))


async def _export(request: web.Request) -> web.StreamResponse:
    """Give the marks as GOLD, or the rows of the view as a table with the grader's marks."""
    batch, kind = _Batch(request), request.match_info["kind"]

    def rows(store: Store, marks: dict[str, GraderMark], titles: list[str]) -> Iterator[list[Cell]]:
        for result in filter(None, map(store.result, row_ids(store, batch.view, _given(marks)))):
            mark = _mark_of(marks, result)
            yield [*table_row(result, titles), mark.score if mark else None, mark.comment if mark else None]

    def written() -> bytes:
        marks = read_marks(batch.directory)
        if kind == "jsonl":
            return "".join(mark.model_dump_json() + "\n" for mark in marks.values()).encode()
        with tempfile.TemporaryDirectory() as folder, Store.read(batch.directory) as store:
            paths, titles = {end: Path(folder) / f"answers.{end}" for end in ("csv", "xlsx")}, criterion_titles(store)
            columns = [*header(titles), "Your mark", "Your comment"]
            write_tables(paths["csv"], paths["xlsx"], columns, rows(store, marks, titles))
            return paths[kind].read_bytes()

    name = "marks" if kind == "jsonl" else "answers"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    body = await asyncio.to_thread(written)
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


_PATH = r"/batches/{number:\d{1,4}}"
ROUTES = (
    web.get(_PATH, _table),
    web.get(f"{_PATH}/row", _row),
    web.post(f"{_PATH}/row", _keep_mark),
    web.get(f"{_PATH}/agreement", _agreement),
    web.get(f"{_PATH}/calibration", _calibration),
    web.get(f"{_PATH}/export.{{kind:jsonl|csv|xlsx}}", _export),
)
