"""What the candidate is told: strengths, improvements, the next question, and when a human should look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coach.answer.answer import Answer, AssessmentWarning
from coach.bank.questions import Check, Question, Rubric
from coach.judge.judging import CheckVerdict, Verdict
from coach.judge.signals import MET, PARTLY, RED_FLAG_DOUBT
from coach.judge.similarity import LexicalSimilarity
from coach.submit.assessment import Improvement
from coach.submit.scoring import WIDE_INTERVAL, Probabilities, check_shares, gains_of

#: Gains below this many points are noise, not advice.
MIN_GAIN = 0.5
#: So many pieces of advice are given at a time, those that gain most; the rest waits until these are followed.
STEPS = 3
#: An answer to a follow-up question is judged by at most so many points.
FOLLOW_UP_CHECKS = 3
#: Above this share of the checks' weight unjudged, the score stands on too little.
MAX_UNJUDGED = 0.2

_REVIEW_WARNINGS = {
    "instruction_in_answer": "the answer contains text that talks to the grader",
    "hidden_text": "the answer contains hidden text",
    "other_language": "the answer is written in another language",
    "too_long": "the answer was too long to be judged whole",
}


def strengths_of(
    rubric: Rubric, checks: Sequence[Check], verdicts: Mapping[str, CheckVerdict], probabilities: Probabilities
) -> list[str]:
    """Return the statements of the points that are met, those that count most first."""
    shares = check_shares(rubric, checks, probabilities)
    met = [c for c in checks if c.kind == "point" and verdicts[c.id].verdict is Verdict.MET]
    return [check.statement for check in sorted(met, key=lambda check: -shares.get(check.id, 0.0))]


def improvements_of(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> list[Improvement]:
    """Return the author's advice on every check that is not settled, harm first, then the largest possible gain.

    A wrong statement that is surely there is named even where putting it right gains nothing by itself. Where one of
    several alternatives is shown, the others are no advice: who told of an own case need not say that there is none.
    """
    improvements = []
    gains = gains_of(rubric, checks, probabilities)
    shown = {check.id for check in checks if (probabilities.get(check.id) or 0.0) >= PARTLY}
    settled = {other for check in checks if check.id in shown for other in check.alternative_to}
    for check in checks:
        probability = probabilities.get(check.id)
        if probability is None or (check.kind == "point" and probability >= MET):
            continue
        if check.id in settled or shown & set(check.alternative_to):
            continue
        gain = gains.get(check.id, 0.0)
        if gain >= MIN_GAIN or (check.kind == "red_flag" and probability >= MET):
            improvements.append(Improvement(check_id=check.id, advice=check.advice, gain=round(gain, 1)))
    place = {check.id: (not check.harm, index) for index, check in enumerate(checks)}
    return sorted(improvements, key=lambda item: (place[item.check_id][0], -item.gain, place[item.check_id][1]))


def follow_up_of(question: Question, improvements: Sequence[Improvement], checks: Sequence[Check]) -> str:
    """Return the author's follow-up question that comes nearest to what the answer leaves open."""
    if not question.follow_ups:
        return "Can you tell me about a time when you did this yourself?"
    if not improvements:
        return question.follow_ups[0]
    statements = {check.id: check.statement for check in checks}
    open_points = " ".join(statements[item.check_id] for item in improvements[:2])
    likeness = LexicalSimilarity().matrix(question.follow_ups, [open_points])
    best = max(range(len(question.follow_ups)), key=lambda index: likeness[index][0])
    return question.follow_ups[best]


def checks_of_follow_up(follow_up: str, improvements: Sequence[Improvement], checks: Sequence[Check]) -> list[Check]:
    """Return the points that an answer to a follow-up question is judged by: those that it asks about.

    These are the ones that it comes nearest to by its words, else the open ones that it was chosen for.
    """
    points = [check for check in checks if check.kind == "point"]
    likeness = LexicalSimilarity().matrix([follow_up], [f"{check.statement} {check.advice}" for check in points])[0]
    nearest = sorted(zip(likeness, points, strict=True), key=lambda pair: -pair[0])
    near = [check for alike, check in nearest[:FOLLOW_UP_CHECKS] if alike > nearest[0][0] / 2]
    chosen = {item.check_id for item in improvements[:2]}
    return near or [check for check in points if check.id in chosen] or points[:1]


def review_reasons_of(
    answer: Answer,
    warnings: Sequence[AssessmentWarning],
    checks: Sequence[Check],
    probabilities: Probabilities,
    interval: tuple[float, float] | None,
) -> list[str]:
    """Return why a human should look at this result; empty when nothing asks for it."""
    codes = {warning.code for warning in warnings}
    reasons = [reason for code, reason in _REVIEW_WARNINGS.items() if code in codes]
    if answer.unscored_reason:
        reasons.append("the answer was not scored")
        return reasons
    weight = sum(check.weight for check in checks)
    unjudged = sum(check.weight for check in checks if probabilities.get(check.id) is None)
    if unjudged > MAX_UNJUDGED * weight:
        reasons.append(f"{unjudged / weight:.0%} of the checks' weight could not be judged")
    if interval and interval[1] - interval[0] > WIDE_INTERVAL:
        reasons.append(f"the score is uncertain ({interval[0]:.0f} to {interval[1]:.0f})")
    for check in checks:
        probability = probabilities.get(check.id)
        if check.kind == "red_flag" and probability is not None and RED_FLAG_DOUBT <= probability < MET:
            reasons.append(f"it is unclear whether the answer says something wrong: {check.statement}")
    return reasons
