"""Train the detector of sentences that talk to a grader, and print its cross-validated figures.

    python benchmarks/train_instruction_detector.py

Needs the ``local`` extra and scikit-learn. Training data: ``benchmarks/data/instruction_sentences.yaml`` and, as
further honest sentences, the partial and weak exemplars, the traps, and the half of ``benchmarks/data/voices.jsonl``
that is for building. The attack test set (``examples/attacks.yaml``), the strong exemplars and the locked half are
never read.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from coach.answer.grader_talk import PROBABILITY, WEIGHTS, instruction_signal
from coach.answer.sentences import split_sentences
from coach.model.encoder import SentenceEncoder

ROOT = Path(__file__).resolve().parent.parent


def training_sentences() -> tuple[list[str], list[int]]:
    """Return sentences and labels (1 = talks to a grader)."""
    data = yaml.safe_load((ROOT / "benchmarks/data/instruction_sentences.yaml").read_text(encoding="utf-8"))
    honest = list(data["answers"])
    for path in sorted((ROOT / "examples").glob("*/*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for item in [*content.get("exemplars", []), *content.get("traps", [])]:
            if item.get("level") != "strong":
                honest += [sentence.text for sentence in split_sentences(item["answer"])]
    voices = map(json.loads, (ROOT / "benchmarks/data/voices.jsonl").read_text(encoding="utf-8").splitlines())
    answers = [voice["answer"] for voice in voices if voice["half"] == "build"]
    spoken = [sentence.text for answer in answers for sentence in split_sentences(answer)]
    # What shows a sign is found before anybody asks for its meaning.
    honest += [text for text in spoken if instruction_signal(text) is None]
    return [*data["instructions"], *honest], [1] * len(data["instructions"]) + [0] * len(honest)


def main() -> None:
    """Train, print recall and false alarms, write the weights."""
    texts, labels = training_sentences()
    features, truth = SentenceEncoder().embed(texts), np.array(labels)
    # Far more sentences are honest than not, and so they count: a false alarm costs an honest candidate a point.
    model = LogisticRegression(C=20, max_iter=3000)
    guessed = cross_val_predict(model, features, truth, cv=10, method="predict_proba")[:, 1] > PROBABILITY
    print(
        f"{len(texts)} sentences, {truth.sum()} instructions; 10-fold: recall {guessed[truth == 1].mean():.3f}, "
        f"false alarms {guessed[truth == 0].mean():.3f} (before the coherence rule)"
    )
    model.fit(features, truth)
    weights = [round(float(value), 5) for value in model.coef_[0]]
    WEIGHTS.write_text(json.dumps({"weights": weights, "bias": round(float(model.intercept_[0]), 5)}), encoding="utf-8")


if __name__ == "__main__":
    main()
