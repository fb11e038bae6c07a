"""Measure what is the same for every answer to the shipped bank and write it into the package.

    python benchmarks/measure_baselines.py [--vectors-only]

That is the sentence vectors of the bank's texts, and the baselines of its checks on the embedded model.

Run it after every change of the bank's texts, the rubrics or the prompts of the logprobs method; without it the
first answer to a question pays for them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping

import numpy as np
from measuring import measure_baselines

from coach.bank.load import load_bank
from coach.judge.baselines import SHIPPED, Baselines
from coach.judge.evidence import compared_texts
from coach.judge.logprobs import LogprobsJudge
from coach.judge.prompts import load_prompts
from coach.model.encoder import SHIPPED_VECTORS, SentenceEncoder, text_key
from coach.submit.open import Settings, open_session


class Recorder(Baselines):
    """Keeps what was asked for in this run: known from the file, or measured now."""

    def __init__(self, known: dict[str, float]) -> None:
        super().__init__()
        self._found = known
        self.values: dict[str, float] = {}

    def get(self, key: str) -> float | None:
        """Return a known value; what nobody asks for any more is dropped from the file."""
        if key in self._found:
            self.values[key] = self._found[key]
        return self.values.get(key)

    def put(self, values: Mapping[str, float]) -> None:
        """Keep values."""
        self.values.update(values)


def write(values: dict[str, float]) -> None:
    """Write the file that is shipped."""
    kept = {key: round(value, 4) for key, value in sorted(values.items())}
    SHIPPED.write_text(json.dumps(kept, indent=0), encoding="utf-8")


def write_vectors() -> None:
    """Embed all texts of the bank that answers are compared with."""
    bank = load_bank()
    texts = sorted({text for q in bank.questions for text in compared_texts(bank.checks_of(q), q.text)})
    vectors = SentenceEncoder(shipped={}).embed(texts).astype(np.float16)
    keys = np.array([np.frombuffer(text_key(text), dtype=np.uint8) for text in texts])
    np.savez_compressed(SHIPPED_VECTORS, model=SentenceEncoder.sha256, keys=keys, vectors=vectors)
    print(len(texts), "vectors")


async def main() -> None:
    """Measure and write."""
    write_vectors()
    if "--vectors-only" in sys.argv:
        return
    known = json.loads(SHIPPED.read_text(encoding="utf-8")) if SHIPPED.exists() else {}
    recorder = Recorder(known)
    async with open_session(Settings(model="local", method="logprobs")) as session:
        judge = LogprobsJudge(session.model, load_prompts(), SentenceEncoder(), recorder)
        for question in session.assessor.bank.questions:
            answer = session.assessor.prepare(question, "")
            await measure_baselines(judge, session.assessor.task(question, answer))
            print(question.id, len(recorder.values), flush=True)
            # What is known stays until the end, so that a run that was stopped goes on where it was.
            write({**known, **recorder.values})
    write(recorder.values)


if __name__ == "__main__":
    asyncio.run(main())
