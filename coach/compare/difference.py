r"""Whether one version of an answer is really better than another: pure arithmetic on paired verdicts.

Both versions are judged on the same checks, so what they share cancels out (p = probability, s = the points that a
check can move, see ``coach.submit.scoring.check_shares``):

* difference:               score(p_new) - score(p_old), over the checks that were judged in both versions
* part of a criterion:      what its credit changed by, times the mean of what harm left of both scores
* part of a check in it:    its share of that: s (p_new - p_old) for a point, s (ramp(p_new) - ramp(p_old)) for a red
                            flag, scaled where enough was shown already or red flags hold the credit at 0
* part of harm:             what the factor for harm changed by, times the mean of both scores without it, shared among
                            the flags by the logarithms of theirs. All parts add up to the difference of the two scores.
* standard deviation:       sqrt(sum of d^2), d being what NOISE up and down moves the score by, over the checks whose
                            probability moved by more than JITTER. A check whose sentence was not touched has the same
                            probability in both and adds no doubt.
* verdict:                  improved or worse when |difference| > max(MIN_CHANGE, Z sd), else no clear change

Swapping the versions turns every sign round and changes nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.bank.questions import Check, Rubric
from coach.compare.result import ComparisonVerdict
from coach.submit.changes import NOISE, Z
from coach.submit.scoring import check_shares, criterion_credit, harm_factor, red_flag_ramp, score_answer

#: A served model does not compute to the last digit the same twice; less than this is no sign of another sentence.
JITTER = 0.02
#: Fewer points are not worth telling somebody that their answer became better or worse.
MIN_CHANGE = 3.0

_Judged = Mapping[str, float]


@dataclass(frozen=True)
class PairedDifference:
    """Points of the 0-100 score: the difference, its standard deviation, and the part of each check."""

    difference: float
    deviation: float
    parts: Mapping[str, float]

    @property
    def threshold(self) -> float:
        """The difference must be larger than this, up or down, to be more than noise."""
        return max(MIN_CHANGE, Z * self.deviation)

    @property
    def verdict(self) -> ComparisonVerdict:
        """Improved, worse, or no clear change."""
        if abs(self.difference) <= self.threshold:
            return "no_clear_change"
        return "improved" if self.difference > 0 else "worse"

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval of the difference, inside -100..100."""
        reach = Z * self.deviation
        return max(-100.0, self.difference - reach), min(100.0, self.difference + reach)

    def in_words(self) -> str:
        """Return the rule with the numbers of this comparison."""
        rewording = f"{Z} standard deviations of what harmless rewording moves in the checks that changed"
        return (
            f"Improved or worse means a difference of more than {self.threshold:.1f} points: the larger of "
            f"{MIN_CHANGE:g} points and {rewording} ({Z * self.deviation:.1f} points)."
        )


def rule_in_words() -> str:
    """Return the rule where there are no numbers to fill in."""
    return (
        f"Improved or worse means a difference of more than {MIN_CHANGE:g} points, and of more than {Z} standard "
        "deviations of what harmless rewording moves in the checks that changed."
    )


def paired_difference(rubric: Rubric, checks: Sequence[Check], old: _Judged, new: _Judged) -> PairedDifference | None:
    """Compare two versions by the probabilities of their checks (id to 0..1).

    Only checks that both mappings hold count. Returns None when these give no score.
    """
    shared = [check for check in checks if check.id in old and check.id in new]
    old, new = ({check.id: side[check.id] for check in shared} for side in (old, new))
    before, after = score_answer(rubric, shared, old), score_answer(rubric, shared, new)
    if before is None or after is None:
        return None

    def score(side: _Judged, check_id: str, step: float) -> float:
        return score_answer(rubric, shared, {**side, check_id: side[check_id] + step}) or 0.0

    deviations = [
        max(abs(score(side, check.id, NOISE) - score(side, check.id, -NOISE)) / 2 for side in (old, new))
        for check in shared
        if abs(new[check.id] - old[check.id]) > JITTER
    ]
    return PairedDifference(
        difference=after - before,
        deviation=math.hypot(*deviations),
        parts=_parts(rubric, shared, old, new),
    )


def _parts(rubric: Rubric, checks: Sequence[Check], old: _Judged, new: _Judged) -> dict[str, float]:
    shares = check_shares(rubric, checks, old)
    harm_old, harm_new = harm_factor(checks, old), harm_factor(checks, new)
    credits = {c.id: (criterion_credit(c, checks, old), criterion_credit(c, checks, new)) for c in rubric.criteria}
    total = sum(c.weight for c in rubric.criteria if credits[c.id][0] is not None)
    parts = {check.id: 0.0 for check in checks}
    mean = 0.0
    for criterion in rubric.criteria:
        before, after = credits[criterion.id]
        if before is None or after is None:
            continue
        of_score = 100 * criterion.weight / total
        mean += of_score * (before + after) / 2
        own = [check for check in checks if check.criterion == criterion.id and not check.harm]
        points = [check for check in own if check.kind == "point"]
        plain = {c.id: shares[c.id] * (_earned(c, new) - _earned(c, old)) for c in own}
        shown = [criterion_credit(criterion, points, side) or 0.0 for side in (old, new)]
        plain |= _scaled({check.id: plain[check.id] for check in points}, of_score * (shown[1] - shown[0]))
        parts |= _scaled(plain, of_score * (after - before) * (harm_old + harm_new) / 2)
    harmful = {c.id: math.log(harm_factor([c], new) / harm_factor([c], old)) for c in checks if c.harm}
    return parts | _scaled(harmful, mean * (harm_new - harm_old))


def _earned(check: Check, probabilities: _Judged) -> float:
    probability = probabilities[check.id]
    return probability if check.kind == "point" else red_flag_ramp(probability)


def _scaled(plain: Mapping[str, float], whole: float) -> dict[str, float]:
    """Scale parts to what the cut credit changed by; cutting keeps the order of two credits, so no sign turns round."""
    total = math.fsum(plain.values())
    factor = whole / total if abs(total) > 1e-12 else 0.0
    return {check_id: part * factor for check_id, part in plain.items()}
