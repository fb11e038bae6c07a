"""Writing what a batch has come to, streamed from the store: results, tables, summary, and a page to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from coach.bank.questions import Bank
from coach.batch.rows import RowResult
from coach.batch.store import Store
from coach.batch.summary import BatchStatistics, BatchSummary
from coach.batch.tables import Cell, header, table_row, write_tables
from coach.files import replacing, write_whole
from coach.report import words
from coach.report.assessment import Point, build_points, mark_answer
from coach.report.display_text import one_line
from coach.report.html import page_template
from coach.submit.assessment import CheckResult
from coach.submit.feedback import STEPS

PAGE = "report.html"
#: The page holds so many answers, so that a browser opens it and memory stays bounded.
_ANSWERS_ON_PAGE = 500
_SHOWN_PROBLEMS = 20
#: The page's crumbs are written so many at a time.
_PIECES = 512
_TITLES = """SELECT json_extract(item.value, '$.title') FROM ended, json_each(assessment, '$.criteria') AS item
    WHERE scored GROUP BY 1 ORDER BY min(place), item.key"""


def criterion_titles(store: Store) -> list[str]:
    """Return the titles of the criteria of all scored rows, in the order in which they first appear."""
    return [title for (title,) in store.query(_TITLES)]


def write_outputs(store: Store, bank: Bank) -> BatchSummary:
    """Write all results and reports of a batch into its directory and return the summary; raises StorageError."""
    directory, counts, titles = store.directory, store.counts(), criterion_titles(store)
    statistics = BatchStatistics(complete=counts.complete, unreadable=counts.unreadable)

    def rows(file: TextIO) -> Iterator[list[Cell]]:
        for result in store.results():
            statistics.add(result)
            file.write(result.model_dump_json(by_alias=True, exclude={"answer", "key"}) + "\n")
            yield table_row(result, titles)

    with _text_file(directory / "results.jsonl") as file:
        write_tables(directory / "results.csv", directory / "results.xlsx", header(titles), rows(file))
    summary = statistics.summary()
    write_whole(directory / "summary.json", summary.to_json() + "\n")
    with _text_file(directory / "unreadable.jsonl") as file:
        for problem in store.problems():
            file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
    with _text_file(directory / PAGE) as file:
        file.writelines(_page(store, summary, {question.id: question.text for question in bank.questions}))
    return summary


@contextmanager
def _text_file(path: Path) -> Iterator[TextIO]:
    with replacing(path) as new, new.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        yield file


def _page(store: Store, summary: BatchSummary, texts: dict[str, str]) -> Iterator[str]:
    """Yield the page in pieces: no scripts, nothing loaded from elsewhere, only its own style sheet allowed (by hash).

    ``texts`` are those of the questions; an id without one stands for itself.
    """
    first = {result.row_id for result in islice(store.results(), _ANSWERS_ON_PAGE)}
    more = [item.row_id for item in summary.review_first if item.row_id not in first]

    def answers() -> Iterator[RowResult]:
        yield from islice(store.results(), _ANSWERS_ON_PAGE)
        yield from filter(None, map(store.result, more))

    stream = page_template("batch.html.j2", "batch.css").stream(
        summary=summary,
        hardest_first=sorted(summary.questions, key=lambda question: (question.mean is None, question.mean or 0.0)),
        text_of=lambda question_id: one_line(texts.get(question_id) or question_id),
        line=one_line,
        sentence=words.sentence,
        score_text=_score_text,
        number=lambda value: "–" if value is None else f"{value:.1f}",
        percent=lambda share: "–" if share is None else f"{100 * share:.0f} %",
        counted=words.counted,
        all_bins=[sum(bins) for bins in zip(*(question.distribution for question in summary.questions), strict=True)],
        answers=map(_answer_view, answers()),
        shown=len(first) + len(more),
        problems=list(store.problems(_SHOWN_PROBLEMS)),
    )
    stream.enable_buffering(_PIECES)
    yield from stream


def _answer_view(result: RowResult) -> dict[str, Any]:
    """Return what the page shows of an answer."""
    assessment = result.assessment
    judged = assessment if result.status == "ok" else None
    scored = assessment if assessment and assessment.score is not None else None
    points = build_points(judged) if judged else {}

    def own(checks: Iterable[CheckResult]) -> list[Point]:
        return sorted(
            (points[check.id] for check in checks if check.id in points), key=lambda point: point.standing.rank
        )

    groups = [(c.title, c.level_title or words.NOT_JUDGED, own(c.checks)) for c in (scored.criteria if scored else ())]
    if judged and (wrong := own(judged.red_flags)):
        groups.append(("Wrong statements", f"{len(wrong)} found", wrong))
    return {
        "row": result,
        "standing": _score_text(judged.score, judged.interval) if judged else "failed",
        "reason": result.reason or (assessment.unscored_reason if assessment else None),
        "review": assessment.review_reasons if assessment else (),
        "warnings": assessment.warnings if assessment else (),
        "groups": groups,
        "segments": mark_answer(result.answer, points.values()),
        "steps": sorted(scored.improvements, key=lambda item: -item.gain)[:STEPS] if scored else (),
    }


def _score_text(score: float | None, interval: tuple[float, float] | None) -> str:
    """Return a score with its interval as people read it."""
    if score is None:
        return "not scored"
    if interval is None:
        return f"{words.whole(score)}"
    return f"{words.whole(score)} ({words.whole(interval[0])}–{words.whole(interval[1])})"
