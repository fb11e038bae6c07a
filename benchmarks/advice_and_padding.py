"""Does following the advice pay, and does length alone not?

    python benchmarks/advice_and_padding.py [--keep FILE]

Advice: for each question the partial exemplar is assessed, and one sentence that does what the first improvement says
is appended; the score must rise in at least 14 of 15 questions. The sentences stand in examples/followed_advice.yaml,
in other words than the bank's own examples; where none is there for the check, the example sentence of the advice is
appended and the row says so.

Padding: neutral sentences are appended to every exemplar; the score must change by no more than 3 points in the median.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from pathlib import Path

from kept_replies import open_kept_assessor

from coach.bank.examples import exemplar_answers
from coach.bank.questions import Check
from coach.judge.evidence import advice_examples
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.open import Settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import load_followed_advice

RISES_WANTED, MEDIAN_CHANGE = 14, 3.0
#: True of anybody, and about none of the checks.
PADDING = (
    "The building where I worked then had four floors and a small canteen on the ground floor. "
    "I usually took the early train, because it was less crowded than the later one. "
    "It rained a lot that spring, as far as I remember. "
    "Thank you for taking the time to read this; I am happy to tell you more whenever it suits you."
)


def top_improvement(checks: list[Check], assessment: Assessment, own_words: dict[str, str]) -> tuple[str, str, str]:
    """Return the check that the first improvement is about, a sentence that does it, and where that comes from."""
    check_id = assessment.improvements[0].check_id
    if check_id in own_words:
        return check_id, own_words[check_id], "own words"
    check = next(check for check in checks if check.id == check_id)
    return check_id, advice_examples(check)[0], "example of the advice"


async def measure_advice(assessor: AnswerAssessor) -> int:
    """Print by how much the score rises when the first advice is followed; return in how many questions it does."""
    print("| question | advice | sentence | partial | with the sentence |\n|---|---|---|---|---|")
    rises = 0
    for question in assessor.bank.questions:
        partial = exemplar_answers(question.id)["partial"]
        before = await assessor.assess(question, partial)
        own_words = {item.check_id: item.sentence for item in load_followed_advice() if item.question_id == question.id}
        check_id, sentence, source = top_improvement(assessor.bank.checks_of(question), before, own_words)
        after = await assessor.assess(question, f"{partial.rstrip()} {sentence}")
        rises += (after.score or 0) > (before.score or 0)
        print(f"| {question.id} | {check_id} | {source} | {before.score} | {after.score} |", flush=True)
    print(f"\nThe score rose in {rises} of {len(assessor.bank.questions)}.\n")
    return rises


async def measure_padding(assessor: AnswerAssessor) -> float:
    """Print by how much neutral sentences move the score; return the median of the absolute changes."""
    print("| question | answer | alone | padded |\n|---|---|---|---|")
    changes = []
    for question in assessor.bank.questions:
        for level, answer in exemplar_answers(question.id).items():
            alone = await assessor.assess(question, answer)
            padded = await assessor.assess(question, f"{answer.rstrip()} {PADDING}")
            changes.append((padded.score or 0) - (alone.score or 0))
            print(f"| {question.id} | {level} | {alone.score} | {padded.score} |", flush=True)
    median = statistics.median(abs(change) for change in changes)
    print(f"\npadding: median change {median:.1f}, from {min(changes):+.1f} to {max(changes):+.1f} points")
    return median


async def run(keep: Path | None) -> bool:
    """Measure both; return whether they are as wanted."""
    async with open_kept_assessor(Settings(model="local"), keep) as assessor:
        rises = await measure_advice(assessor)
        return (await measure_padding(assessor)) <= MEDIAN_CHANGE and rises >= RISES_WANTED


def main() -> int:
    """Run the benchmark; 1 when something is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="File of the model's replies that need not be asked for again.")
    return 0 if asyncio.run(run(parser.parse_args().keep)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
