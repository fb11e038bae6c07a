"""How the attempts at one question developed: scores, checks gained and lost, advice that keeps coming back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from coach.history.records import Attempt, AttemptSummary, ChangedCheck, Progress, RecurringAdvice
from coach.judge.judging import Verdict
from coach.submit.assessment import CheckResult, Improvement

#: Advice keeps coming back when the latest attempt and another one of the last this many got it.
LAST_ATTEMPTS = 3
_RANK = {Verdict.NOT_MET: 0, Verdict.PARTLY: 1, Verdict.MET: 2}


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
    )


def progress_of(attempts: Sequence[Attempt]) -> Progress:
    """Return the progress over the attempts at one question, which come oldest first.

    Where they belong to several banks, those of the latest attempt's bank count. Raises ValueError when there is no
    attempt, or when they belong to several questions.
    """
    if len({attempt.question_id for attempt in attempts}) != 1:
        raise ValueError("progress needs at least one attempt, and all at one question")
    bank_title = attempts[-1].bank_title
    own = [attempt for attempt in attempts if attempt.bank_title == bank_title]
    scored = [attempt for attempt in own if attempt.score is not None]
    gained, lost = changed_checks(scored)
    return Progress(
        question_id=own[-1].question_id,
        bank_title=bank_title,
        attempts=[summarize(attempt) for attempt in own],
        scored=len(scored),
        first_score=scored[0].score if scored else None,
        latest_score=scored[-1].score if scored else None,
        best_attempt=_best(scored),
        gained=gained,
        lost=lost,
        recurring=recurring_advice(scored),
        notes=_notes(attempts, own, scored),
    )


def changed_checks(scored: Sequence[Attempt]) -> tuple[list[ChangedCheck], list[ChangedCheck]]:
    """Return the checks gained and lost between the first and the latest scored attempt.

    A point is gained when its verdict rose, a red flag when its verdict fell (it is said less or no more). Checks that
    only one of the two banks had, or that were not judged, are left out.
    """
    gained: list[ChangedCheck] = []
    lost: list[ChangedCheck] = []
    if len(scored) < 2:
        return gained, lost
    first = {check.id: check for check in scored[0].assessment.check_results()}
    for after in scored[-1].assessment.check_results():
        step = _step(first.get(after.id), after)
        if step:
            (gained if step > 0 else lost).append(_change(first[after.id], after))
    return gained, lost


def recurring_advice(scored: Sequence[Attempt]) -> list[RecurringAdvice]:
    """Return the advice of the latest attempt that another one of the last few got too, the most frequent first.

    Advice that the latest attempt followed is not repeated, however often it was given before.
    """
    recent = scored[-LAST_ATTEMPTS:]
    if len(recent) < 2:
        return []
    given = Counter(name for attempt in recent for name in {advice.check_id for advice in _improvements(attempt)})
    recurring = [
        RecurringAdvice(
            check_id=advice.check_id,
            advice=advice.advice,
            times=given[advice.check_id],
            of=len(recent),
            gain=advice.gain,
        )
        for advice in _improvements(recent[-1])
        if given[advice.check_id] >= 2
    ]
    return sorted(recurring, key=lambda advice: (-advice.times, -advice.gain, advice.check_id))


def _improvements(attempt: Attempt) -> list[Improvement]:
    return attempt.assessment.improvements


def _best(scored: Sequence[Attempt]) -> int | None:
    best: Attempt | None = None
    for attempt in scored:
        if best is None or (attempt.score or 0.0) >= (best.score or 0.0):
            best = attempt
    return best.id if best else None


def _step(before: CheckResult | None, after: CheckResult) -> int:
    """Return more than 0 when the check improved, less than 0 when it got worse, 0 when that cannot be said."""
    if before is None or before.kind != after.kind or Verdict.UNJUDGED in (before.verdict, after.verdict):
        return 0
    rise = _RANK[after.verdict] - _RANK[before.verdict]
    return rise if after.kind == "point" else -rise


def _change(before: CheckResult, after: CheckResult) -> ChangedCheck:
    return ChangedCheck(
        check_id=after.id, kind=after.kind, statement=after.statement, before=before.verdict, after=after.verdict
    )


def _notes(attempts: Sequence[Attempt], own: Sequence[Attempt], scored: Sequence[Attempt]) -> list[str]:
    notes = []
    others = sorted({attempt.bank_title for attempt in attempts} - {own[-1].bank_title})
    if others:
        notes.append(f"Attempts of another bank are left out: {', '.join(others)}.")
    unscored = [attempt.id for attempt in own if attempt.score is None]
    if unscored:
        notes.append(f"{_attempts(unscored)} no score and {_counts(unscored)} not counted here.")
    receipts = [attempt.assessment.receipt for attempt in scored]
    for what, values in (
        ("by different models", {receipt.model for receipt in receipts}),
        ("with different methods", {receipt.judge for receipt in receipts}),
        ("with different prompts", {receipt.prompt_version for receipt in receipts}),
        ("under different versions of the bank or rubric", {(r.bank_sha256, r.rubric_sha256) for r in receipts}),
    ):
        if len(values) > 1:
            notes.append(f"The attempts were judged {what}: their scores can be compared only roughly.")
    return notes


def _attempts(ids: Sequence[int]) -> str:
    numbers = ", ".join(str(number) for number in ids)
    return f"Attempt {numbers} has" if len(ids) == 1 else f"Attempts {numbers} have"


def _counts(ids: Sequence[int]) -> str:
    return "is" if len(ids) == 1 else "are"
