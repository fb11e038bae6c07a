"""Finds sentences that talk to a grader by their meaning, with the sentence encoder.

A logistic regression on the sentence's embedding, trained on sentences written for the purpose
(``benchmarks/train_instruction_detector.py``). A sentence is reported when it is likely an instruction
and at the same time has little to do with the rest of the answer, so that honest talk about scores,
rules or reviews stays part of the answer it belongs to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from coach.errors import EmbeddedModelError
from coach.model.encoder import SentenceEncoder

WEIGHTS = Path(__file__).resolve().parent.parent / "data" / "instruction_weights.json"
PROBABILITY = 0.7
#: Mean cosine with the two most similar other sentences of the answer; below it a sentence stands apart.
COHERENCE = 0.2


class InstructionDetector:
    """Tells which sentences of an answer talk to a grader; see the module's docstring."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder

    def suspicious(self, sentences: Sequence[str]) -> list[bool]:
        """Return for each sentence of one answer whether it is reported."""
        if not sentences:
            return []
        probabilities = self.probabilities(sentences)
        coherence = _coherence(self._encoder.matrix(sentences, sentences))
        return [p > PROBABILITY and c < COHERENCE for p, c in zip(probabilities, coherence, strict=True)]

    def probabilities(self, sentences: Sequence[str]) -> list[float]:
        """Return the classifier's probability (0..1) for each sentence on its own."""
        weights, bias = _weights()
        embeddings = self._encoder.embed(sentences)
        values = (sum(w * float(x) for w, x in zip(weights, row, strict=True)) + bias for row in embeddings)
        return [1 / (1 + math.exp(-value)) for value in values]


def _coherence(cosines: list[list[float]]) -> list[float]:
    """Return how much each sentence belongs to the others; a single sentence stands apart from nothing."""
    means = []
    for index, row in enumerate(cosines):
        others = sorted((value for j, value in enumerate(row) if j != index), reverse=True)[:2]
        means.append(sum(others) / len(others) if others else 1.0)
    return means


@lru_cache(maxsize=1)
def _weights() -> tuple[list[float], float]:
    try:
        data = json.loads(WEIGHTS.read_text(encoding="utf-8"))
        return [float(value) for value in data["weights"]], float(data["bias"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddedModelError(f"{WEIGHTS}: cannot be read ({error})", "Install the package again.") from None
