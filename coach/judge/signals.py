"""From what was measured about one check to the probability that the answer does it, and to a verdict.

The signals, each cheap and each blind in its own way; the first five are about the one sentence that comes nearest:

* ``statement``: its cosine with the check's statement,
* ``example``:   its largest cosine with a sentence that meets the check (the example in the author's advice and
  the check's ``examples``),
* ``counter``:   its largest cosine with a sentence that sounds close and does not meet it (``counter_examples``; for
  a red flag also the advice, which says the right thing); 0 when there is none,
* ``support``:   mean nearness of the two nearest sentences (see ``coach.judge.evidence``),
* ``words``:     the largest share of an example's telling words that it holds (see `coach.judge.evidence.KeyWords`),
* ``log_odds``:  the model's log-odds of Yes for the answer, minus its mean log-odds for content-free answers on the
  same check (contextual calibration, Zhao et al. 2021),
* ``match``, ``second``: the two largest log-odds that a small matcher gives the nearest sentences and clauses,
* ``quote``, ``fit``: how well the best sentence can be quoted for it, and how much better than for other checks.

A check that needs an event has one signal more: ``event``, how far any sentence of the answer tells of something that
happened (see ``coach.judge.events``).

A logistic model joins them, as LLM-Rubric (Hashemi et al. 2024) calibrates distributions of answers. Its weights
are the same for every check and every bank: ``benchmarks/fit_signals.py`` fits them on the labelled exemplars and traps
and prints how they do on questions that were left out. The weights for reference answers were set by judgement.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from coach.judge.judging import Decider, Verdict

Kind = Literal["point", "red_flag"]


@dataclass(frozen=True)
class Signals:
    """What was measured about one check on one answer; ``log_odds`` is None where the model was not asked."""

    statement: float
    example: float
    counter: float = 0.0
    support: float = 0.0
    words: float = 0.0
    log_odds: float | None = None
    #: True when the check has no example sentence beside its own statement.
    statement_only: bool = False
    #: The matcher's largest log-odds over the sentences and clauses that it read; None where there is no matcher.
    match: float | None = None
    #: The second largest of them.
    second: float | None = None
    #: How well the best sentence can be quoted for the check, and by how much better than for the three other checks
    #: that it fits best: what is about everything shows nothing (see `coach.judge.evidence`).
    quote: float = 0.0
    fit: float = 0.0
    #: How far the answer tells of an event (0..1), for a check that needs one; None for others and where it is unknown.
    event: float | None = None


@dataclass(frozen=True)
class Rule:
    """A logistic model over the signals: the bias, and a weight for each signal by its name.

    ``told`` and ``untold`` are added for a check that needs an event: where one is told, and where none is.
    """

    bias: float
    weights: Mapping[str, float]
    told: float = 0.0
    untold: float = 0.0

    def value(self, signals: Signals) -> float:
        """Return the log-odds that the check is met; a signal that was not measured counts 0."""
        total = self.bias + sum(weight * (getattr(signals, name) or 0.0) for name, weight in self.weights.items())
        return total if signals.event is None else total + self.untold + (self.told - self.untold) * signals.event


#: Fitted on the labelled exemplars and traps with met and unmet checks weighing the same (benchmarks/fit_signals.py).
#: The bias of red flags is lowered by 1.8, because accusing an honest answer does more harm than missing a wrong one.
#: What an event adds was fitted to the samples as often as met and unmet checks come: 0.9 and -1.3; weighing the same:
#: 2.3 and -0.3. Rounded with more weight on the lack: all 40 points of this kind that the sample answers make come with
#: an event, and only 17 of the 198 others.
#: The two "matched" rules hold where the matcher has read the nearest sentences: it and likeness decide, and the model
#: is asked only about red flags that they leave open. Fitted on answers that the matcher was not trained on
#: (benchmarks/fit_matcher.py); what the model's view of an open red flag weighs was set by judgement.
#: "reference" is for a check whose statement is its only example (a reference answer): likeness says less, the model
#: more. Set by judgement.
RULES: dict[str, Rule] = {
    "point": Rule(
        -6.5, {"example": 9.5, "counter": -4.5, "support": 1.7, "words": 5.7, "log_odds": 3.0}, told=1.0, untold=-2.0
    ),
    "red_flag": Rule(-7.8, {"statement": 4.0, "example": 2.0, "words": 8.0, "log_odds": 2.8}),
    "matched_point": Rule(
        -2.5, {"support": 4.25, "match": 0.23, "second": 0.18, "quote": 0.24, "fit": 4.15}, told=1.84
    ),
    "matched_red_flag": Rule(
        -7.2, {"support": 7.95, "words": 4.3, "second": 0.69, "quote": 0.79, "fit": 12.3, "log_odds": 1.0}
    ),
    "reference": Rule(-2.0, {"statement": 4.0, "words": 1.5, "log_odds": 2.4}),
}
#: What each unit of log-odds below 0 takes from a red flag besides: an honest answer may share most words with a wrong
#: one, and the model tells them apart. Of the red flags in the samples, it gave each that it was asked about over 0.3.
DISBELIEF = 6.0

#: A check is met from MET on, partly met from PARTLY on.
MET, PARTLY = 0.6, 0.35
#: Probability of a red flag from which it counts, and its cost begins.
RED_FLAG_DOUBT = 0.5

#: The model is asked only where the other signals leave a probability in this range.
_ASK_ABOVE, _ASK_BELOW = 0.02, 0.98
#: Where the matcher was read, a red flag is open in this range; asking takes ten times as long as all the rest.
_OPEN_ABOVE, _OPEN_BELOW = 0.35, 0.7


def rule_of(kind: Kind, signals: Signals) -> str:
    """Return the name of the rule that joins these signals."""
    if signals.statement_only:
        return "reference"
    return kind if signals.match is None else f"matched_{kind}"


def probability_of(kind: Kind, signals: Signals) -> float:
    """Return the probability (0..1) that the answer does what a check of this kind says."""
    value = RULES[rule_of(kind, signals)].value(signals)
    if kind == "red_flag":
        value -= DISBELIEF * max(0.0, -(signals.log_odds or 0.0))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def decider_of(kind: Kind, signals: Signals) -> Decider:
    """Return whose view made the probability: the model's where it was asked."""
    if signals.log_odds is not None:
        return "model"
    return "matcher" if rule_of(kind, signals).startswith("matched") else "similarity"


