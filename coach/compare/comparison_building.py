"""Putting the comparison of two assessed revisions together: the last pure step before it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coach.answer.answer import AssessmentWarning
from coach.bank.questions import Bank, Question
from coach.compare.difference import PairedDifference, paired_difference, rule_in_words
from coach.compare.new_claims import new_claims
from coach.compare.result import ComparedVersion, Comparison, DiffSegment, NewClaim, TextDiff
from coach.compare.text_diff import diff_texts
from coach.submit.assessment import Assessment, Evidence
from coach.submit.changes import (
    CheckChange,
    CheckChanges,
    check_changes,
    followed_advice,
    left_out_checks,
    next_advice,
    still_open,
)


@dataclass(frozen=True)
class JudgedRevision:
    """One revision of an answer with its assessment; ``example`` marks one that the candidate did not write."""

    label: str
    text: str
    assessment: Assessment
    example: bool = False


def compared_version(revision: JudgedRevision) -> ComparedVersion:
    """Return what a comparison says about one version as a whole."""
    assessment = revision.assessment
    return ComparedVersion(
        label=revision.label,
        example=revision.example,
        answer_sha256=assessment.answer_sha256,
        score=assessment.score,
        interval=assessment.interval,
        unscored_reason=assessment.unscored_reason,
        receipt=assessment.receipt,
    )


def difference_of(bank: Bank, question: Question, old: Assessment, new: Assessment) -> PairedDifference | None:
    """Return the paired difference of two assessments; None when one has no score, or too little was judged in both."""
    if old.score is None or new.score is None:
        return None
    sides = [_judged(assessment.probabilities()) for assessment in (old, new)]
    return paired_difference(bank.rubric_of(question), bank.checks_of(question), *sides)


def no_verdict_reason(old: JudgedRevision, new: JudgedRevision, difference: PairedDifference | None) -> str | None:
    """Return why there is no verdict, or None when there is one."""
    if difference is not None:
        return None
    unscored = [revision for revision in (old, new) if revision.assessment.score is None]
    if not unscored:
        return "The checks that were judged in both versions are too few for a score."
    reasons = [f"{r.label}: {r.assessment.unscored_reason or 'it could not be judged.'}" for r in unscored]
    return f"Without a score there is nothing to compare. {' '.join(reasons)}"


def build_comparison(bank: Bank, question: Question, old: JudgedRevision, new: JudgedRevision) -> Comparison:
    """Compare two revisions that were judged in the same way; what differs in the way they were judged is warned of."""
    before, after = old.assessment, new.assessment
    difference = difference_of(bank, question, before, after)
    parts: Mapping[str, float] = difference.parts if difference else {}
    changes = check_changes(before, after, parts) if difference else CheckChanges([], [], [], [])
    missing, flags = still_open(before, after, parts, changes.ids(), of_old=new.example)
    followed = [] if new.example or old.example else followed_advice(before, after, changes)
    left_out = left_out_checks(before, after) if difference else []
    comparison = Comparison(
        question_id=question.id,
        old=compared_version(old),
        new=compared_version(new),
        verdict=difference.verdict if difference else None,
        no_verdict_reason=no_verdict_reason(old, new, difference),
        difference=_rounded(difference.difference) if difference else None,
        interval=(_rounded(difference.interval[0]), _rounded(difference.interval[1])) if difference else None,
        threshold=_rounded(difference.threshold) if difference else None,
        rule=difference.in_words() if difference else rule_in_words(),
        lost=changes.lost,
        red_flags_appeared=changes.red_flags_appeared,
        gained=changes.gained,
        red_flags_gone=changes.red_flags_gone,
        still_missing=missing,
        red_flags_remaining=flags,
        left_out=left_out,
        followed_advice=followed,
        next_advice=next_advice(before if new.example else after, followed),
        diff=diff_texts(old.text, new.text, bank.language),
        new_claims=_new_claims(bank, question, old, new),
        warnings=[*_way_of_judging(before, after), *_own_warnings(old, new)],
    )
    comparison.diff = _linked(comparison.diff, comparison.changes())
    return comparison


def _new_claims(bank: Bank, question: Question, old: JudgedRevision, new: JudgedRevision) -> list[NewClaim]:
    """Facts of an example are not the candidate's, and beside an empty version every fact would be new."""
    if old.example or new.example or not old.text.strip():
        return []
    return new_claims(new.text, old.text, bank, question)


def _judged(probabilities: Mapping[str, float | None]) -> dict[str, float]:
    return {check_id: p for check_id, p in probabilities.items() if p is not None}


def _rounded(points: float) -> float:
    # 0.0 is added so that no "-0.0" is shown.
    return round(points, 1) + 0.0


def _linked(diff: TextDiff, changes: Iterable[CheckChange]) -> TextDiff:
    """Name at each piece that is not the same the checks that changed and whose evidence it touches."""
    changes = list(changes)

    def linked(segment: DiffSegment) -> DiffSegment:
        ids = [change.check_id for change in changes if segment.kind != "same" and _touches(segment, change)]
        return segment.model_copy(update={"check_ids": ids})

    return diff.model_copy(update={"segments": [linked(segment) for segment in diff.segments]})


def _touches(segment: DiffSegment, change: CheckChange) -> bool:
    def overlap(evidence: Iterable[Evidence], start: int, end: int) -> bool:
        return any(item.start < end and start < item.end for item in evidence)

    if segment.kind == "removed":
        return overlap(change.old_evidence, segment.old_start, segment.old_end)
    return overlap(change.new_evidence, segment.new_start, segment.new_end)


def _way_of_judging(old: Assessment, new: Assessment) -> list[AssessmentWarning]:
    """Say where two assessments, such as one from the history, were not made in the same way."""
    before, after = old.receipt, new.receipt
    differences: tuple[tuple[str, bool], ...] = (
        ("by different models", before.model != after.model),
        ("with different methods", before.judge != after.judge),
        ("with different prompts", before.prompt_version != after.prompt_version),
        ("under different banks", before.bank_sha256 != after.bank_sha256),
        ("under different rubrics", before.rubric_sha256 != after.rubric_sha256),
        ("with different calibrations", before.calibration != after.calibration),
    )
    if not any(differs for _, differs in differences):
        # Settings that a receipt does not name one by one, such as the sentence encoder.
        differences = (("with different settings", before.judging_sha256 != after.judging_sha256),)
    return [
        AssessmentWarning(
            code="judged_differently",
            message=f"The two versions were judged {how}, so part of the difference may come from that.",
        )
        for how, differs in differences
        if differs
    ]


def _own_warnings(old: JudgedRevision, new: JudgedRevision) -> list[AssessmentWarning]:
    warnings = []
    for revision in (old, new):
        assessment = revision.assessment
        for warning in assessment.warnings:
            warnings.append(AssessmentWarning(code=warning.code, message=f"{revision.label}: {warning.message}"))
        if assessment.score is not None and assessment.needs_review:
            why = "; ".join(r.removesuffix(".") for r in assessment.review_reasons) or "the judging left some doubt"
            warnings.append(
                AssessmentWarning(code="needs_review", message=f"{revision.label}: a person should look: {why}.")
            )
    return warnings
