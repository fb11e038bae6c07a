r"""Agreement of a judge with people, and of people with each other: pooled, per question, and what explains it.

For marks a and b of the same n answers (a, b rounded to the steps of the scale for QWK and agreement):

* Pearson r:  covariance / product of the standard deviations
* Spearman rho:  Pearson r of the ranks, ties sharing their mean rank
* QWK (Cohen 1968):  1 - mean((a-b)^2) / (var(a) + var(b) + (mean(a) - mean(b))^2). The denominator is the expected
  squared difference of independent marks, so this equals the kappa of the contingency table with quadratic weights.
* RMSE, signed bias:  sqrt(mean((a-b)^2)), mean(a-b), not rounded
* exact and adjacent agreement:  shares of pairs with |a-b| = 0 and <= 1 step

Intervals are 95 % percentile intervals of a bootstrap over the answers (Efron & Tibshirani 1993, chapter 13).
numpy and scipy are imported when a function is called (extra ``calibrate``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from coach.calibrate.gold import GoldTask, JudgedAnswer
from coach.calibrate.mapping import MIN_ANSWERS, MIN_QUESTIONS, fit_half, fit_mapping, map_score
from coach.calibrate.result import (
    Agreement,
    AgreementReport,
    AgreementViews,
    Calibration,
    CalibrationOutcome,
    Disagreement,
    GoldSummary,
    HumanCeiling,
    JudgeSummary,
    LabelSummary,
    QuestionAgreement,
    ReasonCount,
    ReliabilityBin,
    RepeatSpread,
    Scale,
    ScoredPair,
    Statistic,
)
from coach.errors import InputError
from coach.files import require_statistics
from coach.report.words import counted
from coach.submit.scoring import SCORING_RULE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Names of the figures of an Agreement, in the order of reports.
_NAMES = tuple(Agreement.model_fields)

_JUDGE, _HUMAN = "marks of the judge", "human marks"
_RATER_1, _RATER_2 = "marks of rater 1", "marks of rater 2"
#: Fewer answers say nothing about agreement.
_FEWEST = 3
_BINS = 10
_WORST = 10
_RESAMPLES = 1000
#: An interval needs this share of resamples in which the figure is defined.
_MIN_DEFINED = 0.9
_PERCENTILES = (2.5, 97.5)
#: Numbers held at once while resampling, so that large files need no more memory than small ones.
_BLOCK = 2_000_000
_CONSTANT = 1e-9
_Z_95 = 1.96


_Item = TypeVar("_Item")
_Key = TypeVar("_Key")


class Marked(NamedTuple):
    """An answer that the judge scored, with its marks on the scale of people."""

    task: GoldTask
    pair: ScoredPair


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
    answers = marked(judged, scale)
    marks, human = [a.pair.judge for a in answers], [a.pair.human for a in answers]
    lengths = [float(len(a.task.row.answer.split())) for a in answers]
    unjudged = [answer for answer in judged if answer.score is None]
    # What stands in brackets differs from answer to answer ("3 words; at least 8 are needed").
    reasons = Counter((answer.reason or "unknown").partition(" (")[0].rstrip(".") for answer in unjudged)
    # Each judging for itself: repetitions took their time too.
    seconds = [answer.seconds / len(answer.scores) for answer in judged if answer.scores and answer.seconds is not None]
    costs = [answer.cost_usd for answer in judged if answer.cost_usd is not None]
    labels = _grouped(answers, lambda answer: answer.task.row.label)
    by_label = [LabelSummary(label=label, **_means(own)) for label, own in labels.items() if label]
    return AgreementReport(
        created_at=created_at,
        coach_version=coach_version,
        gold=gold,
        judge=judge,
        judged=len(answers),
        unjudged=len(unjudged),
        failed=sum(answer.failed for answer in unjudged),
        unjudged_reasons=[ReasonCount(reason=reason, count=count) for reason, count in reasons.most_common()],
        seconds_per_answer=round(fmean(seconds), 3) if seconds else None,
        cost_usd=round(sum(costs), 6) if costs else None,
        agreement=agreement_views(marks, human, [a.pair.question_id for a in answers], scale, seed),
        human=_human_ceiling(answers, scale, seed),
        length={
            "judge": agreement_of(marks, lengths, scale, seed, (_JUDGE, "lengths")).spearman,
            "human": agreement_of(human, lengths, scale, seed, (_HUMAN, "lengths")).spearman,
        },
        labels=sorted(by_label, key=lambda row: -row.human_mean),
        reliability=_reliability_curve(answers),
        questions=_question_agreements(answers, scale),
        worst=[
            Disagreement(**dict(pair), question=task.question.text, answer=task.row.answer)
            for task, pair in sorted(answers, key=lambda answer: -abs(answer.pair.difference))[:_WORST]
        ],
        pairs=[answer.pair for answer in answers],
        repeat=_repeat_spread(judged, repeats) if repeats > 1 else None,
    )


def marked(judged: Iterable[JudgedAnswer], scale: Scale) -> list[Marked]:
    """Return the answers that have a score; the judge's mark is its score on the human scale."""
    return [
        Marked(
            answer.task,
            ScoredPair(
                id=row.row_id,
                source=row.source,
                line=row.line,
                question_id=answer.task.question.id,
                human=row.score,
                judge=_short(mark),
                score=answer.score,
                difference=_short(mark - row.score),
            ),
        )
        for answer in judged
        if answer.score is not None
        for row, mark in [(answer.task.row, scale.mark_of(answer.score))]
    ]


