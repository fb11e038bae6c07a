"""Does `coach compare` tell a harmless rewording from a real change? Measures both, and the noise behind the rule.

    python benchmarks/reworded_pairs.py [--model local] [--levels] [--keep FILE]

Pairs: each rewording of examples/rewordings.yaml is compared with the exemplar it was made from; at least 95 % must be
"no clear change". The spread of the probabilities between the two sets NOISE in coach/submit/changes.py.
Levels (--levels): weak to partial and partial to strong must be "improved", strong to partial "worse".

With --keep the model's replies are kept in a file (see kept_replies.py), so that the rule can be looked at without the
model.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kept_replies import open_kept_assessor

from coach.bank.examples import exemplar_answers
from coach.bank.load import load_bank
from coach.bank.questions import Bank, Question
from coach.compare.compare import Revision, build_comparison, judge_revisions
from coach.compare.difference import JITTER, MIN_CHANGE
from coach.compare.result import Comparison
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.changes import NOISE, Z
from coach.submit.key import result_key
from coach.submit.open import Settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import load_rewordings

WANTED_SHARE = 0.95
LEVEL_STEPS = (("weak", "partial", "improved"), ("partial", "strong", "improved"), ("strong", "partial", "worse"))


@dataclass(frozen=True)
class Pair:
    """Two answers to one question, what was done to the first, and the verdict that is wanted."""

    question: Question
    name: str
    change: str
    old: str
    new: str
    wanted: str


class Known:
    """The assessments of this run, by result key: an exemplar stands in many pairs."""

    def __init__(self) -> None:
        self.known: dict[str, Assessment] = {}

    async def assess(self, assessor: AnswerAssessor, question: Question, text: str) -> None:
        """Judge an answer unless its assessment is known."""
        key = result_key(assessor.bank, question, assessor.judge, text)
        if key not in self.known:
            self.known[key] = await assessor.assess(question, text)


def reworded_pairs(bank: Bank) -> Iterator[Pair]:
    """Yield each rewording with its exemplar."""
    questions = {question.id: question for question in bank.questions}
    for item in load_rewordings():
        question = questions[item.question_id]
        name, original = f"{question.id} ({item.level})", exemplar_answers(question.id)[item.level]
        yield Pair(question, name, item.change, original, item.answer, "no_clear_change")


def level_pairs(bank: Bank) -> Iterator[Pair]:
    """Yield the steps between the levels of each question's exemplars."""
    for question in bank.questions:
        answers = exemplar_answers(question.id)
        for old, new, wanted in LEVEL_STEPS:
            yield Pair(question, question.id, f"{old} to {new}", answers[old], answers[new], wanted)


async def compare_all(assessor: AnswerAssessor, pairs: Sequence[Pair], kept: Known) -> list[Comparison]:
    """Compare every pair; says on the way how far it is."""
    comparisons = []
    for number, pair in enumerate(pairs, 1):
        for text in (pair.old, pair.new):
            await kept.assess(assessor, pair.question, text)
        revisions = [Revision("old", pair.old), Revision("new", pair.new)]
        judged = await judge_revisions(assessor, pair.question, revisions, kept.known)
        comparisons.append(build_comparison(assessor.bank, pair.question, *judged))
        print(f"\r{number} of {len(pairs)}", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return comparisons


def print_table(pairs: Sequence[Pair], comparisons: Sequence[Comparison]) -> bool:
    """Print one row a pair as a Markdown table, and the share of the wanted verdicts; return whether it is enough."""
    print("| question | change | old | new | difference | threshold | verdict | as wanted |")
    print("|---|---|---|---|---|---|---|---|")
    right = 0
    for pair, comparison in zip(pairs, comparisons, strict=True):
        ok = comparison.verdict == pair.wanted
        right += ok
        verdict = (comparison.verdict or "not compared").replace("_", " ")
        scores = f"{comparison.old.score} | {comparison.new.score}"
        numbers = f"{comparison.difference:+} | {comparison.threshold}" if comparison.difference is not None else " | "
        print(f"| {pair.name} | {pair.change} | {scores} | {numbers} | {verdict} | {'yes' if ok else 'NO'} |")
    low, high = wilson(right, len(pairs))
    print(f"\n{right} of {len(pairs)} as wanted: {right / len(pairs):.1%} (95 % interval {low:.0%} to {high:.0%})\n")
    return right >= WANTED_SHARE * len(pairs)


def print_noise(pairs: Sequence[Pair], kept: Known, assessor: AnswerAssessor) -> None:
    """Print how far harmless rewording moves the probability of a check, by kind of change."""
    moves: dict[str, list[float]] = {}
    for pair in pairs:
        before, after = (probabilities(kept, assessor, pair.question, text) for text in (pair.old, pair.new))
        both = [check_id for check_id in before if check_id in after]
        moves.setdefault(pair.change, []).extend(after[check_id] - before[check_id] for check_id in both)
    print(f"| change | checks | moved by more than {JITTER} | SD of all | SD of those that moved | largest |")
    print("|---|---|---|---|---|---|")
    everything = [move for group in moves.values() for move in group]
    for change, group in [*sorted(moves.items()), ("all", everything)]:
        moved = [move for move in group if abs(move) > JITTER]
        row = [change, str(len(group)), str(len(moved)), f"{spread(group):.3f}", f"{spread(moved):.3f}"]
        print(f"| {' | '.join(row)} | {max(map(abs, group), default=0):.2f} |")
    print(f"\nThe rule now: NOISE {NOISE}, at least {MIN_CHANGE:g} points, {Z} standard deviations.")


def probabilities(kept: Known, assessor: AnswerAssessor, question: Question, text: str) -> dict[str, float]:
    """Return the probability of each judged point of an answer."""
    assessment = kept.known[result_key(assessor.bank, question, assessor.judge, text)]
    return {c.id: c.probability for c in assessment.check_results() if c.probability is not None and c.kind == "point"}


def spread(moves: Sequence[float]) -> float:
    """Return the standard deviation around no change at all."""
    return math.sqrt(statistics.fmean(move * move for move in moves)) if moves else 0.0


def wilson(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return centre - reach, centre + reach


async def run(arguments: argparse.Namespace) -> bool:
    """Judge, compare and print."""
    bank = load_bank()
    kept = Known()
    pairs = list(reworded_pairs(bank))[: arguments.limit]
    async with open_kept_assessor(Settings(model=arguments.model), arguments.keep, bank) as assessor:
        enough = print_table(pairs, await compare_all(assessor, pairs, kept))
        print_noise(pairs, kept, assessor)
        if arguments.levels:
            steps = list(level_pairs(bank))[: arguments.limit]
            enough = print_table(steps, await compare_all(assessor, steps, kept)) and enough
    return enough


def main() -> int:
    """Run the benchmark; 1 when fewer verdicts than wanted are right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="local")
    parser.add_argument("--levels", action="store_true", help="Compare the levels of the exemplars too.")
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    parser.add_argument("--limit", type=int, help="Only so many pairs.")
    return 0 if asyncio.run(run(parser.parse_args())) else 1


if __name__ == "__main__":
    raise SystemExit(main())
