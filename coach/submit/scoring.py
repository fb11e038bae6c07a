r"""From verdicts to credit, level, score, interval and gains: pure arithmetic, no model.

Formulas (p = calibrated probability of a check, w = its weight, W = weight of a criterion, e = its ``enough``):

* share shown of a criterion:  sum(w p) / (e sum(w)), over its judged points: 1 where enough was shown
* cost of a red flag:          RED_FLAG_COST * min(r, 2) * ramp(p), where r is w over the mean weight of the criterion's
                               points and ramp rises from 0 at p = 0.5 to 1 at p = 0.9
* credit of a criterion:       max(0, min(1, share shown)  -  sum of the costs), over its judged checks
* harm:                        product of (1 - HARM_COST sure(p)) over the red flags that recommend harm, in whatever
                               criterion and those of the whole bank; sure rises from 0 at p = 0.5 to 1 at p = 0.6
* score:                       100 * harm * sum(W credit) / sum(W), over the criteria that have a judged point
* interval:                    score +- 1.645 * standard deviation (90 %), see `standard_deviation`
* gain of a check:             score when this one check is fully met (a point) or absent (a red flag), minus score

A criterion offers more good points than anybody names, so a part of them is enough. A red flag that recommends harm
costs by the factor alone: with one of them no answer reaches half of the scale. A check that was not judged is left out
of every sum and mean, so it moves nothing. The score never falls when a point's p rises, and never rises when a red
flag's p rises. Only the proportions of weights matter: all weights of the criteria, or all weights of a criterion's
checks, may be multiplied by the same number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.bank.questions import Check, Criterion, Rubric
from coach.judge.signals import MET, RED_FLAG_DOUBT

#: Which rule a score was computed by; rule 1 was full only where every point was named.
SCORING_RULE = 2

#: A red flag that is surely there takes this share of its criterion's credit (times its relative weight).
RED_FLAG_COST = 0.4
#: A recommendation of harm that is surely there takes this share of the whole score.
HARM_COST = 0.65
#: Probability of a red flag from which its cost applies in full; it begins at RED_FLAG_DOUBT.
_RED_FLAG_SURE = 0.9

#: Criterion credit from which levels 1, 2, 3 and 4 begin.
LEVEL_THRESHOLDS = (0.12, 0.35, 0.6, 0.8)

#: z of a two-sided 90 % interval of the normal distribution.
Z_90 = 1.645
#: Correlation between errors on two checks of one answer (halo). With this one the interval held the score by
#: the labels for 41 of the 47 answers that the matcher's weights were fitted on; with 0.1 for 38.
ERROR_CORRELATION = 0.2

#: Intervals wider than this (in points) ask for a human look.
WIDE_INTERVAL = 70.0

Probabilities = Mapping[str, float | None]


@dataclass(frozen=True)
class ScoredCriterion:
    """Credit (0..1) and level (0..4) of one criterion; both None when no point of it was judged."""

    id: str
    credit: float | None
    level: int | None


def red_flag_ramp(probability: float) -> float:
    """Return how much of a red flag's cost applies (0..1) at this probability."""
    return _between(RED_FLAG_DOUBT, _RED_FLAG_SURE, probability)


def harm_ramp(probability: float) -> float:
    """Return how much of the cost of harm applies (0..1): all of it from the probability of the verdict "met" on."""
    return _between(RED_FLAG_DOUBT, MET, probability)


def _between(low: float, high: float, probability: float) -> float:
    return min(1.0, max(0.0, (probability - low) / (high - low)))


class _Judged:
    """The judged checks of one criterion, and what each of them weighs in its credit."""

    def __init__(self, criterion: Criterion, checks: Sequence[Check], probabilities: Probabilities) -> None:
        self.weight = criterion.weight
        own = [(c, p) for c in checks if c.criterion == criterion.id and (p := probabilities.get(c.id)) is not None]
        self.points = [(check, p) for check, p in own if check.kind == "point"]
        weights = [check.weight for check, _ in self.points]
        self.total = sum(weights)
        self._full = criterion.enough * self.total
        self.flags = [(c, p) for c, p in own if c.kind == "red_flag" and not c.harm] if weights else []

    def share(self, check: Check) -> float:
        """Return what a check moves of the credit at most: positive for a point, negative for a red flag."""
        if check.kind == "point":
            return check.weight / self._full
        return -RED_FLAG_COST * min(check.weight * len(self.points) / self.total, 2.0)

    @property
    def shown(self) -> float:
        """The share shown, not yet cut at 1."""
        return sum(check.weight * p for check, p in self.points) / self._full

    @property
    def cost(self) -> float:
        """What the red flags cost."""
        return -sum(self.share(check) * red_flag_ramp(p) for check, p in self.flags)

    @property
    def credit(self) -> float:
        """The credit, 0..1."""
        return max(0.0, min(1.0, self.shown) - self.cost)

    def gains(self) -> dict[str, float]:
        """Return by how much the credit rises when one check is put right."""
        shown, cost, before = self.shown, self.cost, self.credit
        better = {c.id: min(1.0, shown + self.share(c) * (1 - p)) - cost for c, p in self.points}
        better |= {c.id: min(1.0, shown) - cost - self.share(c) * red_flag_ramp(p) for c, p in self.flags}
        return {check_id: max(0.0, max(0.0, credit) - before) for check_id, credit in better.items()}

    def deviation(self) -> float:
        """Return the standard deviation of the credit: of the share shown, cut at 1, and of the costs together."""
        shown = _together([self.share(c) * math.sqrt(p * (1 - p)) for c, p in self.points])
        certain = [(c, red_flag_ramp(p) * p) for c, p in self.flags]
        costs = [self.share(c) * math.sqrt(p * (1 - p)) for c, p in certain]
        cut = _cut_deviation(self.shown, shown) if self._full < self.total else shown
        return _together([cut, *costs])