def calibrated(
    report: AgreementReport, judged: Sequence[JudgedAnswer], name: str
) -> tuple[AgreementReport, Calibration]:
    """Fit a mapping on one half of the questions; return the report with its effect on the other half, and the mapping.

    Raises InputError when there is too little data or the marks do not rise with the scores.
    """
    scale, seed = report.gold.scale, report.gold.seed
    pairs = [answer.pair for answer in marked(judged, scale)]
    questions = {pair.question_id for pair in pairs}
    if len(questions) < MIN_QUESTIONS or len(pairs) < 2 * MIN_ANSWERS:
        raise InputError(
            f"{counted(len(pairs), 'answer')} to {counted(len(questions), 'question')} are too few for a calibration",
            f"At least {2 * MIN_ANSWERS} answers to {MIN_QUESTIONS} questions are needed; run without --save.",
        )
    fit_ids = fit_half(questions, seed)
    fit = [pair for pair in pairs if pair.question_id in fit_ids]
    held = [pair for pair in pairs if pair.question_id not in fit_ids]
    knots = fit_mapping([pair.score for pair in fit], [scale.percent_of(pair.human) for pair in fit])
    human = [pair.human for pair in held]
    mapped = [scale.mark_of(map_score(knots, pair.score)) for pair in held]
    outcome = CalibrationOutcome(
        name=name,
        fit_questions=len(fit_ids),
        fit_answers=len(fit),
        held_out_questions=len(questions) - len(fit_ids),
        held_out_answers=len(held),
        before=agreement_of([pair.judge for pair in held], human, scale, seed),
        after=agreement_of(mapped, human, scale, seed),
        knots=knots,
    )
    calibration = Calibration(
        name=name,
        judge=report.judge.judge,
        model=report.judge.model,
        prompt_version=report.judge.prompt_version,
        scoring_rule=SCORING_RULE,
        created_at=report.created_at,
        n=len(fit),
        scale=scale,
        knots=knots,
    )
    return report.model_copy(update={"calibration": outcome}), calibration


# --- parts of the report ----------------------------------------------------------------------------------------------


def agreement_views(
    first: Sequence[float],
    second: Sequence[float],
    questions: Sequence[str],
    scale: Scale,
    seed: int,
    by: tuple[str, str] = (_JUDGE, _HUMAN),
) -> AgreementViews:
    """Return the agreement over all answers, and the average of the agreements within each question.

    ``questions`` names the question of each answer. The average leaves out questions in which a figure is undefined;
    its interval resamples questions, because it is about questions that are not in the data.
    """
    own = _grouped(zip(questions, first, second, strict=True), lambda answer: answer[0]).values()
    within = [point_figures([a for _, a, _ in marks], [b for _, _, b in marks], scale) for marks in own]
    averages = {name: _mean_of([figures[name] for figures in within], seed) for name in _NAMES}
    return AgreementViews(
        pooled=agreement_of(first, second, scale, seed, by), per_question=Agreement.model_validate(averages)
    )


def _question_agreements(answers: Sequence[Marked], scale: Scale) -> list[QuestionAgreement]:
    rows = []
    for question_id, own in _grouped(answers, lambda answer: answer.pair.question_id).items():
        values = {"question_id": question_id, "text": own[0].task.question.text, **_means(own)}
        figures = point_figures([a.pair.judge for a in own], [a.pair.human for a in own], scale)
        rows.append(QuestionAgreement.model_validate(values | figures))
    return rows


