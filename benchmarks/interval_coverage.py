"""How often does the interval hold what it promises, and how much do errors on one answer go together?

    python benchmarks/interval_coverage.py [--keep FILE]

Every exemplar and most traps are labelled by their author: which points it meets or partly meets. The score that
these labels give is compared with the judge's score and its 90 % interval. The correlation of the errors of two checks
on one answer is estimated from all pairs of points (standardised residuals: label minus probability, over
sqrt(p(1-p))); it is ERROR_CORRELATION in coach/submit/scoring.py. The labels also served to fit the judge's weights, so
both figures are somewhat too good.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
from pathlib import Path

from kept_replies import open_kept_assessor

from coach.bank.examples import Exemplar, load_exemplars
from coach.bank.questions import Check
from coach.submit.assessment import Assessment
from coach.submit.open import Settings
from coach.submit.scoring import ERROR_CORRELATION, score_answer

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import Trap, load_traps

#: Traps that are there to raise red flags, for which there are no labels.
WITH_RED_FLAGS = {"confident_nonsense", "harmful_advice"}
PROMISED = 0.9
#: A probability of almost 0 or 1 would make a single surprise outweigh all others.
CLIP = 0.05


def labels_of(sample: Exemplar | Trap, checks: list[Check]) -> dict[str, float | None]:
    """Return what the author says about each check; red flags are not labelled and taken as absent."""
    met, partly = set(sample.met), set(sample.partly)
    return {
        check.id: (1.0 if check.id in met else 0.5 if check.id in partly else 0.0) if check.kind == "point" else 0.0
        for check in checks
    }


def residuals(assessment: Assessment, labels: dict[str, float | None]) -> list[float]:
    """Return the standardised residual of each judged point."""
    found = []
    for check in assessment.check_results():
        label = labels[check.id]
        if check.kind == "point" and check.probability is not None and label is not None:
            p = min(1 - CLIP, max(CLIP, check.probability))
            found.append((label - p) / math.sqrt(p * (1 - p)))
    return found


async def run(keep: Path | None) -> None:
    """Judge every labelled answer and print both figures."""
    rows: list[tuple[str, float, Assessment, list[float]]] = []
    async with open_kept_assessor(Settings(model="local"), keep) as assessor:
        for question in assessor.bank.questions:
            checks = assessor.bank.checks_of(question)
            traps = [trap for trap in load_traps(question.id) if trap.kind not in WITH_RED_FLAGS]
            for sample in [*load_exemplars(question.id), *traps]:
                labels = labels_of(sample, checks)
                wanted = score_answer(assessor.bank.rubric_of(question), checks, labels)
                assessment = await assessor.assess(question, sample.answer)
                if wanted is not None and assessment.score is not None:
                    kind = sample.level if isinstance(sample, Exemplar) else "trap"
                    rows.append((kind, wanted, assessment, residuals(assessment, labels)))
    _print_coverage(rows)
    _print_correlation([row[3] for row in rows])


def _print_coverage(rows: list[tuple[str, float, Assessment, list[float]]]) -> None:
    print("| answers | number | label score inside the 90 % interval | mean width | mean difference |")
    print("|---|---|---|---|---|")
    for kind in ("strong", "partial", "weak", "trap", "all"):
        chosen = [row for row in rows if kind in (row[0], "all")]
        inside = widths = differences = 0.0
        for _, wanted, assessment, _ in chosen:
            low, high = assessment.interval or (0.0, 100.0)
            inside += low <= wanted <= high
            widths += high - low
            differences += (assessment.score or 0.0) - wanted
        n = len(chosen)
        print(f"| {kind} | {n} | {inside / n:.0%} | {widths / n:.1f} | {differences / n:+.1f} |")
    print(f"promised: {PROMISED:.0%}")


def _print_correlation(answers: list[list[float]]) -> None:
    mean = statistics.fmean(value for answer in answers for value in answer)
    spread = statistics.fmean((value - mean) ** 2 for answer in answers for value in answer)
    products = [(a - mean) * (b - mean) for answer in answers for i, a in enumerate(answer) for b in answer[i + 1 :]]
    found = statistics.fmean(products) / spread
    print(f"correlation of two errors on one answer: {found:.3f} ({len(products)} pairs); in use: {ERROR_CORRELATION}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    asyncio.run(run(parser.parse_args().keep))


if __name__ == "__main__":
    main()
