"""Putting an assessment together from the verdicts: the last pure step before the result is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coach.answer.answer import Answer
from coach.bank.questions import WHOLE_ANSWER, Check, Criterion, Question, Rubric
from coach.judge.judging import CheckVerdict, Judgement, Verdict
from coach.submit.assessment import Assessment, CheckResult, CriterionResult, Evidence, Receipt
from coach.submit.feedback import follow_up_of, improvements_of, review_reasons_of, strengths_of
from coach.submit.key import answer_sha256
from coach.submit.scoring import Probabilities, interval_of, score_answer, score_criteria, standard_deviation


def build_assessment(
    question: Question,
    rubric: Rubric,
    checks: Sequence[Check],
    answer: Answer,
    judgement: Judgement | None,
    receipt: Receipt,
) -> Assessment:
    """Compute the assessment of one answer; ``judgement`` is None for an answer that was not judged at all."""
    unscored = answer.unscored_reason or (None if judgement else "The answer was not judged.")
    verdicts = _verdicts(checks, judgement, unscored)
    probabilities = {check_id: verdict.probability for check_id, verdict in verdicts.items()}
    scored = score_criteria(rubric, checks, probabilities)
    score = score_answer(rubric, checks, probabilities)
    if score is None and unscored is None:
        unscored = _why_unjudged(verdicts)
    interval = None if score is None else interval_of(score, standard_deviation(rubric, checks, probabilities))
    warnings = [*answer.warnings, *(judgement.warnings if judgement else ())]
    reasons = review_reasons_of(answer, warnings, checks, probabilities, interval)
    improvements = improvements_of(rubric, checks, probabilities)
    credits = {item.id: (item.credit, item.level) for item in scored}
    return Assessment(
        schema="coach/assessment@1",
        question_id=question.id,
        answer_sha256=answer_sha256(answer.text),
        score=None if score is None else round(score, 1),
        interval=None if interval is None else (round(interval[0], 1), round(interval[1], 1)),
        unscored_reason=unscored,
        needs_review=bool(reasons),
        review_reasons=reasons,
        criteria=[_criterion_result(c, *credits[c.id], checks, verdicts, answer) for c in rubric.criteria],
        red_flags=_check_results(WHOLE_ANSWER, checks, verdicts, answer),
        strengths=strengths_of(rubric, checks, verdicts, probabilities),
        improvements=improvements,
        follow_up=(judgement and judgement.follow_up) or follow_up_of(question, improvements, checks),
        outline=judgement.outline if judgement else None,
        warnings=warnings,
        receipt=receipt,
    )


def _verdicts(checks: Sequence[Check], judgement: Judgement | None, unscored: str | None) -> Mapping[str, CheckVerdict]:
    if judgement is None:
        return {c.id: CheckVerdict(c.id, Verdict.UNJUDGED, None, (), unscored) for c in checks}
    return {verdict.check_id: verdict for verdict in judgement.verdicts}


def _why_unjudged(verdicts: Mapping[str, CheckVerdict]) -> str:
    """Say that nothing could be judged, and why when the reason is the same for every check."""
    reasons = {(verdict.comment or "").removeprefix("not judged").removeprefix(": ") for verdict in verdicts.values()}
    reason = reasons.pop() if len(reasons) == 1 else ""
    return f"None of the checks could be judged: {reason}" if reason else "None of the checks could be judged."


def probabilities_of(assessment: Assessment) -> Probabilities:
    """Return the probability of every check of an assessment, None where it was not judged."""
    return {check.id: check.probability for check in assessment.check_results()}


def _criterion_result(
    criterion: Criterion,
    credit: float | None,
    level: int | None,
    checks: Sequence[Check],
    verdicts: Mapping[str, CheckVerdict],
    answer: Answer,
) -> CriterionResult:
    return CriterionResult(
        id=criterion.id,
        title=criterion.title,
        weight=criterion.weight,
        level=level,
        level_title=None if level is None else criterion.levels[level].title,
        credit=None if credit is None else round(credit, 4),
        checks=_check_results(criterion.id, checks, verdicts, answer),
    )


def _check_results(
    criterion_id: str, checks: Sequence[Check], verdicts: Mapping[str, CheckVerdict], answer: Answer
) -> list[CheckResult]:
    return [_check_result(check, verdicts[check.id], answer) for check in checks if check.criterion == criterion_id]


def _check_result(check: Check, verdict: CheckVerdict, answer: Answer) -> CheckResult:
    return CheckResult(
        id=check.id,
        kind=check.kind,
        statement=check.statement,
        harm=check.harm,
        verdict=verdict.verdict,
        probability=None if verdict.probability is None else round(verdict.probability, 4),
        evidence=[_evidence(answer, number) for number in verdict.evidence],
        comment=verdict.comment,
    )


def _evidence(answer: Answer, number: int) -> Evidence:
    sentence = answer.sentences[number - 1]
    return Evidence(sentence=number, start=sentence.start, end=sentence.end, quote=answer.quote(number))
