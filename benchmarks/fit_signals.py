"""Fit the weights of ``coach.judge.signals`` and print what they give on questions that were left out.

    python benchmarks/fit_signals.py [--keep FILE]

Needs the ``local`` and ``calibrate`` extras. Data: the labels of ``examples/exemplars`` and ``examples/traps``; every
check of every labelled answer is measured with the sentence encoder, and asked about where the commands would ask. A
partly met check counts half as met and half as not. Met and unmet checks weigh the same in total, because the traps
make unmet ones far more common here than they are in the answers of people who try. A weight may not turn a signal
into its opposite. The questions are split into folds; the areas under the ROC curve are of questions that the weights
had not seen.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from kept_replies import open_kept_assessor
from measuring import measure_signals
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from coach.bank.examples import load_exemplars
from coach.judge.logprobs import LogprobsJudge
from coach.judge.signals import Kind
from coach.submit.open import Settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import load_traps

FOLDS = 5
NAMES = ("statement", "example", "counter", "support", "words", "log_odds")
#: What more of a signal may do: never the opposite of what it stands for, however the samples happen to fall.
UP, DOWN = (0.0, None), (None, 0.0)
SIGNS = (UP, UP, DOWN, UP, UP, UP)
#: Inverse strength of the ridge penalty.
STRENGTH = 10.0
SIMILARITY, MODEL = (0, 1, 2, 3, 4), (5,)


@dataclass(frozen=True)
class Row:
    """The signals of one check on one answer, and whether the answer's author says that it is met (0, 0.5 or 1)."""

    question_id: str
    kind: Kind
    label: float
    signals: tuple[float, ...]


async def labelled_rows(keep: Path | None) -> list[Row]:
    """Measure every check of every labelled answer; raises ModelError where the model decides nothing."""
    rows = []
    async with open_kept_assessor(Settings(model="local", method="logprobs"), keep) as assessor:
        judge = assessor.judge
        assert isinstance(judge, LogprobsJudge)
        for question in assessor.bank.questions:
            for sample in [*load_exemplars(question.id), *load_traps(question.id)]:
                task = assessor.task(question, assessor.prepare(question, sample.answer))
                for check, s in await measure_signals(judge, task):
                    label = 1.0 if check.id in sample.met else 0.5 if check.id in sample.partly else 0.0
                    signals = (s.statement, s.example, s.counter, s.support, s.words, s.log_odds or 0.0)
                    rows.append(Row(question.id, check.kind, label, signals))
            print(question.id, len(rows), flush=True)
    return rows


def fit(rows: Sequence[Row], columns: Sequence[int]) -> np.ndarray:
    """Fit one logistic model on some of the signals; returns the bias, then their weights in the given order."""
    met = sum(row.label for row in rows) / len(rows)
    features, sides, shares = [], [], []
    for row in rows:
        for side, share in ((1.0, row.label / met), (-1.0, (1 - row.label) / (1 - met))):
            if share:
                features.append([1.0, *(row.signals[column] for column in columns)])
                sides.append(side)
                shares.append(share / 2)
    given, side, share = np.array(features), np.array(sides), np.array(shares)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value = side * (given @ weights)
        held = np.concatenate(([0.0], weights[1:])) / STRENGTH
        slope = given.T @ (-share * side / (1 + np.exp(value))) + held
        return float(share @ np.logaddexp(0, -value) + weights[1:] @ held[1:] / 2), slope

    bounds = [(None, None), *(SIGNS[column] for column in columns)]
    return minimize(loss, np.zeros(given.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x


def left_out_auc(rows: Sequence[Row], columns: Sequence[int]) -> float:
    """Return the area under the ROC curve for questions that were left out; partly met checks are not counted."""
    questions = sorted({row.question_id for row in rows})
    truth, guess = [], []
    for fold in range(FOLDS):
        left_out = set(questions[fold::FOLDS])
        model = fit([row for row in rows if row.question_id not in left_out], columns)
        test = [row for row in rows if row.question_id in left_out and row.label != 0.5]
        truth += [row.label for row in test]
        guess += [float(model[0] + model[1:] @ np.array([row.signals[c] for c in columns])) for row in test]
    return float(roc_auc_score(truth, guess))


def main() -> None:
    """Print weights and areas for points and red flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    rows = asyncio.run(labelled_rows(parser.parse_args().keep))
    for kind in ("point", "red_flag"):
        own = [row for row in rows if row.kind == kind]
        print(f"{kind}: {len(own)} labels; area under the ROC curve on left-out questions:")
        for name, columns in (("similarity", SIMILARITY), ("model", MODEL), ("both", SIMILARITY + MODEL)):
            print(f"  {name:11} {left_out_auc(own, columns):.3f}")
        whole = fit(own, SIMILARITY + MODEL)
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(NAMES, whole[1:], strict=True))
        print(f"  bias {whole[0]:.2f}; {weights}")


if __name__ == "__main__":
    main()
