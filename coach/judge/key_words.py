"""How many of the telling words of one text are found in another.

Sentences about the same topic have a high cosine even when one says nothing that the other does. What they rarely share
by chance are the words that set one check apart from the others: "conformance statement", "worklist", "checksum". A
word counts the more, the fewer of the known texts hold it (inverse document frequency, Spärck Jones 1972); words of
the question count nothing, because everybody who answers repeats them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from coach.judge.similarity import stems


class KeyWords:
    """Weighs words by the texts of one question's checks."""

    def __init__(self, texts: Sequence[str], question: str) -> None:
        self._stems = {text: frozenset(stems(text)) for text in texts}
        counts = Counter(stem for held in self._stems.values() for stem in held)
        asked = frozenset(stems(question))
        self._weight = {s: 0.0 if s in asked else math.log(1 + (1 + len(texts)) / (1 + n)) for s, n in counts.items()}

    def shares(self, source: str) -> dict[str, float]:
        """Return for every known text the share (0..1) of its words, by weight, that ``source`` holds.

        A text without words of its own has 0.
        """
        found = frozenset(stems(source))
        return {text: self._share(held, found) for text, held in self._stems.items()}

    def _share(self, held: frozenset[str], found: frozenset[str]) -> float:
        # Sorted, because sums of floats depend on the order, and that of a set changes from run to run.
        total = sum(self._weight[stem] for stem in sorted(held))
        return sum(self._weight[stem] for stem in sorted(held & found)) / total if total else 0.0
