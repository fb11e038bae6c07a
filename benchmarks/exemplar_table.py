"""Score every exemplar and trap with the embedded model and print the table.

    python benchmarks/exemplar_table.py [--traps] [--keep FILE] [--only ID ...] [--method structured]

Needs the ``local`` extra. With --keep the model's replies are kept in a file (see kept_replies.py). Prints scores
and seconds ("nan" where nothing could be graded), and at the end where an order or a limit is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from pathlib import Path

from kept_replies import open_kept_assessor

from coach.bank.examples import exemplar_answers
from coach.bank.questions import Question
from coach.submit.open import Settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import load_traps

LEVELS = ["strong", "partial", "weak"]
STRONG_AT_LEAST, WEAK_AT_MOST = 75, 35


def answers_to(question: Question, with_traps: bool) -> dict[str, str]:
    """Return the sample answers by level, and the traps by kind."""
    traps = load_traps(question.id) if with_traps else []
    return {**exemplar_answers(question.id), **{trap.kind: trap.answer for trap in traps}}


def faults_of(question: Question, scores: dict[str, float]) -> list[str]:
    """Return what is wrong with the scores of one question's answers."""
    faults = []
    if not scores["strong"] > scores["partial"] > scores["weak"]:
        faults.append("order")
    if not scores["strong"] >= STRONG_AT_LEAST:
        faults.append(f"strong below {STRONG_AT_LEAST}")
    if not scores["weak"] <= WEAK_AT_MOST:
        faults.append(f"weak above {WEAK_AT_MOST}")
    not_below = [name for name, score in scores.items() if name not in LEVELS and score >= scores["partial"]]
    return [f"{question.id}: {fault}" for fault in [*faults, *(f"{name} not below partial" for name in not_below)]]


async def run(with_traps: bool, keep: Path | None, only: list[str], method: str | None) -> None:
    """Judge and print."""
    faults: list[str] = []
    async with open_kept_assessor(Settings(model="local", method=method), keep) as assessor:
        for question in assessor.bank.questions:
            if only and question.id not in only:
                continue
            scores, cells = {}, []
            for name, text in answers_to(question, with_traps).items():
                result = await assessor.assess(question, text)
                scores[name] = math.nan if result.score is None else result.score
                cells.append(f"{name[:8]} {scores[name]:3.0f} ({result.receipt.seconds:.1f}s)")
            print(f"{question.id:26} {'  '.join(cells)}", flush=True)
            faults += faults_of(question, scores)
    print(f"{len(faults)} findings: " + "; ".join(faults))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traps", action="store_true", help="Score the traps too.")
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="Only these questions.")
    parser.add_argument("--method", help="Judge with this method instead of the model's own.")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.traps, arguments.keep, arguments.only, arguments.method))


if __name__ == "__main__":
    main()
