"""Fit the weights of ``coach.core.signals`` and print what they give on questions that were left out.

    python benchmarks/fit_signals.py

Needs the ``local`` extra and scikit-learn. Data: the labels of ``examples/exemplars`` and ``examples/traps``. The
similarity signals are fitted here; the model's weight was set beside them and is measured by
``benchmarks/exemplar_table.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from coach.core.evidence import find_evidence
from coach.core.sentences import split_sentences
from coach.edges.bank_files import load_bank
from coach.edges.encoder import SentenceEncoder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FOLDS = 5
Row = tuple[str, str, float, list[float]]


def labelled_rows() -> list[Row]:
    """Return (question, kind, label, signals) for every check of every labelled answer."""
    bank, encoder, rows = load_bank(), SentenceEncoder(), []
    for question in bank.questions:
        for folder, key in (("exemplars", "exemplars"), ("traps", "traps")):
            content = yaml.safe_load((EXAMPLES / folder / f"{question.id}.yaml").read_text(encoding="utf-8"))
            for item in content[key]:
                for found in find_evidence(encoder, split_sentences(item["answer"]), bank.checks_of(question)):
                    label = 1.0 if found.check.id in item["met"] else 0.5 if found.check.id in item["partly"] else 0.0
                    s = found.signals
                    rows.append((question.id, found.check.kind, label, [s.statement, s.example, s.counter, s.support]))
    return rows


def fit(rows: list[Row]) -> LogisticRegression:
    """Fit one logistic model; a partly met check counts half as met and half as not."""
    features, labels, weights = [], [], []
    for _, _, label, signals in rows:
        for side, weight in ((1, label), (0, 1 - label)):
            if weight:
                features.append(signals)
                labels.append(side)
                weights.append(weight)
    return LogisticRegression(C=10, max_iter=1000).fit(np.array(features), labels, sample_weight=weights)


def main() -> None:
    """Print weights and the area under the ROC curve on left-out questions, for points and red flags."""
    rows = labelled_rows()
    questions = sorted({row[0] for row in rows})
    for kind in ("point", "red_flag"):
        own = [row for row in rows if row[1] == kind]
        truth, guess = [], []
        for fold in range(FOLDS):
            left_out = set(questions[fold::FOLDS])
            model = fit([row for row in own if row[0] not in left_out])
            test = [row for row in own if row[0] in left_out and row[2] != 0.5]
            truth += [row[2] for row in test]
            guess += list(model.decision_function(np.array([row[3] for row in test])))
        whole = fit(own)
        print(
            f"{kind}: {len(own)} labels, AUC on left-out questions {roc_auc_score(truth, guess):.3f}; "
            f"bias {whole.intercept_[0]:.2f}, weights {whole.coef_[0].round(2)}"
        )


if __name__ == "__main__":
    main()
