"""Score every exemplar and trap with the embedded model and print the table.

    python benchmarks/exemplar_table.py [--traps]

Needs the ``local`` extra. Prints scores and seconds, and at the end where an order or a limit is wrong.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import yaml

from coach.cli.session import Settings, open_assessor

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEVELS = ["strong", "partial", "weak"]


async def main() -> None:
    """Judge and print."""
    wrong: list[str] = []
    async with open_assessor(Settings(model="local")) as assessor:
        for question in assessor.bank.questions:
            content = yaml.safe_load((EXAMPLES / "exemplars" / f"{question.id}.yaml").read_text(encoding="utf-8"))
            answers = {item["level"]: item["answer"] for item in content["exemplars"]}
            if "--traps" in sys.argv:
                traps = yaml.safe_load((EXAMPLES / "traps" / f"{question.id}.yaml").read_text(encoding="utf-8"))
                answers |= {item["kind"]: item["answer"] for item in traps["traps"]}
            scores, seconds = {}, {}
            for name, text in answers.items():
                result = await assessor.assess(question, text)
                scores[name], seconds[name] = result.score or 0.0, result.receipt.seconds
            cells = "  ".join(f"{name[:8]} {scores[name]:3.0f} ({seconds[name]:.1f}s)" for name in answers)
            print(f"{question.id:26} {cells}", flush=True)
            if not scores["strong"] > scores["partial"] > scores["weak"]:
                wrong.append(f"{question.id}: order")
            wrong += [f"{question.id}: strong below 75"] if scores["strong"] < 75 else []
            wrong += [f"{question.id}: weak above 35"] if scores["weak"] > 35 else []
            wrong += [
                f"{question.id}: {n} not below partial"
                for n in answers
                if n not in LEVELS and scores[n] >= scores["partial"]
            ]
    print(f"{len(wrong)} findings: " + "; ".join(wrong))


if __name__ == "__main__":
    asyncio.run(main())
