"""The history as reports: the listing, the progress on one question, and what to practise next.

Each is made of one result (``coach.history.records``, which is also what ``--json`` prints). Times are shown in
``timezone``; None is the machine's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from coach.history.records import AttemptSummary, ChangedCheck, HistoryListing, NextQuestions, Progress
from coach.report.document import (
    Bar,
    Block,
    Column,
    Document,
    Heading,
    Item,
    Notice,
    Paragraph,
    Span,
    Standing,
    Table,
    Words,
    section,
)
from coach.report.words import NOTICES_TITLE, change_text, check_text, counted, whole
from coach.submit.scoring import SCORING_RULE

_NUMBER, _SAVED = Column("No.", right=True, wraps=False), Column("Saved", wraps=False)
_SCORE = Column("Score", right=True, wraps=False)


def history_document(listing: HistoryListing, timezone: tzinfo | None = None) -> Document:
    """Return the listing: one row an attempt, oldest first, and a word about the older ones that are not shown."""
    attempts = listing.attempts
    if not attempts:
        hint = "No attempts are saved yet. `coach submit ID` keeps each answer with its critique."
        return Document("History", (Paragraph(hint),))
    several_banks = len({attempt.bank_title for attempt in attempts}) > 1
    columns = [_NUMBER, _SAVED, Column("Question", wraps=False), _SCORE, Column("Likely range", wraps=False)]
    columns += [Column("Bank")] if several_banks else []
    rows: list[tuple[Words, ...]] = [
        (
            str(attempt.id),
            _moment(attempt, timezone),
            attempt.question_id,
            _score(attempt),
            _interval(attempt),
            *([Span(attempt.bank_title, "dim")] if several_banks else []),
            Span(attempt.model, "dim"),
        )
        for attempt in attempts
    ]
    blocks: list[Block] = [Table((*columns, Column("Model")), tuple(rows)), *_legend(attempts)]
    older = listing.total - len(attempts)
    if older:
        blocks.append(Paragraph(f"{counted(older, 'older attempt')} not shown; --limit 0 shows all.", "dim"))
    return Document("History", tuple(blocks), wide=True)


def progress_document(progress: Progress, timezone: tzinfo | None = None) -> Document:
    """Return the progress on one question: a bar for each attempt, checks lost and gained, recurring advice, notes."""
    rows: list[tuple[Words | Bar, ...]] = []
    for attempt in progress.attempts:
        best = progress.scored > 1 and attempt.id == progress.best_attempt
        bar: Words | Bar = Span(attempt.unscored_reason or "", "dim")
        if attempt.score is not None:
            bar = Bar(attempt.score / 100, f"{whole(attempt.score)} of 100")
        number = f"{attempt.id}{'*' if best else ''}"
        rows.append((number, _moment(attempt, timezone), _score(attempt), bar, _interval(attempt)))
    columns = (_NUMBER, _SAVED, _SCORE, Column("of 100"), Column("Likely range", wraps=False, spare=True))
    blocks: list[Block] = [
        Paragraph((Span(progress.question_id, "strong"), f" · {_headline(progress)}")),
        Table(columns, tuple(rows)),
        *_legend(progress.attempts, best_marked=progress.scored > 1),
        # What was lost comes first: it is the easiest to put back.
        *_changes("Lost since the first attempt", progress.lost, Standing.AGAINST),
        *_changes("Gained since the first attempt", progress.gained, Standing.EARNED),
    ]
    if progress.scored > 1 and not progress.gained and not progress.lost:
        blocks.append(Paragraph("No check changed clearly since the first attempt."))
    advice = [Item((Span(f"{a.times} of {a.of}:", "strong"), f" {a.advice}")) for a in progress.recurring]
    blocks += section("Advice that keeps coming back", advice)
    if progress.notes:
        blocks.append(Notice(NOTICES_TITLE, tuple(progress.notes)))
    return Document(f"Progress: {progress.question_id}", tuple(blocks))


def next_document(ranking: NextQuestions, count: int) -> Document:
    """Return the question to practise next, why, and the ``count - 1`` after it."""
    first, *others = ranking.suggestions[: max(1, count)]
    blocks: list[Block] = [
        Heading(first.text, 1, above=(Span(first.question_id, "strong"), f" · {first.reason}")),
        Paragraph(("Answer it with: ", Span(f"coach submit {first.question_id}", "code"))),
    ]
    if others:
        rows = tuple((f"{one.rank}.", one.question_id, Span(one.reason, "dim")) for one in others)
        columns = (Column(right=True, wraps=False), Column(wraps=False), Column())
        blocks += [Heading("After that"), Table(columns, rows)]
    return Document("What to practise next", tuple(blocks))


def _headline(progress: Progress) -> str:
    attempts = counted(len(progress.attempts), "attempt")
    if progress.latest_score is None:
        return f"{attempts}, none of them scored"
    if progress.scored == 1 or progress.first_score is None:
        return f"{attempts}, score {whole(progress.latest_score)}"
    scores = f"score {whole(progress.first_score)} at first, {whole(progress.latest_score)} now"
    return f"{attempts}, {scores}, best in attempt {progress.best_attempt}"


def _legend(attempts: Sequence[AttemptSummary], best_marked: bool = False) -> Iterator[Block]:
    marks = ["* best score"] if best_marked else []
    if any(attempt.needs_review and attempt.score is not None for attempt in attempts):
        marks.append("? uncertain, worth a human look")
    if any(attempt.score is not None and attempt.scoring_rule != SCORING_RULE for attempt in attempts):
        marks.append("~ scored by an older rule, so not to be compared with the others")
    if marks:
        yield Paragraph(" · ".join(marks), "dim")


def _changes(title: str, changes: Sequence[ChangedCheck], standing: Standing) -> tuple[Block, ...]:
    items = []
    for change in changes:
        step = Span(f"{change_text(change.kind, change.before, change.after)}:", "strong", standing)
        items.append(Item((step, f" {check_text(change.kind, change.statement)}"), standing))
    return section(title, items)


def _score(attempt: AttemptSummary) -> Words:
    if attempt.score is None:
        return Span("–", "dim")
    marks = (" ?" if attempt.needs_review else "") + (" ~" if attempt.scoring_rule != SCORING_RULE else "")
    return f"{whole(attempt.score)}{marks}"


def _interval(attempt: AttemptSummary) -> str:
    return " to ".join(str(whole(edge)) for edge in attempt.interval or ())


def _moment(attempt: AttemptSummary, timezone: tzinfo | None) -> str:
    return f"{attempt.created_at.astimezone(timezone):%Y-%m-%d %H:%M}"
