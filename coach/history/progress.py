"""What is read from saved attempts: the list, how those at one question developed, and what to practise next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from coach.bank.questions import Bank, Question
from coach.history.records import (
    Attempt,
    AttemptSummary,
    ChangedCheck,
    HistoryListing,
    NextQuestions,
    Progress,
    RecurringAdvice,
    Suggestion,
)
from coach.history.store import HistoryStore
from coach.submit.changes import CheckChange, check_changes, different_ways
from coach.submit.scoring import SCORING_RULE

#: Scores that differ by less are treated as the same: so much is noise of the judging.
SCORE_STEP = 5
#: Advice keeps coming back when the latest attempt and another one of the last this many got it.
LAST_ATTEMPTS = 3


def listing_of(store: HistoryStore, bank_title: str | None = None, limit: int | None = None) -> HistoryListing:
    """Return the newest ``limit`` attempts of one bank; None is all of them, of every bank. Raises StorageError."""
    attempts = [summarize(attempt) for attempt in store.attempts(limit, bank_title=bank_title)]
    return HistoryListing(total=store.count(bank_title=bank_title), attempts=attempts)


def summarize(attempt: Attempt) -> AttemptSummary:
    """Return everything about an attempt but its texts."""
    assessment = attempt.assessment
    return AttemptSummary(
        id=attempt.id,
        question_id=attempt.question_id,
        bank_title=attempt.bank_title,
        created_at=attempt.created_at,
        score=assessment.score,
        interval=assessment.interval,
        unscored_reason=assessment.unscored_reason,
        needs_review=assessment.needs_review,
        model=attempt.model,
        scoring_rule=assessment.receipt.scoring_rule,
    )


def progress_of(attempts: Sequence[Attempt]) -> Progress:
    """Return the progress over the attempts at one question, which come oldest first.

    Where they belong to several banks, those of the latest attempt's bank count. What is gained and lost is told from
    the first to the latest scored attempt. Raises ValueError when there is no attempt, or when they belong to several
    questions.
    """
    if len({attempt.question_id for attempt in attempts}) != 1:
        raise ValueError("progress needs at least one attempt, and all at one question")
    bank_title = attempts[-1].bank_title
    own = [attempt for attempt in attempts if attempt.bank_title == bank_title]
    scored = [attempt for attempt in own if attempt.score is not None]
    # Of equals the latest is the best.
    best = max(reversed(scored), key=lambda attempt: attempt.score or 0.0, default=None)
    changes = check_changes(scored[0].assessment, scored[-1].assessment, {}) if scored else None
    return Progress(
        question_id=own[-1].question_id,
        bank_title=bank_title,
        attempts=[summarize(attempt) for attempt in own],
        scored=len(scored),
        first_score=scored[0].score if scored else None,
        latest_score=scored[-1].score if scored else None,
        best_attempt=best.id if best else None,
        gained=_changed([*changes.gained, *changes.red_flags_gone] if changes else []),
        lost=_changed([*changes.lost, *changes.red_flags_appeared] if changes else []),
        recurring=_recurring_advice(scored[-LAST_ATTEMPTS:]),
        notes=_notes(attempts, own, scored),
    )


def _changed(changes: Iterable[CheckChange]) -> list[ChangedCheck]:
    return [
        ChangedCheck(
            check_id=change.check_id,
            kind=change.kind,
            statement=change.statement,
            before=change.old_verdict,
            after=change.new_verdict,
        )
        for change in changes
    ]


def _recurring_advice(recent: Sequence[Attempt]) -> list[RecurringAdvice]:
    """Return the advice of the latest attempt that another of the recent ones got too, the most frequent first.

    Advice that the latest attempt followed is not repeated, however often it was given before.
    """
    given = Counter(name for attempt in recent for name in {a.check_id for a in attempt.assessment.improvements})
    recurring = [
        RecurringAdvice(
            check_id=advice.check_id,
            advice=advice.advice,
            times=given[advice.check_id],
            of=len(recent),
            gain=advice.gain,
        )
        for attempt in recent[-1:]
        for advice in attempt.assessment.improvements
        if given[advice.check_id] >= 2
    ]
    return sorted(recurring, key=lambda advice: (-advice.times, -advice.gain, advice.check_id))


def _notes(attempts: Sequence[Attempt], own: Sequence[Attempt], scored: Sequence[Attempt]) -> list[str]:
    notes = []
    others = sorted({attempt.bank_title for attempt in attempts} - {own[-1].bank_title})
    if others:
        notes.append(f"Attempts of another bank are left out: {', '.join(others)}.")
    unscored = [attempt for attempt in own if attempt.score is None]
    if unscored:
        notes.append(_said_of(unscored, "has no score and is", "have no score and are") + " not counted here.")
    older = [attempt for attempt in scored if attempt.assessment.receipt.scoring_rule != SCORING_RULE]
    if older and len(older) < len(scored):
        rest = " scored by an older rule: compare which points were made, not the scores."
        notes.append(_said_of(older, "was", "were") + rest)
    ways = different_ways([attempt.assessment.receipt for attempt in scored])
    return [*notes, *(f"The attempts were judged {how}: their scores can be compared only roughly." for how in ways)]


def _said_of(attempts: Sequence[Attempt], of_one: str, of_several: str) -> str:
    """Return the beginning of a sentence about these attempts, with the verb that fits their number."""
    numbers = ", ".join(str(attempt.id) for attempt in attempts)
    return f"Attempt {numbers} {of_one}" if len(attempts) == 1 else f"Attempts {numbers} {of_several}"


@dataclass(frozen=True)
class _Standing:
    """One question with what was done about it so far; ``step`` is the latest score in steps of SCORE_STEP points."""

    question: Question
    attempts: int
    latest_score: float | None
    older_rule: bool
    step: int
    last_practised: datetime | None


def rank_questions(bank: Bank, attempts: Sequence[Attempt], timezone: tzinfo | None = UTC) -> NextQuestions:
    """Rank all questions of the bank, the one to practise next first; the same input always gives the same order.

    Never answered first (in the bank's order), then answered but never scored, then the weakest latest score, and
    among scores within the same SCORE_STEP points the one practised longest ago. Attempts (oldest first) of other
    banks and at questions that the bank no longer has are ignored.

    Days in the reasons are days in ``timezone`` (None: the machine's own).
    """
    standings = []
    for question in bank.questions:
        own = [one for one in attempts if (one.bank_title, one.question_id) == (bank.title, question.id)]
        scored = [attempt for attempt in own if attempt.score is not None]
        latest = scored[-1].score if scored else None
        older = bool(scored) and scored[-1].assessment.receipt.scoring_rule != SCORING_RULE
        practised = own[-1].created_at if own else None
        standings.append(_Standing(question, len(own), latest, older, int((latest or 0) // SCORE_STEP), practised))
    standings.sort(key=lambda one: (_group(one), one.step, one.last_practised.timestamp() if one.last_practised else 0))
    steps = [standing.step for standing in standings if _group(standing) == 2]
    return NextQuestions(
        bank_title=bank.title,
        suggestions=[_suggestion(rank, standing, steps, timezone) for rank, standing in enumerate(standings, start=1)],
    )


def _group(standing: _Standing) -> int:
    """Return 0 for a question never answered, 1 for one answered but never scored, 2 for the others."""
    if standing.last_practised is None:
        return 0
    return 1 if standing.latest_score is None else 2


def _suggestion(rank: int, standing: _Standing, steps: Sequence[int], timezone: tzinfo | None) -> Suggestion:
    question = standing.question
    longest_ago = _group(standing) == 2 and steps.count(standing.step) > 1
    return Suggestion(
        rank=rank,
        question_id=question.id,
        number=question.number,
        category=question.category,
        text=question.text,
        basis=("never-answered", "never-scored", "longest-ago" if longest_ago else "weakest")[_group(standing)],
        reason=_reason(standing, steps, longest_ago, timezone),
        attempts=standing.attempts,
        latest_score=standing.latest_score,
        last_practised=standing.last_practised,
    )


def _reason(standing: _Standing, steps: Sequence[int], longest_ago: bool, timezone: tzinfo | None) -> str:
    if standing.last_practised is None:
        return "You have not answered it yet."
    day = f"{standing.last_practised.astimezone(timezone):%Y-%m-%d}"
    if standing.latest_score is None:
        return f"Your answers to it could not be scored yet; last practised {day}."
    score = f"{standing.latest_score:.0f} of 100{' by an older scoring rule' if standing.older_rule else ''}"
    if longest_ago:
        return f"Latest score {score}, about the same as others; of these, last practised {day}."
    if standing.step == min(steps):
        return f"Your weakest question: latest score {score}; last practised {day}."
    return f"Latest score {score}; last practised {day}."
