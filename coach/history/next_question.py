"""Which question to practise next, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from coach.bank.questions import Bank, Question
from coach.history.records import Attempt, NextQuestions, Suggestion
from coach.submit.scoring import SCORING_RULE

#: Scores that differ by less are treated as the same: so much is noise of the judging.
SCORE_STEP = 5


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
