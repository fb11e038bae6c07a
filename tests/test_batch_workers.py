"""Answers are prepared in other processes with the same results as here, whatever happens to the processes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import pytest
from batch_harness import batch_rows, small_bank
from scripted_judge import ScriptedJudge

from coach.answer.answer import Answer
from coach.answer.prepare import identify_language
from coach.batch import workers
from coach.batch.rows import AnswerRow, RowKey
from coach.batch.workers import CHUNK, prepare_ahead, usable_processes
from coach.submit.assess import AnswerAssessor

ROOT = Path(__file__).resolve().parents[1]
ASSESSOR = AnswerAssessor(
    small_bank(), ScriptedJudge(lambda task, check: 0.5), lambda model, usage, endpoint: 0.0, identify_language
)
KEY = RowKey("key", "same", 1)
QUESTIONS = {question.id: question for question in small_bank().questions}


def found(count: int) -> Iterator[tuple[AnswerRow, RowKey]]:
    """Yield rows as the store does."""
    return ((row, KEY) for row in batch_rows(count))


def here(count: int) -> list[Answer]:
    """Return the answers of these rows, prepared in this process."""
    return [ASSESSOR.prepare(QUESTIONS[row.question_id], row.answer) for row in batch_rows(count)]


async def prepared(count: int) -> list[tuple[str, Answer]]:
    """Prepare rows ahead, slowly enough for the processes to start."""
    answers = []
    async for row, _, answer in prepare_ahead(ASSESSOR, 1, found(count)):
        answers.append((row.row_id, answer))
        await asyncio.sleep(0.005)
    return sorted(answers, key=lambda item: int(item[0].removeprefix("row-")))


class ScriptedExecutor(Executor):
    """Stands for processes: runs so many calls here and then breaks, at once or after it has taken the call."""

    good, at_once, sizes = 1000, False, [0]

    def __init__(self, *_: object) -> None:
        self._left = self.good
        self.sizes.clear()

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run the call here, or break."""
        self.sizes.append(len(arguments[0]))
        future: Future[Any] = Future()
        self._left -= 1
        if self._left >= 0:
            future.set_result([ASSESSOR.prepare(QUESTIONS[name], text) for name, text in arguments[0]])
        elif self.at_once:
            raise BrokenExecutor("gone")
        else:
            future.set_exception(BrokenExecutor("gone"))
        return future


@pytest.mark.parametrize("good", [0, 1, 2, 3, 1000])
@pytest.mark.parametrize("at_once", [True, False])
async def test_processes_that_die_are_not_missed(monkeypatch: pytest.MonkeyPatch, good: int, at_once: bool) -> None:
    """Every row comes once; what processes did not finish is prepared here."""
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", ScriptedExecutor)
    monkeypatch.setattr(ScriptedExecutor, "good", good)
    monkeypatch.setattr(ScriptedExecutor, "at_once", at_once)

    answers = await prepared(60)

    assert [name for name, _ in answers] == [row.row_id for row in batch_rows(60)]
    assert [answer for _, answer in answers] == here(60)
    if good == 1000:
        assert max(ScriptedExecutor.sizes) == CHUNK


async def test_real_processes_prepare_the_same_answers() -> None:
    """A process started afresh gives the results of this one, and ends with the generator."""
    answers = await prepared(400)

    assert [answer for _, answer in answers] == here(400)
    assert not workers._prepare


PARENT = """
import asyncio, os, signal
from test_batch_workers import ASSESSOR, found
from coach.batch.workers import prepare_ahead

async def run():
    from coach.batch import workers
    import concurrent.futures as futures
    pools = []
    plain = futures.ProcessPoolExecutor
    futures.ProcessPoolExecutor = lambda *given: pools.append(plain(*given)) or pools[0]
    rows = prepare_ahead(ASSESSOR, 1, found(5000))
    await anext(rows)
    while not pools[0]._processes:
        await asyncio.sleep(0.01)
    print("prepared", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(run())
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """``kill -9`` of a batch leaves nothing behind."""
    program = tmp_path / "parent.py"
    program.write_text(PARENT, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])

    # The process has the same standard output: the reading ends when the last one that could write is gone.
    result = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip

    assert (result.returncode, result.stdout) == (-signal.SIGKILL, "prepared\n")


@pytest.mark.parametrize(("processors", "processes"), [(1, 0), (2, 2), (64, 8)])
def test_a_process_for_each_processor(monkeypatch: pytest.MonkeyPatch, processors: int, processes: int) -> None:
    """One processor is shared with nobody, and many are not all taken."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)

    assert usable_processes() == processes
