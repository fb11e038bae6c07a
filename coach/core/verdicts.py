"""From a probability to a verdict in words."""

from __future__ import annotations

from coach.core.scoring import MET, PARTLY
from coach.models.assessment import Verdict


def verdict_of(probability: float | None) -> Verdict:
    """Return met, partly or not_met for a probability, unjudged for None."""
    if probability is None:
        return Verdict.UNJUDGED
    if probability >= MET:
        return Verdict.MET
    return Verdict.PARTLY if probability >= PARTLY else Verdict.NOT_MET
