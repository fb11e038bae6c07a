"""Comparing revisions of an answer: each is assessed once, in the same way, and then compared check by check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from coach.bank.questions import Question
from coach.compare.comparison_building import JudgedRevision, build_comparison
from coach.compare.result import Comparison, ComparisonSeries
from coach.compare.series_building import build_series
from coach.history.records import AttemptRecord
from coach.judge.judging import OnVerdict
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.key import result_key


@dataclass(frozen=True)
class Revision:
    """One version of an answer, and what people call it; ``example`` marks one that the candidate did not write."""

    label: str
    text: str
    example: bool = False


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
    """Return the assessments of saved attempts that this assessor would make in the same way, by result key."""
    return {
        _key(assessor, question, attempt.answer): attempt.assessment
        for attempt in attempts
        if _same_way(attempt, assessor, question)
    }


def all_known(assessor: AnswerAssessor, question: Question, revisions: Iterable[Revision], known: Known) -> bool:
    """Return whether no revision has to be judged."""
    return all(_key(assessor, question, revision.text) in known for revision in revisions)


def _same_way(attempt: AttemptRecord, assessor: AnswerAssessor, question: Question) -> bool:
    """Return whether the receipt says that everything which changes a result was as this assessor has it."""
    receipt = attempt.assessment.receipt
    return receipt.judging_sha256 == assessor.judging_sha256(question) and receipt.calibration is None


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
        assessment = done.get(key)
        if assessment is None:
            on_verdict = on_revision(revision) if on_revision else None
            assessment = done[key] = await assessor.assess(question, revision.text, on_verdict)
        judged.append(JudgedRevision(revision.label, revision.text, assessment, revision.example))
    return judged


def _key(assessor: AnswerAssessor, question: Question, text: str) -> str:
    return result_key(assessor.bank, question, assessor.judge, text)
