r"""From verdicts to credit, level, score, interval and gains: pure arithmetic, no model.

Formulas (p = calibrated probability of a check, w = its weight, W = weight of a criterion):

* credit of a point:      p
* cost of a red flag:     RED_FLAG_COST * min(r, 2) * ramp(p), where r is w over the mean weight of the criterion's
                          points and ramp rises from 0 at p = 0.5 to 1 at p = 0.9
* credit of a criterion:  max(0, sum(w p) / sum(w)  -  sum of the costs), over its judged checks
* score:                  100 * sum(W credit) / sum(W), over the criteria that have a judged point
* interval:               score +- 1.645 * standard deviation (90 %), see `interval_of`
* gain of a check:        score when this one check is fully met (a point) or absent (a red flag), minus score

A check that was not judged is left out of every sum and mean, so it moves nothing. The score never falls when
a point's p rises, and never rises when a red flag's p rises. Only the proportions of weights matter: all weights of
the criteria, or all weights of a criterion's checks, may be multiplied by the same number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coach.bank.questions import Check, Criterion, Rubric
from coach.judge.signals import RED_FLAG_DOUBT

#: A red flag that is surely there takes this share of its criterion's credit (times its relative weight).
RED_FLAG_COST = 0.4
#: Probability of a red flag from which its cost applies in full; it begins at RED_FLAG_DOUBT.
_RED_FLAG_SURE = 0.9

#: Criterion credit from which levels 1, 2, 3 and 4 begin.
LEVEL_THRESHOLDS = (0.12, 0.35, 0.6, 0.8)

#: z of a two-sided 90 % interval of the normal distribution.
Z_90 = 1.645
#: Correlation between the judge's errors on two checks of one answer (halo). benchmarks/interval_coverage.py measured
#: 0.19 on the labelled answers; with 0.1 the 90 % intervals held 96 % of their scores, so they are not made wider.
ERROR_CORRELATION = 0.1

#: Intervals wider than this (in points) ask for a human look.
WIDE_INTERVAL = 40.0

Probabilities = Mapping[str, float | None]


@dataclass(frozen=True)
class ScoredCriterion:
    """Credit (0..1) and level (0..4) of one criterion; both None when no point of it was judged."""

    id: str
    credit: float | None
    level: int | None


def red_flag_ramp(probability: float) -> float:
    """Return how much of a red flag's cost applies (0..1) at this probability."""
    share = (probability - RED_FLAG_DOUBT) / (_RED_FLAG_SURE - RED_FLAG_DOUBT)
    return min(1.0, max(0.0, share))


def criterion_credit(checks: Iterable[Check], probabilities: Probabilities) -> float | None:
    """Return the credit (0..1) of a criterion from its checks, or None when no point was judged."""
    judged = [(check, p) for check in checks if (p := probabilities.get(check.id)) is not None]
    points = [check.weight for check, _ in judged if check.kind == "point"]
    if not points:
        return None
    earned = sum(check.weight * p for check, p in judged if check.kind == "point") / sum(points)
    cost = sum(_most_cost(check, points) * red_flag_ramp(p) for check, p in judged if check.kind == "red_flag")
    return max(0.0, min(1.0, earned) - cost)


def _most_cost(red_flag: Check, points: Sequence[float]) -> float:
    """Return what a red flag costs of its criterion's credit when it is surely there."""
    return RED_FLAG_COST * min(red_flag.weight * len(points) / sum(points), 2.0)


def level_of(credit: float) -> int:
    """Return the performance level 0..4 for a criterion credit."""
    return sum(credit >= threshold for threshold in LEVEL_THRESHOLDS)


