r"""Whether one version of an answer is really better than another: pure arithmetic on paired verdicts.

Both versions are judged on the same checks, so what they share cancels out (p = probability, s = the points that a
check can move, see ``coach.submit.scoring.check_shares``):

* part of a point:          d = s (p_new - p_old)
* part of a red flag:       d = s (ramp(p_new) - ramp(p_old)), s being negative
* part after the floor:     where red flags hold the credit of a criterion at 0, the parts of that criterion are
                            scaled, so that all parts always add up to the difference of the two scores
* difference:               score(p_new) - score(p_old), over the checks that were judged in both versions
* standard deviation:       sqrt(sum of (s NOISE)^2) over the checks whose probability moved by more than JITTER. A
                            check whose sentence was not touched has the same probability in both and adds no doubt.
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
from coach.submit.scoring import check_shares, criterion_credit, red_flag_ramp, score_answer

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
    shares = check_shares(rubric, shared, old)
    deviations = [
        abs(shares[check.id]) * _noise(check, old[check.id], new[check.id])
        for check in shared
        if check.id in shares and abs(new[check.id] - old[check.id]) > JITTER
    ]
    return PairedDifference(
        difference=after - before,
        deviation=math.sqrt(sum(deviation * deviation for deviation in deviations)),
        parts=_parts(rubric, shared, shares, old, new),
    )


def _noise(check: Check, old: float, new: float) -> float:
    """Return the noise of what the check earns; that of a red flag lies in the ramp's slope alone."""
    if check.kind == "point":
        return NOISE
    return max((red_flag_ramp(p + NOISE) - red_flag_ramp(p - NOISE)) / 2 for p in (old, new))


def _parts(
    rubric: Rubric, checks: Sequence[Check], shares: Mapping[str, float], old: _Judged, new: _Judged
) -> dict[str, float]:
    total = sum(c.weight for c in rubric.criteria if any(check.criterion == c.id for check in _points(checks)))
    parts: dict[str, float] = {}
    for criterion in rubric.criteria:
        own = [check for check in checks if check.criterion == criterion.id]
        before, after = criterion_credit(own, old), criterion_credit(own, new)
        if before is None or after is None:
            parts.update({check.id: 0.0 for check in own})
            continue
        plain = {check.id: shares[check.id] * (_earned(check, new) - _earned(check, old)) for check in own}
        whole = 100 * criterion.weight * (after - before) / total
        parts.update(_scaled(plain, whole))
    return parts


def _points(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.kind == "point"]


def _earned(check: Check, probabilities: _Judged) -> float:
    probability = probabilities[check.id]
    return probability if check.kind == "point" else red_flag_ramp(probability)


def _scaled(plain: Mapping[str, float], whole: float) -> dict[str, float]:
    """Scale the parts of one criterion to what its credit changed by; they differ only where the floor holds it."""
    total = math.fsum(plain.values())
    if math.isclose(total, whole, abs_tol=1e-9):
        return dict(plain)
    # Cutting at 0 keeps the order of two credits, so the whole never has the other sign, nor is it larger.
    factor = whole / total if total else 0.0
    return {check_id: part * factor for check_id, part in plain.items()}