def _human_ceiling(answers: Sequence[Marked], scale: Scale, seed: int) -> HumanCeiling | None:
    """Return how well two raters agree, and the judge with each, on the answers that both marked; None without any."""
    both = [
        (pair.judge, task.row.rater_1, task.row.rater_2, pair.question_id)
        for task, pair in answers
        if task.row.rater_1 is not None and task.row.rater_2 is not None
    ]
    if not both:
        return None
    judge, one, two, questions = zip(*both, strict=True)
    return HumanCeiling(
        n=len(both),
        raters=agreement_views(one, two, questions, scale, seed, (_RATER_1, _RATER_2)),
        judge_rater_1=agreement_views(judge, one, questions, scale, seed, (_JUDGE, _RATER_1)),
        judge_rater_2=agreement_views(judge, two, questions, scale, seed, (_JUDGE, _RATER_2)),
    )


def _reliability_curve(answers: Sequence[Marked]) -> list[ReliabilityBin]:
    """Return the mean human mark for every tenth of the judge's scale that holds answers."""
    bins = _grouped(answers, lambda answer: min(_BINS - 1, int(answer.pair.score * _BINS / 100)))
    curve = []
    for number, own in sorted(bins.items()):
        human, interval = [answer.pair.human for answer in own], None
        if len(human) >= _FEWEST:
            mean, margin = fmean(human), _Z_95 * stdev(human) / math.sqrt(len(human))
            interval = (_short(mean - margin), _short(mean + margin))
        low, high = 100 * number / _BINS, 100 * (number + 1) / _BINS
        curve.append(ReliabilityBin(low=low, high=high, human_interval=interval, **_means(own)))
    return curve


def _repeat_spread(judged: Iterable[JudgedAnswer], times: int) -> RepeatSpread:
    """Return how much repeated scores of one answer vary: standard deviation (n - 1) and range, in points."""
    complete = [answer.scores for answer in judged if len(answer.scores) == times]
    deviations = [stdev(scores) for scores in complete]
    ranges = [max(scores) - min(scores) for scores in complete]
    return RepeatSpread(
        times=times,
        answers=len(complete),
        mean_sd=_short(fmean(deviations)) if complete else None,
        max_sd=_short(max(deviations)) if complete else None,
        max_range=_short(max(ranges)) if complete else None,
        changed=sum(value > 0 for value in ranges),
    )


