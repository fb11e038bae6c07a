"""Comparing revisions of an answer: each is assessed once, in the same way, and then compared check by check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from coach.answer.answer import AssessmentWarning
from coach.answer.read import read_answer_file, read_standard_input
from coach.bank.examples import exemplar_answers
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
from coach.errors import InputError, StorageError
from coach.history.records import Attempt, AttemptRecord
from coach.history.store import HistoryStore
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

_EXEMPLAR = "exemplar"
#: So many of the newest attempts are looked at for assessments that need not be made again.
_LOOKED_AT = 20


@dataclass(frozen=True)
class Revision:
    """One version of an answer, and what people call it; ``example`` marks one that the candidate did not write."""

    label: str
    text: str
    example: bool = False


def revision_of(attempt: Attempt) -> Revision:
    """Return a saved attempt as a version."""
    return Revision(f"attempt {attempt.id} ({attempt.created_at.astimezone():%Y-%m-%d %H:%M})", attempt.answer)


@dataclass(frozen=True)
class JudgedRevision:
    """A revision with its assessment."""

    revision: Revision
    assessment: Assessment


#: Assessments made before, by result key (see ``coach.submit.key``).
Known = Mapping[str, Assessment]


# --- which versions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CompareInputs:
    """The versions, oldest first; saved attempts whose assessments may be reused; and a word on what was chosen."""

    revisions: list[Revision]
    attempts: list[Attempt]
    note: str = ""


def gather_inputs(
    bank: Bank, question: Question, files: Sequence[str], compare_with: str | None, bank_path: Path | None
) -> CompareInputs:
    """Read the files, and take from the history and the examples what is needed beside them.

    Raises InputError when the options do not fit together or there is too little to compare, AnswerUnreadableError for
    a file, and StorageError when the history is needed and cannot be read.
    """
    if compare_with not in (None, _EXEMPLAR):
        raise InputError(f"--with {compare_with}: there is no such comparison", "Use: --with exemplar")
    if compare_with and len(files) > 1:
        raise InputError(
            "--with exemplar takes one version of the answer", "Name one file, or none for the last attempt."
        )
    if files.count("-") > 1:
        raise InputError("- stands for standard input, which can be read once", "Name files for the other versions.")
    example = []
    if compare_with:
        strong = exemplar_answers(question.id, bank_path).get("strong")
        if strong is None:
            raise InputError(
                f"the bank has no example of a strong answer to {question.id}",
                "Put one into examples/exemplars beside the bank, or compare two files.",
            )
        example = [Revision("one example of a strong answer", strong, example=True)]
    revisions = [
        Revision("standard input", read_standard_input())
        if file == "-"
        else Revision(file, read_answer_file(Path(file)))
        for file in files
    ]
    wanted = max(0, 2 - len(revisions) - len(example))
    attempts = _newest_attempts(bank, question, wanted)
    taken = [revision_of(attempt) for attempt in attempts[len(attempts) - wanted :]]
    versions = _distinct([*taken, *revisions, *example])
    note = f"Comparing {' with '.join(version.label for version in versions)}." if taken else ""
    return CompareInputs(versions, attempts, note)


def _newest_attempts(bank: Bank, question: Question, wanted: int) -> list[Attempt]:
    """Return the newest attempts, oldest first, at least ``wanted``; a history that is not needed may fail."""
    attempts: list[Attempt] = []
    try:
        with HistoryStore.open() as store:
            attempts = store.attempts(_LOOKED_AT, question_id=question.id, bank_title=bank.title)
    except StorageError:
        if wanted:
            raise
    if len(attempts) < wanted:
        have = "only one saved attempt" if attempts else "no saved attempt"
        submit = f"coach submit {question.id}"
        hint = f"Save one with: {submit} FILE"
        if wanted == 2:
            hint = f"Name two files: coach compare {question.id} OLD NEW. Attempts are saved by: {submit}"
        raise InputError(f"there is {have} at {question.id} to compare", hint)
    return attempts


def _distinct(revisions: Sequence[Revision]) -> list[Revision]:
    """Number the labels that stand twice, so that a report can name each version."""
    counts, seen = Counter(revision.label for revision in revisions), Counter[str]()
    distinct = []
    for revision in revisions:
        label = revision.label
        seen[label] += 1
        distinct.append(replace(revision, label=f"{label} [{seen[label]}]") if counts[label] > 1 else revision)
    return distinct


# --- judging them ---------------------------------------------------------------------------------------------------


async def judge_revisions(
    assessor: AnswerAssessor,
    question: Question,
    revisions: Sequence[Revision],
    known: Known | None = None,
    on_revision: Callable[[Revision], OnVerdict | None] | None = None,
) -> list[JudgedRevision]:
    """Judge revisions in the same way, none whose assessment is known and no text twice; raises ModelError.

    ``on_revision`` is called before a revision is judged, and returns what to tell its verdicts to, if anything.
    """
    done = dict(known or {})
    judged = []
    for revision in revisions:
        key = _key(assessor, question, revision.text)
        if key not in done:
            on_verdict = on_revision(revision) if on_revision else None
            done[key] = await assessor.assess(question, revision.text, on_verdict)
        judged.append(JudgedRevision(revision, done[key]))
    return judged


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


# --- what changed ---------------------------------------------------------------------------------------------------


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
    has_claims = not example and old.revision.text.strip()
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
        new_claims=new_claims(new.revision.text, old.revision.text, bank, question) if has_claims else [],
        warnings=list(_warnings(old, new)),
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

    def step(old: int, new: int) -> SeriesStep | None:
        fields = SeriesStep.model_fields
        return SeriesStep(**{name: getattr(compared(old, new), name) for name in fields}) if new else None

    scores = {place: r.assessment.score for place, r in enumerate(revisions) if r.assessment.score is not None}
    # Of equals the latest is the best.
    best = max(reversed(scores), key=lambda place: scores[place], default=None)
    return ComparisonSeries(
        question_id=question.id,
        rows=[
            SeriesRow(
                version=_compared_version(revision),
                against_previous=step(place - 1, place),
                against_first=step(0, place),
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
    sides = {
        "removed": (change.old_evidence, segment.old_start, segment.old_end),
        "inserted": (change.new_evidence, segment.new_start, segment.new_end),
    }
    evidence, start, end = sides.get(segment.kind, ([], 0, 0))
    return any(item.start < end and start < item.end for item in evidence)


def _warnings(old: JudgedRevision, new: JudgedRevision) -> Iterator[AssessmentWarning]:
    """Say where the two were not judged in the same way, then what is to know about each."""
    for how in different_ways((old.assessment.receipt, new.assessment.receipt)):
        text = f"The two versions were judged {how}, so part of the difference may come from that."
        yield AssessmentWarning(code="judged_differently", message=text)
    for label, assessment in ((version.revision.label, version.assessment) for version in (old, new)):
        if assessment.score is not None and assessment.receipt.scoring_rule != SCORING_RULE:
            text = f"{label}: its score is by an older rule; the difference counts both versions by today's."
            yield AssessmentWarning(code="older_scoring_rule", message=text)
        for warning in assessment.warnings:
            yield AssessmentWarning(code=warning.code, message=f"{label}: {warning.message}")
        if assessment.score is not None and assessment.needs_review:
            why = "; ".join(r.removesuffix(".") for r in assessment.review_reasons) or "the judging left some doubt"
            yield AssessmentWarning(code="needs_review", message=f"{label}: a person should look: {why}.")
