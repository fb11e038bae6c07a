"""How long one assessment takes beside what most tools do: one request for a whole critique as JSON.

    python benchmarks/speed.py [--questions 3]

Both ask the same embedded server about the same exemplars, taking turns; seconds of each and the ratio of the medians
are printed. The naive critique asks for a verdict and a quote for every check, a score and feedback, in one JSON reply,
and gives no probability. Wanted: a ratio of at least 3. Nothing is known of a question before its first answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

from coach.bank.examples import exemplar_answers
from coach.bank.questions import Bank, Check, Question
from coach.model.completion import ChatModel, CompletionRequest, JsonSchema, Message
from coach.submit.open import Settings, open_session

TARGET = 3.0


def naive_request(bank: Bank, question: Question, checks: list[Check], answer: str) -> CompletionRequest:
    """Return the request that a simple tool would send."""
    points = "\n".join(f"- {check.id}: {check.statement}" for check in checks)
    text = (
        f"Question: {question.text}\n\nPoints:\n{points}\n\nAnswer:\n{answer}\n\n"
        "Critique the answer. Reply with JSON: for every point whether it is met and the words of the answer that "
        "show it, then a score from 0 to 100 and feedback in two sentences."
    )
    point = {
        "type": "object",
        "properties": {"met": {"type": "boolean"}, "quote": {"type": "string"}},
        "required": ["met", "quote"],
    }
    schema = {
        "type": "object",
        "properties": {
            "points": {
                "type": "object",
                "properties": {check.id: point for check in checks},
                "required": [check.id for check in checks],
            },
            "score": {"type": "integer"},
            "feedback": {"type": "string"},
        },
        "required": ["points", "score", "feedback"],
    }
    messages = (Message("system", f"You interview candidates for {bank.profession}."), Message("user", text))
    return CompletionRequest(messages, max_tokens=1500, json_schema=JsonSchema("critique", schema))


async def time_naive(model: ChatModel, request: CompletionRequest) -> tuple[float, str]:
    """Return the seconds that the naive critique took, and what became of it."""
    started = time.monotonic()
    reply = await model.complete(request)
    seconds = time.monotonic() - started
    try:
        json.loads(reply.text)
    except ValueError:
        return seconds, f"not readable ({reply.finish_reason})"
    return seconds, f"{reply.usage.output_tokens} tokens"


async def run(questions: int) -> bool:
    """Take turns, print both times, and return whether the target is met."""
    ours, naive = [], []
    async with open_session(Settings(model="local")) as session:
        assessor = session.assessor
        print(
            "| question | answer | assessment (s) | probabilities | naive critique (s) | reply |\n"
            "|---|---|---|---|---|---|"
        )
        for question in assessor.bank.questions[:questions]:
            checks = assessor.bank.checks_of(question)
            for level, answer in exemplar_answers(question.id).items():
                started = time.monotonic()
                assessment = await assessor.assess(question, answer)
                ours.append(time.monotonic() - started)
                known = sum(check.probability is not None for check in assessment.check_results())
                request = naive_request(assessor.bank, question, checks, answer)
                seconds, outcome = await time_naive(session.model, request)
                naive.append(seconds)
                shown = f"{ours[-1]:.1f} | {known} of {len(checks)} | {seconds:.1f} | {outcome}"
                print(f"| {question.id} | {level} | {shown} |", flush=True)
    ratio = statistics.median(naive) / statistics.median(ours)
    print(f"\nmedians: {statistics.median(ours):.1f} s and {statistics.median(naive):.1f} s; ratio {ratio:.1f}")
    return ratio >= TARGET


def main() -> int:
    """Run the benchmark; 1 when the ratio is below the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=3)
    return 0 if asyncio.run(run(parser.parse_args().questions)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