def _grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    groups: dict[_Key, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _means(answers: Sequence[Marked]) -> dict[str, Any]:
    human, judge = fmean(answer.pair.human for answer in answers), fmean(answer.pair.judge for answer in answers)
    return {"n": len(answers), "human_mean": _short(human), "judge_mean": _short(judge)}


def _short(value: float) -> float:
    return round(value, 4)


# --- statistics -------------------------------------------------------------------------------------------------------


def agreement_of(
    first: Sequence[float], second: Sequence[float], scale: Scale, seed: int, by: tuple[str, str] = (_JUDGE, _HUMAN)
) -> Agreement:
    """Return the agreement of two sets of marks of the same answers; differences are first minus second.

    ``by`` names the two sets. What is undefined (fewer than 3 pairs, marks that are all equal) has no value but a
    reason.
    """
    found = _statistics(_NAMES, lambda a, b: _figures(a, b, scale), (first, second), seed)
    for name, statistic in found.items():
        if statistic.value is None and not statistic.reason:
            sides = zip(by, (first, second), strict=True)
            constant = [side for side, marks in sides if max(marks) - min(marks) <= _CONSTANT]
            why = "all marks fall on the same step" if name == "qwk" else f"all {' and all '.join(constant)} are equal"
            found[name] = statistic.model_copy(update={"reason": why})
    return Agreement(**found)


def point_figures(first: Sequence[float], second: Sequence[float], scale: Scale) -> dict[str, float | None]:
    """Return the figures of an agreement without intervals, None where undefined."""
    require_statistics()
    import numpy as np

    if len(first) < _FEWEST:
        return dict.fromkeys(_NAMES, None)
    figures = map(float, _figures(np.asarray(first, dtype=float), np.asarray(second, dtype=float), scale))
    return {name: None if math.isnan(value) else _rounded(value) for name, value in zip(_NAMES, figures, strict=True)}


def _mean_of(values: Sequence[float | None], seed: int) -> Statistic:
    """Return the mean of what is defined of one value a question; the interval resamples the questions."""
    defined = [value for value in values if value is not None]
    if not defined:
        return Statistic(value=None, n=0, reason="undefined for every question")
    left_out = len(values) - len(defined)
    reasons = [f"undefined for {left_out} of {len(values)} questions, which are left out"] if left_out else []
    if len(defined) < _FEWEST:
        reasons.append("too few questions for an interval")
        return Statistic(value=_rounded(fmean(defined)), n=len(defined), reason="; ".join(reasons))
    mean = _statistics(("mean",), lambda x: x.mean(axis=-1)[None], (defined,), seed)["mean"]
    return mean.model_copy(update={"reason": "; ".join(reasons) or None})


def _statistics(
    names: Sequence[str], compute: Callable[..., Floats], data: Sequence[Sequence[float]], seed: int
) -> dict[str, Statistic]:
    """Return the figures that ``compute`` gives, one below the other, with their bootstrap intervals."""
    require_statistics()
    import numpy as np

    n = len(data[0])
    if n < _FEWEST:
        few = f"only {counted(n, 'answer')}; at least {_FEWEST} are needed"
        return {name: Statistic(value=None, n=n, reason=few) for name in names}
    arrays = [np.asarray(values, dtype=float) for values in data]
    random = np.random.default_rng(seed)
    # Not scipy.stats.bootstrap: it warns, and gives no interval, when a figure is undefined in a single resample.
    at_once = max(1, _BLOCK // n)
    sizes = [min(at_once, _RESAMPLES - start) for start in range(0, _RESAMPLES, at_once)]
    choices = (random.integers(0, n, size=(size, n)) for size in sizes)
    spreads = np.concatenate([compute(*(array[chosen] for array in arrays)) for chosen in choices], axis=-1)
    found: dict[str, Statistic] = {}
    for name, value, spread in zip(names, compute(*arrays), spreads, strict=True):
        defined = spread[~np.isnan(spread)]
        if np.isnan(value):
            found[name] = Statistic(value=None, n=n)
        elif len(defined) < _MIN_DEFINED * _RESAMPLES:
            found[name] = Statistic(value=_rounded(value), n=n, reason="too few different marks for an interval")
        else:
            low, high = np.percentile(defined, _PERCENTILES)
            found[name] = Statistic(value=_rounded(value), interval=(_rounded(low), _rounded(high)), n=n)
    return found


def _figures(a: Floats, b: Floats, scale: Scale) -> Floats:
    """Return the figures named in _NAMES, one below the other, for marks along the last axis; NaN where undefined."""
    import numpy as np
    from scipy.stats import rankdata

    difference = a - b
    steps_a, steps_b = _steps_of(a, scale), _steps_of(b, scale)
    apart = np.abs(steps_a - steps_b)
    observed = (apart**2).mean(axis=-1)
    expected = steps_a.var(axis=-1) + steps_b.var(axis=-1) + (steps_a.mean(axis=-1) - steps_b.mean(axis=-1)) ** 2
    differ = expected > _CONSTANT
    return np.stack(
        [
            _pearson(a, b),
            _pearson(rankdata(a, axis=-1), rankdata(b, axis=-1)),
            np.where(differ, 1 - observed / np.where(differ, expected, 1.0), np.nan),
            np.sqrt((difference**2).mean(axis=-1)),
            (apart == 0).mean(axis=-1),
            (apart <= 1).mean(axis=-1),
            difference.mean(axis=-1),
        ]
    )


def _steps_of(marks: Floats, scale: Scale) -> Floats:
    """Return marks as whole numbers of steps above the scale's low end, halves rounded up."""
    import numpy as np

    top = round((scale.high - scale.low) / scale.step)
    # The tiny addition keeps 2.4999999 from arithmetic apart from a true half.
    return np.clip(np.floor((marks - scale.low) / scale.step + 0.5 + _CONSTANT), 0, top)


def _pearson(a: Floats, b: Floats) -> Floats:
    import numpy as np

    constant = (np.ptp(a, axis=-1) <= _CONSTANT) | (np.ptp(b, axis=-1) <= _CONSTANT)
    da, db = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    scatter = np.sqrt((da**2).sum(axis=-1) * (db**2).sum(axis=-1))
    r = (da * db).sum(axis=-1) / np.where(constant, 1.0, scatter)
    return np.where(constant, np.nan, np.clip(r, -1.0, 1.0))


def _rounded(value: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), 6) + 0.0