def worth_asking(kind: Kind, signals: Signals) -> bool:
    """Return whether the model's view could still change the verdict.

    Nobody is accused without it, unless the matcher is sure.
    """
    if signals.statement_only:
        return True
    probability = probability_of(kind, signals)
    if rule_of(kind, signals).startswith("matched"):
        return kind == "red_flag" and _OPEN_ABOVE < probability < _OPEN_BELOW
    return probability >= _ASK_ABOVE and (kind == "red_flag" or probability <= _ASK_BELOW)


def rule_sha256() -> str:
    """Return a short hash of the weights and limits, which change verdicts as a model or a prompt does."""
    rule = repr(
        (
            [(name, r.bias, sorted(r.weights.items()), r.told, r.untold) for name, r in sorted(RULES.items())],
            DISBELIEF,
            _ASK_ABOVE,
            _ASK_BELOW,
            _OPEN_ABOVE,
            _OPEN_BELOW,
        )
    )
    return hashlib.sha256(rule.encode()).hexdigest()[:12]


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


def yes_log_odds(first_token: Mapping[str, float]) -> float | None:
    """Return log P(Yes) - log P(No), each summed over spellings; None when neither is among the alternatives.

    An answer that is not listed gets half the probability of the least likely alternative: it is at most that.
    """
    yes, no = (
        sum(math.exp(value) for token, value in first_token.items() if token.strip().casefold() == word)
        for word in ("yes", "no")
    )
    if yes == 0.0 and no == 0.0:
        return None
    floor = max(min(map(math.exp, first_token.values())) / 2, 1e-12)
    return math.log(max(yes, floor)) - math.log(max(no, floor))
