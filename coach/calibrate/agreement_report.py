"""From judged answers to the whole report on a judge: the last pure step of a calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from statistics import fmean

from coach.calibrate.agreement import (
    HUMAN,
    JUDGE,
    MarkedAnswer,
    agreement_of,
    agreement_views,
    human_ceiling,
    label_summaries,
    length_correlation,
    marked_answers,
    question_agreements,
    reliability_curve,
    repeat_spread,
    scored_pairs,
    worst_disagreements,
)
from coach.calibrate.calibration import (
    Agreement,
    AgreementReport,
    Calibration,
    CalibrationOutcome,
    GoldSummary,
    JudgeSummary,
    Knot,
    ReasonCount,
    Scale,
)
from coach.calibrate.gold import JudgedAnswer
from coach.calibrate.score_mapping import check_enough, fit_mapping, halves, map_score
from coach.judge.judging import Judge


def build_report(
    judged: Sequence[JudgedAnswer],
    gold: GoldSummary,
    judge: JudgeSummary,
    *,
    created_at: datetime,
    coach_version: str,
    repeats: int = 1,
) -> AgreementReport:
    """Return everything that can be said about the judge; answers without a score are left out and counted."""
    scale, seed = gold.scale, gold.seed
    answers = marked_answers(judged, scale)
    unjudged = [answer for answer in judged if answer.score is None]
    costs = [answer.cost_usd for answer in judged if answer.cost_usd is not None]
    return AgreementReport(
        created_at=created_at,
        coach_version=coach_version,
        gold=gold,
        judge=judge,
        judged=len(answers),
        unjudged=len(unjudged),
        failed=sum(1 for answer in unjudged if answer.failed),
        unjudged_reasons=_reasons(unjudged),
        seconds_per_answer=round(fmean(answer.seconds for answer in judged if answer.scores), 3) if answers else None,
        cost_usd=round(sum(costs), 6) if costs else None,
        agreement=agreement_views(
            [answer.judge for answer in answers],
            [answer.human for answer in answers],
            [answer.question_id for answer in answers],
            scale,
            seed,
        ),
        human=human_ceiling(answers, scale, seed),
        length=length_correlation(answers, seed),
        labels=label_summaries(answers),
        reliability=reliability_curve(answers),
        questions=question_agreements(answers, scale),
        worst=worst_disagreements(answers),
        pairs=scored_pairs(answers),
        repeat=repeat_spread(judged, repeats) if repeats > 1 else None,
    )


def judge_summary(judge: Judge) -> JudgeSummary:
    """Return what identifies a judge."""
    return JudgeSummary(
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        prompt_version=judge.prompt_version,
        settings=dict(judge.settings),
    )


def calibrated(
    report: AgreementReport, judged: Sequence[JudgedAnswer], name: str
) -> tuple[AgreementReport, Calibration]:
    """Fit a mapping on one half of the questions; return the report with its effect on the other half, and the mapping.

    Raises InputError when there is too little data or the marks do not rise with the scores.
    """
    scale, seed = report.gold.scale, report.gold.seed
    answers = marked_answers(judged, scale)
    questions = {answer.question_id for answer in answers}
    check_enough(len(questions), len(answers))
    fit_ids, held_ids = halves(questions, seed)
    fit = [answer for answer in answers if answer.question_id in fit_ids]
    held = [answer for answer in answers if answer.question_id in held_ids]
    knots = fit_mapping([answer.score for answer in fit], [scale.percent_of(answer.human) for answer in fit])
    outcome = CalibrationOutcome(
        name=name,
        fit_questions=len(fit_ids),
        fit_answers=len(fit),
        held_out_questions=len(held_ids),
        held_out_answers=len(held),
        before=_agreement(held, [answer.judge for answer in held], scale, seed),
        after=_agreement(held, _mapped(held, knots, scale), scale, seed),
        knots=knots,
    )
    calibration = Calibration(
        name=name,
        judge=report.judge.judge,
        model=report.judge.model,
        prompt_version=report.judge.prompt_version,
        created_at=report.created_at,
        n=len(fit),
        scale=scale,
        knots=knots,
    )
    return report.model_copy(update={"calibration": outcome}), calibration


def _mapped(answers: Sequence[MarkedAnswer], knots: Sequence[Knot], scale: Scale) -> list[float]:
    return [scale.mark_of(map_score(knots, answer.score)) for answer in answers]


def _agreement(answers: Sequence[MarkedAnswer], judge: Sequence[float], scale: Scale, seed: int) -> Agreement:
    return agreement_of(judge, [answer.human for answer in answers], scale, seed, (JUDGE, HUMAN))


def _reasons(unjudged: Sequence[JudgedAnswer]) -> list[ReasonCount]:
    # What stands in brackets differs from answer to answer ("3 words; at least 8 are needed").
    counts = Counter((answer.reason or "unknown").partition(" (")[0].rstrip(".") for answer in unjudged)
    return [ReasonCount(reason=reason, count=count) for reason, count in counts.most_common()]
