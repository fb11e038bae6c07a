"""How much memory a batch takes: the peak at many rows minus the peak at few, reports included.

Usage: python benchmarks/batch_memory.py [ROWS] [FEW]     (defaults 200000 and 1000)

Each run is a process of its own with rows from a generator and a judge that answers at once, so what is measured is
the batch: keys, store, equal answers, summary, tables and page. Target: at most 60 MB more at 200,000 rows.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

TARGET_MB = 60.0
ROOT = Path(__file__).resolve().parents[1]


def measure(count: int) -> tuple[float, float]:
    """Return the peak memory in MB and the seconds of a run of so many rows in a process of its own."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(count)],
        check=True, capture_output=True, text=True, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )  # fmt: skip
    return float(done.stdout), time.monotonic() - began


def run_one(count: int) -> None:
    """Grade and report so many rows, and print the peak in MB."""
    from batch_harness import batch_assessor, small_bank
    from scripted_judge import ScriptedJudge

    from coach.batch.grade import Grader
    from coach.batch.outputs import write_outputs
    from coach.batch.rows import AnswerRow, RowKeys
    from coach.batch.store import Store
    from coach.judge.judging import Judgement, JudgeTask, OnVerdict
    from coach.model.pace import FixedLimit

    class Forgetful(ScriptedJudge):
        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            self.tasks.clear()
            return await super().judge(task, on_verdict)

    def rows() -> Iterator[AnswerRow]:
        for number in range(count):
            answer = f"I looked at log number {number} at once, and told the people who were waiting for it."
            yield AnswerRow(f"row-{number}", None, f"question-{number % 3 + 1}", answer, "rows", number)

    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        assessor = batch_assessor(Forgetful(lambda task, check: 0.5))
        store.take_in(rows(), RowKeys(assessor.bank, assessor.judge).of)
        asyncio.run(Grader(assessor, store, FixedLimit(64)).run())
        write_outputs(store, small_bank())
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Measure both and say whether the target is met."""
    if sys.argv[1:2] == ["--one"]:
        run_one(int(sys.argv[2]))
        return 0
    many, few = (
        int(given or usual) for given, usual in zip([*sys.argv[1:], "", ""][:2], ("200000", "1000"), strict=True)
    )
    peaks = {}
    for count in (few, many):
        peaks[count], seconds = measure(count)
        print(f"{count:>8} rows: peak {peaks[count]:.1f} MB, {seconds:.0f} s ({count / seconds:.0f} rows/s)")
    grown = peaks[many] - peaks[few]
    print(f"grown by {grown:.1f} MB; target at most {TARGET_MB:.0f}: {'met' if grown <= TARGET_MB else 'MISSED'}")
    return 0 if grown <= TARGET_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
