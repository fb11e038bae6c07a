"""Which checks were gained and lost between two versions, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from coach.judge.judging import Verdict
from coach.schema import ResultModel
from coach.submit.assessment import Assessment, CheckResult, Evidence, Improvement, Receipt
from coach.submit.feedback import STEPS

#: Standard deviation by which harmless rewording moves the probability of a check whose sentence was touched.
#: Measured by benchmarks/reworded_pairs.py: of the checks that moved, 95 % moved by less than 0.35, about Z NOISE.
#: (Their plain standard deviation is 0.14; single sentences that move far make it too small for the tails.)
NOISE = 0.2


#: z of a two-sided 90 % interval: of 100 harmless rewordings that move checks, five cross either border.
Z = 1.64


#: A single check changed when its probability moved by more than rewording moves 19 of 20 checks.
CLEAR_MOVE = Z * NOISE


#: In which way results were judged differently, and the field of their receipts that tells it.
_WAYS = {
    "by different models": "model",
    "with different methods": "judge",
    "with different prompts": "prompt_version",
    "under different versions of the bank": "bank_sha256",
    "under different rubrics": "rubric_sha256",
    "with different calibrations": "calibration",
}


class FollowedAdvice(ResultModel):
    """Advice on the old version that the new one follows; it is not given again."""

    check_id: str
    advice: str
    points: float = Field(description="What following it brought, in points of the 0-100 score.")
    complete: bool = Field(description="False when the new version does it only partly.")
    gain_left: float = Field(description="Points that completing it can still bring.")


class LeftOutCheck(ResultModel):
    """A check that only one version, or neither, was judged on; it moved nothing."""

    check_id: str
    statement: str
    reason: str


class CheckChange(ResultModel):
    """One check in both versions. Evidence holds offsets into the text of its own version.

    ``points`` is the check's part of the difference: the parts of all checks add up to it. It is 0 for a check that
    was not judged in both versions; the probability is None where it was not judged.
    """

    check_id: str
    kind: Literal["point", "red_flag"]
    statement: str
    points: float = Field(description="Points of the 0-100 score, negative when the new version lost them.")
    old_verdict: Verdict
    new_verdict: Verdict
    old_probability: float | None = Field(ge=0, le=1)
    new_probability: float | None = Field(ge=0, le=1)
    old_evidence: list[Evidence]
    new_evidence: list[Evidence]


_RANK = {Verdict.NOT_MET: 0, Verdict.PARTLY: 1, Verdict.MET: 2}


@dataclass(frozen=True)
class CheckChanges:
    """The checks by what happened to them, those that moved most points first."""

    lost: list[CheckChange]
    red_flags_appeared: list[CheckChange]
    gained: list[CheckChange]
    red_flags_gone: list[CheckChange]

    def ids(self) -> set[str]:
        """Return the ids of all checks that changed."""
        lists = (self.lost, self.red_flags_appeared, self.gained, self.red_flags_gone)
        return {change.check_id for changes in lists for change in changes}


def check_changes(old: Assessment, new: Assessment, parts: Mapping[str, float]) -> CheckChanges:
    """Sort out the checks that changed; ``parts`` holds the points of each check.

    A check changed when its verdict did and its probability moved by more than CLEAR_MOVE: a verdict alone can flip
    when a probability crosses a threshold by a hair.
    """
    changes = CheckChanges([], [], [], [])
    for before, after in _pairs(old, new):
        step = _step(before, after)
        if step == 0:
            continue
        if after.kind == "point":
            target = changes.gained if step > 0 else changes.lost
        else:
            target = changes.red_flags_appeared if step > 0 else changes.red_flags_gone
        target.append(_change(before, after, parts))
    for group in (changes.lost, changes.red_flags_appeared, changes.gained, changes.red_flags_gone):
        group.sort(key=lambda change: -abs(change.points))
    return changes


def still_open(
    old: Assessment, new: Assessment, parts: Mapping[str, float], changed: set[str], *, of_old: bool
) -> tuple[list[CheckChange], list[CheckChange]]:
    """Return the points still missing and the red flags still there in one version, without those that changed.

    The missing points that can bring most come first. ``of_old`` asks about the old version.
    """
    gains = {item.check_id: item.gain for item in (old if of_old else new).improvements}
    missing, flags = [], []
    for before, after in _pairs(old, new):
        verdict = (before if of_old else after).verdict
        if after.id in changed or verdict is Verdict.UNJUDGED:
            continue
        if after.kind == "point" and verdict is not Verdict.MET:
            missing.append(_change(before, after, parts))
        elif after.kind == "red_flag" and verdict is not Verdict.NOT_MET:
            flags.append(_change(before, after, parts))
    missing.sort(key=lambda change: -gains.get(change.check_id, 0.0))
    return missing, flags


def left_out_checks(old: Assessment, new: Assessment) -> list[LeftOutCheck]:
    """Return the checks that could not be compared, and why."""
    before, after = ({check.id: check for check in side.check_results()} for side in (old, new))
    left_out = []
    for check in {**before, **after}.values():
        sides = [("old", before.get(check.id)), ("new", after.get(check.id))]
        missing = [name for name, result in sides if result is None]
        unjudged = [(name, r.comment) for name, r in sides if r is not None and r.probability is None]
        if missing:
            reason = f"only the {'old' if missing == ['new'] else 'new'} version was judged by this check"
        elif unjudged:
            name = "both versions" if len(unjudged) == 2 else f"the {unjudged[0][0]} version"
            comments = dict.fromkeys(comment for _, comment in unjudged if comment)
            reason = f"not judged in {name}" + (f": {'; '.join(comments)}" if comments else "")
        else:
            continue
        left_out.append(LeftOutCheck(check_id=check.id, statement=check.statement, reason=reason))
    return left_out


def followed_advice(old: Assessment, new: Assessment, changes: CheckChanges) -> list[FollowedAdvice]:
    """Return the advice on the old version that the new one follows, what brought most first.

    Nobody follows advice that was not given: of the points the first steps are shown, of what is wrong all.
    """
    wrong = {change.check_id for change in changes.red_flags_gone}
    given = [item for place, item in enumerate(old.improvements) if place < STEPS or item.check_id in wrong]
    advice = {item.check_id: item.advice for item in given}
    gains = {item.check_id: item.gain for item in new.improvements}
    followed = [
        FollowedAdvice(
            check_id=change.check_id,
            advice=advice[change.check_id],
            points=change.points,
            complete=change.new_verdict is (Verdict.MET if change.kind == "point" else Verdict.NOT_MET),
            gain_left=gains.get(change.check_id, 0.0),
        )
        for change in (*changes.gained, *changes.red_flags_gone)
        if change.check_id in advice
    ]
    return sorted(followed, key=lambda item: -item.points)


def next_advice(assessment: Assessment, followed: list[FollowedAdvice]) -> list[Improvement]:
    """Return the advice that is still open, without what was just followed."""
    done = {item.check_id for item in followed}
    return [item for item in assessment.improvements if item.check_id not in done]


def different_ways(receipts: Sequence[Receipt]) -> list[str]:
    """Return in which ways results were judged differently; nothing when their verdicts can be compared.

    The rule that made scores of the verdicts is not among them: see ``coach.submit.scoring.SCORING_RULE``.
    """

    def differ(field: str) -> bool:
        return len({getattr(receipt, field) for receipt in receipts}) > 1

    ways = [how for how, field in _WAYS.items() if differ(field)]
    # Settings that a receipt does not name one by one, such as the sentence encoder.
    settings = not ways and differ("judging_sha256") and not differ("scoring_rule")
    return ["with different settings"] if settings else ways


def _pairs(old: Assessment, new: Assessment) -> list[tuple[CheckResult, CheckResult]]:
    before = {check.id: check for check in old.check_results()}
    return [
        (before[after.id], after)
        for after in new.check_results()
        if after.id in before and before[after.id].kind == after.kind
    ]


def _step(before: CheckResult, after: CheckResult) -> int:
    """Return 1 when the check is clearly more there in the new version, -1 when less, 0 when that cannot be said."""
    if before.probability is None or after.probability is None:
        return 0
    if Verdict.UNJUDGED in (before.verdict, after.verdict):
        return 0
    rise = _RANK[after.verdict] - _RANK[before.verdict]
    moved = after.probability - before.probability
    if rise * moved <= 0 or abs(moved) <= CLEAR_MOVE:
        return 0
    return 1 if rise > 0 else -1


def _change(before: CheckResult, after: CheckResult, parts: Mapping[str, float]) -> CheckChange:
    return CheckChange(
        check_id=after.id,
        kind=after.kind,
        statement=after.statement,
        # 0.0 is added so that no "-0.0" is shown.
        points=round(parts.get(after.id, 0.0), 1) + 0.0,
        old_verdict=before.verdict,
        new_verdict=after.verdict,
        old_probability=before.probability,
        new_probability=after.probability,
        old_evidence=before.evidence,
        new_evidence=after.evidence,
    )
