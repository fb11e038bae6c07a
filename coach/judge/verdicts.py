"""From a probability to a verdict in words."""

from __future__ import annotations

from coach.judge.judging import Verdict
from coach.judge.signals import Kind

#: A check is met from MET on, partly met from PARTLY on.
MET, PARTLY = 0.6, 0.35
#: Probability of a red flag from which it counts, and its cost begins.
RED_FLAG_DOUBT = 0.5


def verdict_of(probability: float | None, kind: Kind = "point") -> Verdict:
    """Return met, partly or not_met for a probability, unjudged for None.

    A red flag counts as perhaps said (partly) only where it begins to cost something: a suspicion that costs nothing
    accuses honest answers.
    """
    if probability is None:
        return Verdict.UNJUDGED
    if probability >= MET:
        return Verdict.MET
    return Verdict.PARTLY if probability >= (RED_FLAG_DOUBT if kind == "red_flag" else PARTLY) else Verdict.NOT_MET