def _together(parts: Sequence[float]) -> float:
    """Return the standard deviation of a sum whose parts have these ones and correlate by ERROR_CORRELATION."""
    together = sum(abs(part) for part in parts) ** 2
    return math.sqrt((1 - ERROR_CORRELATION) * sum(part * part for part in parts) + ERROR_CORRELATION * together)


def _cut_deviation(mean: float, deviation: float) -> float:
    """Return the standard deviation of min(1, x) for a normal x (the moments of a censored normal distribution)."""
    if deviation < 1e-9:
        return 0.0
    z = (1.0 - mean) / deviation
    below = 0.5 * math.erfc(-z / math.sqrt(2))
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    # Moments of d = min(0, x - 1), in units of the deviation.
    first = -z * below - density
    second = (1 + z * z) * below + z * density
    return deviation * math.sqrt(max(0.0, second - first * first))


def criterion_credit(criterion: Criterion, checks: Sequence[Check], probabilities: Probabilities) -> float | None:
    """Return the credit (0..1) of a criterion from the checks that are its own; None without a judged point."""
    judged = _Judged(criterion, checks, probabilities)
    return judged.credit if judged.points else None


def level_of(credit: float) -> int:
    """Return the performance level 0..4 for a criterion credit."""
    return sum(credit >= threshold for threshold in LEVEL_THRESHOLDS)


def score_criteria(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> list[ScoredCriterion]:
    """Return credit and level of every criterion, in the rubric's order."""
    credits = ((c.id, criterion_credit(c, checks, probabilities)) for c in rubric.criteria)
    return [ScoredCriterion(name, credit, None if credit is None else level_of(credit)) for name, credit in credits]


def harm_factor(checks: Sequence[Check], probabilities: Probabilities) -> float:
    """Return what is left of the score (0..1) beside what the answer recommends that does harm."""
    return math.prod(
        1 - HARM_COST * harm_ramp(p) for c in checks if c.harm and (p := probabilities.get(c.id)) is not None
    )


def score_answer(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> float | None:
    """Return the score 0..100 from the checks' probabilities, or None when no criterion has a judged point."""
    scored = _scored(rubric, checks, probabilities)
    if not scored:
        return None
    credit = sum(c.weight * c.credit for c in scored) / sum(c.weight for c in scored)
    return 100 * harm_factor(checks, probabilities) * credit


def _scored(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> list[_Judged]:
    judged = (_Judged(criterion, checks, probabilities) for criterion in rubric.criteria)
    return [criterion for criterion in judged if criterion.points]


def check_shares(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> dict[str, float]:
    """Return by how many points of the score each judged check's probability can move it at most (signed).

    A red flag that recommends harm moves it by its share of the whole scale.
    """
    scored = _scored(rubric, checks, probabilities)
    total = sum(c.weight for c in scored)
    shares = {
        check.id: 100 * criterion.weight * max(-1.0, min(1.0, criterion.share(check))) / total
        for criterion in scored
        for check, _ in (*criterion.points, *criterion.flags)
    }
    harm = (c.id for c in checks if c.harm and probabilities.get(c.id) is not None)
    return shares | (dict.fromkeys(harm, -100 * HARM_COST) if scored else {})


def standard_deviation(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> float:
    """Return the standard deviation of the score in points.

    Each verdict is a Bernoulli trial with variance p(1-p), scaled by what the check can move; where enough was shown,
    a wrong verdict moves less. Errors of two checks on one answer correlate by ERROR_CORRELATION.
    """
    scored = _scored(rubric, checks, probabilities)
    score = score_answer(rubric, checks, probabilities)
    if score is None:
        return 0.0
    factor, total = harm_factor(checks, probabilities), sum(c.weight for c in scored)
    parts = [100 * factor * c.weight * c.deviation() / total for c in scored]
    for check in checks:
        p = probabilities.get(check.id) if check.harm else None
        if p is not None and (ramp := harm_ramp(p)):
            without = score / (1 - HARM_COST * ramp)
            parts.append(HARM_COST * without * math.sqrt(ramp * p * (1 - ramp * p)))
    return _together(parts)


def interval_of(score: float, deviation: float) -> tuple[float, float]:
    """Return the 90 % interval around a score, inside 0..100."""
    return max(0.0, score - Z_90 * deviation), min(100.0, score + Z_90 * deviation)


def gains_of(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> dict[str, float]:
    """Return by how many points the score can rise when one check is put right, for each judged check.

    Empty when there is no score.
    """
    score = score_answer(rubric, checks, probabilities)
    if score is None:
        return {}
    scored, factor = _scored(rubric, checks, probabilities), harm_factor(checks, probabilities)
    total = sum(c.weight for c in scored)
    gains = {c.id: 0.0 for c in checks if probabilities.get(c.id) is not None}
    for criterion in scored:
        gains |= {check: 100 * factor * criterion.weight * gain / total for check, gain in criterion.gains().items()}
    for check in checks:
        p = probabilities.get(check.id) if check.harm else None
        if p is not None:
            gains[check.id] = score / (1 - HARM_COST * harm_ramp(p)) - score
    return gains