def score_criteria(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> list[ScoredCriterion]:
    """Return credit and level of every criterion, in the rubric's order."""
    scored = []
    for criterion in rubric.criteria:
        credit = criterion_credit((c for c in checks if c.criterion == criterion.id), probabilities)
        scored.append(ScoredCriterion(criterion.id, credit, None if credit is None else level_of(credit)))
    return scored


def total_score(criteria: Sequence[Criterion], scored: Sequence[ScoredCriterion]) -> float | None:
    """Return the score 0..100, or None when no criterion has a credit."""
    pairs = [(c.weight, s.credit) for c, s in zip(criteria, scored, strict=True) if s.credit is not None]
    if not pairs:
        return None
    return 100 * sum(weight * credit for weight, credit in pairs) / sum(weight for weight, _ in pairs)


def score_answer(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> float | None:
    """Return the score 0..100 straight from the checks' probabilities."""
    return total_score(rubric.criteria, score_criteria(rubric, checks, probabilities))


def check_shares(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> dict[str, float]:
    """Return by how many points of the score each judged check's probability can move it at most (signed)."""
    judged = [check for check in checks if probabilities.get(check.id) is not None]
    points = {
        criterion.id: [c.weight for c in judged if c.criterion == criterion.id and c.kind == "point"]
        for criterion in rubric.criteria
    }
    total = sum(criterion.weight for criterion in rubric.criteria if points[criterion.id])
    shares = {}
    for check in judged:
        beside = points[check.criterion]
        if not beside:
            continue
        of_score = 100 * rubric.criterion(check.criterion).weight / total
        if check.kind == "point":
            shares[check.id] = of_score * check.weight / sum(beside)
        else:
            shares[check.id] = -of_score * _most_cost(check, beside)
    return shares


def standard_deviation(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> float:
    """Return the standard deviation of the score in points.

    Each verdict is a Bernoulli trial with variance p(1-p), scaled by what the check can move; errors of two
    checks on one answer correlate by ERROR_CORRELATION.
    """
    parts = []
    for check_id, share in check_shares(rubric, checks, probabilities).items():
        probability = probabilities[check_id]
        assert probability is not None
        p = probability if share >= 0 else red_flag_ramp(probability) * probability
        parts.append(abs(share) * math.sqrt(p * (1 - p)))
    independent = sum(part * part for part in parts)
    together = sum(parts) ** 2
    return math.sqrt((1 - ERROR_CORRELATION) * independent + ERROR_CORRELATION * together)


def interval_of(score: float, deviation: float) -> tuple[float, float]:
    """Return the 90 % interval around a score, inside 0..100."""
    return max(0.0, score - Z_90 * deviation), min(100.0, score + Z_90 * deviation)


def gains_of(rubric: Rubric, checks: Sequence[Check], probabilities: Probabilities) -> dict[str, float]:
    """Return by how many points the score can rise when one check is put right, for each judged check.

    Only what the check adds to its own criterion is computed anew. Empty when there is no score.
    """
    judged = [(check, p) for check in checks if (p := probabilities.get(check.id)) is not None]
    own = {c.id: [(check, p) for check, p in judged if check.criterion == c.id] for c in rubric.criteria}
    scored = [c for c in rubric.criteria if any(check.kind == "point" for check, _ in own[c.id])]
    total = sum(criterion.weight for criterion in scored)
    gains = dict.fromkeys((check.id for check, _ in judged), 0.0)
    for criterion in scored:
        for check_id, gain in _credit_gains(own[criterion.id]).items():
            gains[check_id] = 100 * criterion.weight * gain / total
    return gains if scored else {}


def _credit_gains(judged: Sequence[tuple[Check, float]]) -> dict[str, float]:
    """Return by how much the credit of a criterion rises when one of its checks is put right."""
    points = [check.weight for check, _ in judged if check.kind == "point"]
    cost_of = {c.id: _most_cost(c, points) * red_flag_ramp(p) for c, p in judged if c.kind == "red_flag"}
    earned = sum(check.weight * p for check, p in judged if check.kind == "point") / sum(points)
    cost = sum(cost_of.values())
    before = max(0.0, earned - cost)
    gains = {}
    for check, p in judged:
        more = check.weight * (1 - p) / sum(points) if check.kind == "point" else cost_of[check.id]
        gains[check.id] = max(0.0, max(0.0, earned - cost + more) - before)
    return gains
