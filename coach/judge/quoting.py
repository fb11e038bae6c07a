"""Choosing the sentence of an answer that is quoted for each check.

A verdict needs to know how near an answer comes; a reader needs the sentence that shows it. Four things tell it from
others on the same topic: it comes near to *several* examples of the check and not only to one, it shares the check's
telling words, and it does so more than it does with the checks that it fits best (cross-domain similarity local
scaling, Conneau et al. 2018): a sentence that is about everything shows nothing; and where the check asks for something
that happened, it tells of an event. The weights were chosen on the answers of ``benchmarks/held_out_answers.py``, which
measures how often a quote is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: So many of the nearest examples count.
EXAMPLES = 3
#: Weights beside the mean cosine of these examples.
STATEMENT, EXAMPLE_WORDS, STATEMENT_WORDS = 0.3, 0.8, 0.6
#: What a sentence gains that tells of an event, for a check that needs one.
EVENT = 0.2
#: So many of the checks that a sentence fits best say how much it fits any check, and this share of it is taken off.
COMPARED, COMMON = 3, 0.5

QUOTING = (EXAMPLES, STATEMENT, EXAMPLE_WORDS, STATEMENT_WORDS, EVENT, COMPARED, COMMON)


@dataclass(frozen=True)
class Likeness:
    """What one sentence has in common with one check: cosines with its texts, and shares of their telling words.

    ``event`` says how far the sentence tells of an event (0..1), for a check that needs one.
    """

    examples: Sequence[float]
    statement: float
    example_words: float
    statement_words: float
    event: float = 0.0

    def value(self) -> float:
        """Return all in one number."""
        nearest = sorted(self.examples, reverse=True)[:EXAMPLES]
        return (
            sum(nearest) / len(nearest)
            + STATEMENT * self.statement
            + EXAMPLE_WORDS * self.example_words
            + STATEMENT_WORDS * self.statement_words
            + EVENT * self.event
        )


def choose_quotes(likenesses: Sequence[Sequence[Likeness]]) -> list[int]:
    """Return for each check the index of the sentence to quote; ``likenesses`` has a row for each check."""
    values = [[likeness.value() for likeness in row] for row in likenesses]
    common = [_common(column) for column in zip(*values, strict=True)]
    return [max(range(len(row)), key=lambda index: row[index] - common[index]) for row in values]


def _common(values: Sequence[float]) -> float:
    best = sorted(values, reverse=True)[:COMPARED]
    return COMMON * sum(best) / len(best)
