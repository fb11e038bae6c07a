"""How a row of a batch ended: as a clean result, or as a failure that the next run tries again."""

from __future__ import annotations

from datetime import UTC, datetime

from coach.answer.answer import Answer
from coach.batch.rows import AnswerRow, JournalRecord
from coach.submit.assessment import Assessment, CheckResult, CriterionResult, Evidence


def failure_reason(assessment: Assessment) -> str | None:
    """Return why an assessment is no clean result: the model's reply was of no use. None for a clean one.

    An answer that the pre-checks rule out (empty, too short) is a clean result without a score: judging it again
    would change nothing.
    """
    unscored = assessment.unscored_reason
    if assessment.score is not None or all(check.comment == unscored for check in assessment.check_results()):
        return None
    comments = [check.comment for check in assessment.check_results() if check.comment]
    return comments[0] if comments else unscored


def record_of(
    row: AnswerRow, key: str, assessment: Assessment | None, reason: str | None, same_as: str | None = None
) -> JournalRecord:
    """Return the journal's record of a row that ended now; with a ``reason`` it failed.

    A failed row keeps its assessment, if there is one: it says what the attempt cost.
    """
    return JournalRecord(
        row_id=row.row_id,
        key=key,
        status="failed" if reason else "ok",
        reason=reason,
        candidate=row.candidate,
        question_id=row.question_id,
        source=row.source,
        line=row.line,
        answer=row.answer,
        same_as=None if same_as == row.row_id else same_as,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        assessment=assessment,
    )


def for_same_answer(assessment: Assessment, answer: Answer, sha256: str) -> Assessment | None:
    """Return an assessment for another row with the same answer but for its white space; None when it does not fit.

    Quotes are put where they stand in this text. Tokens, cost and time are nought: nothing was asked again.
    """
    receipt = assessment.receipt.model_copy(
        update={"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0, "seconds": 0.0}
    )
    if assessment.answer_sha256 == sha256:
        return assessment.model_copy(update={"receipt": receipt})
    criteria = [_moved_criterion(criterion, answer) for criterion in assessment.criteria]
    if None in criteria:
        return None
    return assessment.model_copy(update={"receipt": receipt, "criteria": criteria, "answer_sha256": sha256})


def _moved_criterion(criterion: CriterionResult, answer: Answer) -> CriterionResult | None:
    checks = [_moved_check(check, answer) for check in criterion.checks]
    return None if None in checks else criterion.model_copy(update={"checks": checks})


def _moved_check(check: CheckResult, answer: Answer) -> CheckResult | None:
    moved = [_moved(item, answer) for item in check.evidence]
    return None if None in moved else check.model_copy(update={"evidence": moved})


def _moved(item: Evidence, answer: Answer) -> Evidence | None:
    if item.sentence > len(answer.sentences):
        return None
    sentence = answer.sentences[item.sentence - 1]
    quote = answer.quote(item.sentence)
    if quote.split() != item.quote.split():
        return None
    return Evidence(sentence=item.sentence, start=sentence.start, end=sentence.end, quote=quote)
