"""How alike two short texts are: the interface, and a lexical measure that needs no model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_STOP_WORDS = (
    "a an and are as at be been but by can did do does for from had has have how i if in into is it its me my of on "
    "one or our so such than that the their them then there these they this to up us was we were what when where "
    "which who will with would you your"
)
_STOP = frozenset(_STOP_WORDS.split())


class Similarity(Protocol):
    """Compares every text of one list with every text of another."""

    name: str
    #: A sentence whose largest similarity with all that a question asks for is lower has nothing to do with it.
    unrelated_below: float

    def matrix(self, rows: Sequence[str], columns: Sequence[str]) -> list[list[float]]:
        """Return similarities (about 0 for unrelated, 1 for the same) as one list per row text."""
        ...


class LexicalSimilarity:
    """Cosine of shared word stems, rare words counting more; used where no sentence encoder is installed."""

    name = "lexical"
    #: Sentences without a shared word are no sign of anything here.
    unrelated_below = 0.0

    def matrix(self, rows: Sequence[str], columns: Sequence[str]) -> list[list[float]]:
        """Return the cosine of stem counts, weighted by inverse document frequency over all texts given."""
        bags = [Counter(stems(text)) for text in (*rows, *columns)]
        document_frequency = Counter(stem for bag in bags for stem in bag)
        weight = {stem: math.log(1 + len(bags) / count) for stem, count in document_frequency.items()}
        vectors = [{stem: (1 + math.log(n)) * weight[stem] for stem, n in bag.items()} for bag in bags]
        row_vectors, column_vectors = vectors[: len(rows)], vectors[len(rows) :]
        return [[_cosine(row, column) for column in column_vectors] for row in row_vectors]


def stems(text: str) -> list[str]:
    """Return the text's content words, folded and cut to crude stems of at most six letters."""
    return [word[:6] for word in _WORD.findall(text.casefold()) if word not in _STOP]


def _cosine(left: dict[str, float], right: dict[str, float]) -> float:
    shared = sum(value * right[key] for key, value in left.items() if key in right)
    if not shared:
        return 0.0
    return shared / math.sqrt(sum(v * v for v in left.values()) * sum(v * v for v in right.values()))
