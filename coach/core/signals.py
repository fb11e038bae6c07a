"""From what was measured about one check to the probability that the answer does it.

Three signals, each cheap and each blind in its own way:

* ``statement``: cosine of the best sentence of the answer with the check's statement,
* ``example``:   its cosine with the example sentence in the author's advice (what such an answer sounds like;
  for a red flag the advice says the right thing instead, so this signal counts against it),
* ``log_odds``:  the model's log-odds of Yes for that sentence, minus its mean log-odds for content-free
  sentences on the same check (contextual calibration, Zhao et al. 2021).

A logistic model joins them (as LLM-Rubric, Hashemi et al. 2024, calibrates answer distributions). Its few weights
are the same for every check and every bank; they were fitted by ``benchmarks/fit_signals.py`` on the labelled
exemplars and traps, and are reported there cross-validated by question.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from coach.models.bank import Check

#: A model is asked only when the similarity alone leaves a probability in this range; outside it, asking moved
#: the verdict too rarely to be worth the time.
ASK_ABOVE, ASK_BELOW = 0.04, 0.985

_EXAMPLE = re.compile(r"[\"“]([^\"”]{15,})[\"”]")

Kind = Literal["point", "red_flag"]


@dataclass(frozen=True)
class Signals:
    """What was measured about one check on one answer; ``log_odds`` is None where the model was not asked."""

    statement: float
    example: float
    log_odds: float | None = None


@dataclass(frozen=True)
class Weights:
    """Weights of a logistic model over the signals."""

    bias: float
    statement: float
    example: float
    log_odds: float


SIMILARITY_ONLY: dict[Kind, Weights] = {
    "point": Weights(-9.2, 5.2, 11.0, 0.0),
    "red_flag": Weights(-9.0, 20.0, -6.0, 0.0),
}
WITH_MODEL: dict[Kind, Weights] = {
    "point": Weights(-8.0, 4.0, 9.0, 0.5),
    "red_flag": Weights(-8.0, 17.0, -5.0, 0.5),
}


def probability_of(kind: Kind, signals: Signals) -> float:
    """Return the probability (0..1) that the answer does what a check of this kind says."""
    weights = (SIMILARITY_ONLY if signals.log_odds is None else WITH_MODEL)[kind]
    value = (
        weights.bias
        + weights.statement * signals.statement
        + weights.example * signals.example
        + weights.log_odds * (signals.log_odds or 0.0)
    )
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def worth_asking(kind: Kind, signals: Signals) -> bool:
    """Return whether the model's view could still change the verdict."""
    return ASK_ABOVE <= probability_of(kind, signals) <= ASK_BELOW


def example_of(check: Check) -> str:
    """Return the example sentence of a check's advice (its text in double quotes), else the whole advice."""
    quoted = _EXAMPLE.findall(check.advice)
    return " ".join(quoted) if quoted else check.advice
