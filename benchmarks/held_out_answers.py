"""How the judge does on answers of strangers: verdicts, quotes, accusations, scores, by voice and by question.

    python benchmarks/held_out_answers.py [--half locked|build|kept] [--keep FILE] [--list]

Needs the ``local`` and ``calibrate`` extras. Data: ``benchmarks/data/voices.jsonl``, eleven voices (a veteran's run-on
talk, an honest junior, non-native English, terse notes, lists, a runbook, a glossary, spoken words, plans of somebody
who never did it, negations, fluent harm) on each of the fifteen questions, each with a mark that a strict, fair hiring
manager would give and the passages that show each check. They were written without a view of the checks and labelled by
the statements alone, both by a language model; one labeller an answer, so some labels may be argued about. The half
``build`` trained the matcher, but for every fifth answer that was ``kept`` for the weights; no question is there in a
voice that the half ``locked`` has it in. With --list every wrong quote and every verdict on the wrong side is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kept_replies import open_kept_assessor
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import roc_auc_score
from train_matcher import answers_to_learn_from

from coach.bank.questions import Bank, Question
from coach.judge.signals import MET, PARTLY
from coach.submit.assessment import Assessment, CheckResult
from coach.submit.open import Settings
from coach.submit.scoring import score_answer

DATA = Path(__file__).parent / "data" / "voices.jsonl"


@dataclass(frozen=True)
class Held:
    """One answer with its labels and what the coach made of it."""

    question: Question
    item: dict[str, Any]
    assessment: Assessment

    def label(self, check: CheckResult) -> float:
        """Return 1, 0.5 or 0."""
        return 1.0 if check.id in self.item["met"] else 0.5 if check.id in self.item["partly"] else 0.0

    def is_shown_by(self, check: CheckResult) -> bool:
        """Return whether the quote is or holds a passage that shows the check."""
        quote = " ".join(check.evidence[0].quote.split())
        passages = [*self.item["met"].get(check.id, []), *self.item["partly"].get(check.id, [])]
        return any(" ".join(text.split()) in quote or quote in " ".join(text.split()) for text in passages)

    def labelled_score(self, bank: Bank) -> float:
        """Return the score by the labels."""
        labels: dict[str, float | None] = {check.id: self.label(check) for check in self.assessment.check_results()}
        score = score_answer(bank.rubric_of(self.question), bank.checks_of(self.question), labels)
        assert score is not None
        return score


async def assess_all(half: str, keep: Path | None) -> tuple[Bank, list[Held]]:
    """Judge every answer; raises ModelError."""
    async with open_kept_assessor(Settings(model="local", method="logprobs"), keep) as assessor:
        questions = {question.id: question for question in assessor.bank.questions}
        held = []
        items = answers_to_learn_from(kept_for_fitting=True)
        if half != "kept":
            lines = map(json.loads, DATA.read_text(encoding="utf-8").splitlines())
            items = [item for item in lines if item["half"] == half]
        for item in items:
            question = questions[item["question_id"]]
            held.append(Held(question, item, await assessor.assess(question, item["answer"])))
            assessment = held[-1].assessment
            print(f"{question.id:28} {item['voice']:14} {assessment.score:5.1f} {item['mark']:3}", end=" ")
            print(f"{assessment.receipt.seconds:.1f} s", flush=True)
        return assessor.bank, held


def verdicts(held: list[Held], kind: str) -> Iterator[tuple[Held, CheckResult, float, float]]:
    """Yield each judged check of a kind with its label and probability."""
    for one in held:
        for check in one.assessment.check_results():
            if check.kind == kind and check.probability is not None:
                yield one, check, one.label(check), check.probability


def report_verdicts(held: list[Held], listed: bool) -> None:
    """Print how well met and unmet are told apart."""
    for kind in ("point", "red_flag"):
        found = list(verdicts(held, kind))
        clear = [(label, p) for _, _, label, p in found if label != 0.5]
        area = roc_auc_score([label for label, _ in clear], [p for _, p in clear])
        credited = sum(label == 0 and p >= MET for label, p in clear)
        missed = sum(label == 1 and p < PARTLY for label, p in clear)
        met = sum(label == 1 for label, _ in clear)
        print(
            f"{kind}: area under the ROC curve {area:.3f}; {credited} of {len(clear) - met} unmet called met, ", end=""
        )
        print(f"{missed} of {met} met called not met")
        for one, check, label, p in found if listed else []:
            if (label == 0 and p >= MET) or (label == 1 and p < PARTLY):
                print(f"  {one.question.id} {check.id}: label {label}, p {p:.2f}")


def report_quotes(held: list[Held], listed: bool) -> None:
    """Print how often the quote of a credited check is a sentence that shows it."""
    right = []
    for one, check, label, _ in verdicts(held, "point"):
        if label and check.evidence:
            right.append(one.is_shown_by(check))
            if listed and not right[-1]:
                print(f"  {one.question.id} {check.id}: {check.evidence[0].quote}")
    print(f"quotes: {sum(right)} of {len(right)} right ({np.mean(right):.0%}), of points that are met or partly met")


def report_scores(bank: Bank, held: list[Held]) -> None:
    """Print how near the scores come to those by the labels."""
    pairs = [(one.labelled_score(bank), one.assessment) for one in held if one.assessment.score is not None]
    true, given = [score for score, _ in pairs], [assessment.score for _, assessment in pairs]
    inside = [a.interval is not None and a.interval[0] <= score <= a.interval[1] for score, a in pairs]
    off = np.array(given) - np.array(true)
    print(
        f"scores: Pearson {pearsonr(true, given)[0]:.2f}, Spearman {spearmanr(true, given)[0]:.2f}, "
        f"{off.mean():+.1f} points off on average, {np.abs(off).mean():.1f} without the sign; "
        f"{sum(inside)} of {len(inside)} inside the 90 % interval"
    )


def report_marks(held: list[Held]) -> None:
    """Print how near the scores come to the marks, for all, by voice and by question."""
    groups: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        for name in ("all", one.item["voice"], one.question.id):
            groups[name].append(one)
    for name, own in groups.items():
        marks = np.array([one.item["mark"] for one in own], dtype=float)
        scores = np.array([one.assessment.score for one in own], dtype=float)
        off = scores - marks
        r = pearsonr(marks, scores)[0] if len(own) > 2 else float("nan")
        print(f"{name:28} {len(own):3} answers, r {r:5.2f}, bias {off.mean():+6.1f}, ", end="")
        print(f"RMSE {np.sqrt((off * off).mean()):5.1f}, highest {scores.max():5.1f}")
    struck = [one for one in held if any(w.code == "instruction_in_answer" for w in one.assessment.warnings)]
    print(f"taken for talk to the grader: {len(struck)} of {len(held)}")


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("locked", "build", "kept"), default="locked", help="Which half is judged.")
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    parser.add_argument("--list", action="store_true", help="Print what is wrong.")
    arguments = parser.parse_args()
    bank, held = asyncio.run(assess_all(arguments.half, arguments.keep))
    report_verdicts(held, arguments.list)
    report_quotes(held, arguments.list)
    report_scores(bank, held)
    labelled = [one.labelled_score(bank) for one in held]
    marks = [one.item["mark"] for one in held]
    print(f"scores by the labels: Pearson with the mark {pearsonr(marks, labelled)[0]:.2f}")
    report_marks(held)


if __name__ == "__main__":
    main()
