"""Fit the weights beside the matcher, and print how well met and unmet checks are told apart with it.

    python benchmarks/fit_matcher.py [--matcher coach/data/matcher.onnx] [--leave-out N]

Needs the ``local`` and ``calibrate`` extras; the language model is not asked. Data: the labelled answers of the half
``build`` of ``data/voices.jsonl`` that ``train_matcher.py`` kept out of training (every fifth), so that the matcher is
as sure of itself here as it will be on answers of strangers. With --leave-out N, for a matcher that was trained with
the same option, all answers to the questions that it left out: what a bank can expect that it was never trained on.

A partly met check counts half as met and half as not. A weight may not turn a signal into its opposite. The areas under
the ROC curve are of answers that the weights had not seen (ten folds by answer; with --leave-out by question).
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score
from train_matcher import answers_to_learn_from

from coach.answer.prepare import prepare_answer
from coach.bank.load import load_bank
from coach.files import DATA
from coach.judge.events import told_events
from coach.judge.evidence import find_evidence
from coach.judge.signals import MET, PARTLY, Kind, Signals, probability_of
from coach.model.encoder import Matcher, SentenceEncoder

FOLDS = 10
#: The signals that are weighed; more of one may never mean less.
NAMES = ("support", "words", "match", "second", "quote", "fit")
#: Inverse strength of the ridge penalty, on signals of one unit of spread.
STRENGTH = 3.0
#: The share of false credit at which missed points are counted.
FALSE_CREDIT = 0.04


@dataclass(frozen=True)
class Row:
    """The signals of one check on one answer, with its label (0, 0.5 or 1) and the group that is left out with it."""

    group: str
    kind: Kind
    label: float
    signals: Signals


class OtherMatcher(Matcher):
    """A matcher from any file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def _path(self) -> Path:
        return self._file


def labelled_rows(path: Path, left_out: int | None) -> list[Row]:
    """Measure every check of the answers that the matcher was not trained on."""
    bank, encoder, matcher = load_bank(), SentenceEncoder(), OtherMatcher(path)
    questions = {question.id: question for question in bank.questions}
    if left_out is None:
        answers = answers_to_learn_from(kept_for_fitting=True)
    else:
        unseen = list(questions)[left_out::3]
        both = [*answers_to_learn_from(), *answers_to_learn_from(kept_for_fitting=True)]
        answers = [answer for answer in both if answer["question_id"] in unseen]
    rows = []
    for number, answer in enumerate(answers):
        question = questions[answer["question_id"]]
        sentences = prepare_answer(answer["answer"], question, bank.language).judged_sentences
        told = told_events([sentence.text for sentence in sentences], bank.language)
        found = find_evidence(encoder, sentences, bank.checks_of(question), question.text, told, matcher)
        group = question.id if left_out is not None else str(number % FOLDS)
        for finding in found:
            check = finding.check
            label = 1.0 if check.id in answer["met"] else 0.5 if check.id in answer["partly"] else 0.0
            rows.append(Row(group, check.kind, label, finding.signals))
        print(end=".", flush=True)
    print()
    return rows


def features(rows: Sequence[Row]) -> np.ndarray:
    """Return the signals by NAMES, then what an event adds and what its lack takes away."""
    return np.array(
        [
            [*(getattr(row.signals, name) for name in NAMES), event or 0.0, 0.0 if event is None else 1 - event]
            for row in rows
            for event in (row.signals.event,)
        ]
    )


def fit(given: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the bias, then the weights."""
    spread = given.std(axis=0) + 1e-9

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value = weights[0] + given @ weights[1:]
        odds = 1 / (1 + np.exp(-value))
        held = weights[1:] * spread**2 / STRENGTH
        cost = (labels * np.logaddexp(0, -value) + (1 - labels) * np.logaddexp(0, value)).sum()
        slope = given.T @ (odds - labels) + held
        return float(cost + weights[1:] @ held / 2), np.concatenate(([(odds - labels).sum()], slope))

    bounds = [(None, None), *((0.0, None) for _ in NAMES), (0.0, None), (None, 0.0)]
    return minimize(loss, np.zeros(given.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x


def left_out_odds(given: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the log-odds of each row by weights that were fitted without its group."""
    odds = np.zeros(len(labels))
    for group in np.unique(groups):
        weights = fit(given[groups != group], labels[groups != group])
        odds[groups == group] = weights[0] + given[groups == group] @ weights[1:]
    return odds


def report(name: str, labels: np.ndarray, odds: np.ndarray) -> None:
    """Print how well these odds tell met from unmet."""
    clear = labels != 0.5
    area = roc_auc_score(labels[clear], odds[clear])
    limit = np.quantile(odds[labels == 0], 1 - FALSE_CREDIT)
    missed = (odds[labels == 1] < limit).mean()
    met, partly = (np.log(p / (1 - p)) for p in (MET, PARTLY))
    print(
        f"  {name:12} area under the ROC curve {area:.3f}; {missed:.0%} of met missed at {FALSE_CREDIT:.0%} false "
        f"credit; at the limits of verdicts {(odds[labels == 0] >= met).mean():.1%} of unmet called met, "
        f"{(odds[labels == 1] < partly).mean():.1%} of met called not met"
    )


def main() -> None:
    """Print areas and weights for points and red flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matcher", type=Path, default=DATA / "matcher.onnx")
    parser.add_argument("--leave-out", type=int, choices=(0, 1, 2))
    options = parser.parse_args()
    rows = labelled_rows(options.matcher, options.leave_out)
    for kind in ("point", "red_flag"):
        own = [row for row in rows if row.kind == kind]
        given, labels = features(own), np.array([row.label for row in own])
        print(f"{kind}: {len(own)} checks, {int((labels == 1).sum())} met")
        for place, name in enumerate(NAMES):
            report(name, labels, given[:, place])
        report("fitted", labels, left_out_odds(given, labels, np.array([row.group for row in own])))
        today = np.array([probability_of(row.kind, row.signals) for row in own])
        report("as shipped", labels, np.log(today / (1 - today)))
        weights = fit(given, labels)
        parts = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(NAMES, weights[1:-2], strict=True))
        print(f"  bias {weights[0]:.2f}; {parts}; told {weights[-2]:.2f}, untold {weights[-1]:.2f}")


if __name__ == "__main__":
    main()
