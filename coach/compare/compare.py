"""Comparing revisions of an answer: each is assessed once, in the same way, and then compared check by check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from coach.answer.answer import AssessmentWarning
from coach.bank.questions import Bank, Question
from coach.compare.claims import new_claims
from coach.compare.difference import paired_difference, rule_in_words
from coach.compare.result import (
    ComparedVersion,
    Comparison,
    ComparisonSeries,
    DiffSegment,
    SeriesRow,
    SeriesStep,
)
from coach.compare.text_diff import diff_texts
from coach.history.records import AttemptRecord
from coach.judge.judging import OnVerdict
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.changes import (
    CheckChange,
    CheckChanges,
    check_changes,
    different_ways,
    followed_advice,
    left_out_checks,
    next_advice,
    still_open,
)
from coach.submit.key import result_key
from coach.submit.scoring import SCORING_RULE


@dataclass(frozen=True)
class Revision:
    """One version of an answer, and what people call it; ``example`` marks one that the candidate did not write."""

    label: str
    text: str
    example: bool = False


@dataclass(frozen=True)
class JudgedRevision:
    """A revision with its assessment."""

    revision: Revision
    assessment: Assessment


#: Assessments made before, by result key (see ``coach.submit.key``).
Known = Mapping[str, Assessment]
#: Called before a revision is judged; returns what to tell its verdicts to, if anything.
OnRevision = Callable[[Revision], OnVerdict | None]


async def compare_revisions(
    assessor: AnswerAssessor,
    question: Question,
    revisions: Sequence[Revision],
    known: Known | None = None,
    on_revision: OnRevision | None = None,
) -> Comparison:
    """Compare the first revision (old) with the second (new).

    A revision whose assessment is known is not judged again, nor is the same text twice. Raises ModelError, and
    ValueError unless there are two revisions.
    """
    if len(revisions) != 2:
        raise ValueError("a comparison needs two revisions")
    old, new = await _judge_all(assessor, question, revisions, known, on_revision)
    return build_comparison(assessor.bank, question, old, new)


async def compare_series(
    assessor: AnswerAssessor,
    question: Question,
    revisions: Sequence[Revision],
    known: Known | None = None,
    on_revision: OnRevision | None = None,
) -> ComparisonSeries:
    """Compare each revision with the one before it and with the first; raises as ``compare_revisions`` does."""
    judged = await _judge_all(assessor, question, revisions, known, on_revision)
    return build_series(assessor.bank, question, judged)


def known_from_history(assessor: AnswerAssessor, question: Question, attempts: Iterable[AttemptRecord]) -> Known:
    """Return the assessments of saved attempts that this assessor would make in the same way, by result key.

    Their receipts say that everything which changes a result was as this assessor has it.
    """
    judging = assessor.judging_sha256(question)
    return {
        _key(assessor, question, attempt.answer): attempt.assessment
        for attempt in attempts
        if (attempt.assessment.receipt.judging_sha256, attempt.assessment.receipt.calibration) == (judging, None)
    }


def all_known(assessor: AnswerAssessor, question: Question, revisions: Iterable[Revision], known: Known) -> bool:
    """Return whether no revision has to be judged."""
    return all(_key(assessor, question, revision.text) in known for revision in revisions)


def _key(assessor: AnswerAssessor, question: Question, text: str) -> str:
    return result_key(assessor.bank, question, assessor.judge, text)


async def _judge_all(
    assessor: AnswerAssessor,
    question: Question,
    revisions: Sequence[Revision],
    known: Known | None,
    on_revision: OnRevision | None,
) -> list[JudgedRevision]:
    done = dict(known or {})
    judged = []
    for revision in revisions:
        key = _key(assessor, question, revision.text)
        if key not in done:
            on_verdict = on_revision(revision) if on_revision else None
            done[key] = await assessor.assess(question, revision.text, on_verdict)
        judged.append(JudgedRevision(revision, done[key]))
    return judged


def build_comparison(bank: Bank, question: Question, old: JudgedRevision, new: JudgedRevision) -> Comparison:
    """Compare two revisions that were judged in the same way; what differs in the way they were judged is warned of."""
    before, after = old.assessment, new.assessment
    example = old.revision.example or new.revision.example
    difference = None
    if before.score is not None and after.score is not None:
        sides = [{i: p for i, p in side.probabilities().items() if p is not None} for side in (before, after)]
        difference = paired_difference(bank.rubric_of(question), bank.checks_of(question), *sides)
    parts: Mapping[str, float] = difference.parts if difference else {}
    changes = check_changes(before, after, parts) if difference else CheckChanges([], [], [], [])
    missing, flags = still_open(before, after, parts, changes.ids(), of_old=new.revision.example)
    followed = [] if example else followed_advice(before, after, changes)
    # Facts of an example are not the candidate's, and beside an empty version every fact would be new.
    claims = (
        []
        if example or not old.revision.text.strip()
        else new_claims(new.revision.text, old.revision.text, bank, question)
    )
    comparison = Comparison(
        question_id=question.id,
        old=_compared_version(old),
        new=_compared_version(new),
        verdict=difference.verdict if difference else None,
        no_verdict_reason=None if difference else _no_verdict_reason(old, new),
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
        left_out=left_out_checks(before, after) if difference else [],
        followed_advice=followed,
        next_advice=next_advice(before if new.revision.example else after, followed),
        diff=diff_texts(old.revision.text, new.revision.text, bank.language),
        new_claims=claims,
        warnings=[*_way_of_judging(before, after), *_own_warnings(old), *_own_warnings(new)],
    )
    for segment in comparison.diff.segments:
        segment.check_ids = [change.check_id for change in comparison.changes() if _touches(segment, change)]
    return comparison


def build_series(bank: Bank, question: Question, revisions: Sequence[JudgedRevision]) -> ComparisonSeries:
    """Compare each revision with the one before it and with the first; raises ValueError for fewer than two."""
    if len(revisions) < 2:
        raise ValueError("a series needs at least two revisions")

    @cache
    def compared(old: int, new: int) -> Comparison:
        return build_comparison(bank, question, revisions[old], revisions[new])

    scores = {place: r.assessment.score for place, r in enumerate(revisions) if r.assessment.score is not None}
    # Of equals the latest is the best.
    best = max(reversed(scores), key=lambda place: scores[place], default=None)
    return ComparisonSeries(
        question_id=question.id,
        rows=[
            SeriesRow(
                version=_compared_version(revision),
                against_previous=_step(compared(place - 1, place)) if place else None,
                against_first=_step(compared(0, place)) if place else None,
                best=place == best,
            )
            for place, revision in enumerate(revisions)
        ],
        best=None if best is None else revisions[best].revision.label,
        not_clearly_better_than=[
            revisions[place].revision.label
            for place in scores
            if best is not None and place != best and compared(place, best).verdict != "improved"
        ],
        rule=rule_in_words(),
        latest=compared(len(revisions) - 2, len(revisions) - 1),
    )


def _step(comparison: Comparison) -> SeriesStep:
    return SeriesStep(**{name: getattr(comparison, name) for name in SeriesStep.model_fields})


def _compared_version(judged: JudgedRevision) -> ComparedVersion:
    assessment = judged.assessment
    return ComparedVersion(
        label=judged.revision.label,
        example=judged.revision.example,
        answer_sha256=assessment.answer_sha256,
        score=assessment.score,
        interval=assessment.interval,
        unscored_reason=assessment.unscored_reason,
        receipt=assessment.receipt,
    )


def _no_verdict_reason(*versions: JudgedRevision) -> str:
    reasons = [
        f"{version.revision.label}: {version.assessment.unscored_reason or 'it could not be judged.'}"
        for version in versions
        if version.assessment.score is None
    ]
    if not reasons:
        return "The checks that were judged in both versions are too few for a score."
    return f"Without a score there is nothing to compare. {' '.join(reasons)}"


def _rounded(points: float) -> float:
    # 0.0 is added so that no "-0.0" is shown.
    return round(points, 1) + 0.0


def _touches(segment: DiffSegment, change: CheckChange) -> bool:
    """Return whether a piece that is not the same in both texts holds some of the change's evidence."""
    if segment.kind == "same":
        return False
    if segment.kind == "removed":
        evidence, start, end = change.old_evidence, segment.old_start, segment.old_end
    else:
        evidence, start, end = change.new_evidence, segment.new_start, segment.new_end
    return any(item.start < end and start < item.end for item in evidence)


def _way_of_judging(old: Assessment, new: Assessment) -> list[AssessmentWarning]:
    """Say where two assessments, such as one from the history, were not made in the same way."""
    return [
        AssessmentWarning(
            code="judged_differently",
            message=f"The two versions were judged {how}, so part of the difference may come from that.",
        )
        for how in different_ways((old.receipt, new.receipt))
    ]


def _own_warnings(judged: JudgedRevision) -> Iterator[AssessmentWarning]:
    label, assessment = judged.revision.label, judged.assessment
    if assessment.score is not None and assessment.receipt.scoring_rule != SCORING_RULE:
        text = f"{label}: its score is by an older rule; the difference counts both versions by today's."
        yield AssessmentWarning(code="older_scoring_rule", message=text)
    for warning in assessment.warnings:
        yield AssessmentWarning(code=warning.code, message=f"{label}: {warning.message}")
    if assessment.score is not None and assessment.needs_review:
        why = "; ".join(r.removesuffix(".") for r in assessment.review_reasons) or "the judging left some doubt"
        yield AssessmentWarning(code="needs_review", message=f"{label}: a person should look: {why}.")
