"""Answers are prepared in other processes with the same results as here, whatever happens to the processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from batch_harness import answer_text, small_bank

from coach.answer.answer import Answer
from coach.answer.language import identify_language
from coach.answer.prepare import prepare_answer
from coach.bank.questions import Question
from coach.batch import answer_workers as module
from coach.batch.answer_workers import CHUNK, AnswerWorkers, usable_processes
from coach.errors import EmbeddedModelError

QUESTION = small_bank().questions[0]
ROOT = Path(__file__).resolve().parents[1]


def here(question: Question, text: str) -> Answer:
    """Prepare as the processes do."""
    return prepare_answer(text, question, "en", identify_language)


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let threads stand for processes; return the sizes of the chunks that they get."""
    chunks: list[int] = []

    def prepare_all(asked: list[tuple[str, str]]) -> list[Answer]:
        chunks.append(len(asked))
        return [here(QUESTION, text) for _, text in asked]

    monkeypatch.setattr(module, "_prepare_all", prepare_all)
    return chunks


class BreakingExecutor(Executor):
    """Accepts some calls and then breaks: at once, or after it has taken the call."""

    def __init__(self, good: int, at_once: bool) -> None:
        self._left = good
        self._at_once = at_once

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run the call here, or break."""
        future: Future[Any] = Future()
        self._left -= 1
        if self._left >= 0:
            future.set_result(function(*arguments, **options))
        elif self._at_once:
            raise BrokenExecutor("gone")
        else:
            future.set_exception(BrokenExecutor("gone"))
        return future


async def prepared(workers: AnswerWorkers, count: int) -> list[Answer]:
    """Prepare one answer, wait until the processes are there, and prepare the others at the same time."""
    first = await workers.prepare(QUESTION, answer_text(0))
    while workers._executor is not None and not workers._ready:
        await asyncio.sleep(0.001)
    texts = [answer_text(number) for number in range(1, count)]
    return [first, *await asyncio.gather(*(workers.prepare(QUESTION, text) for text in texts))]


EXPECTED = [here(QUESTION, answer_text(number)) for number in range(50)]


async def test_a_short_run_starts_no_process() -> None:
    """As long as preparing has taken less than the time after which it pays, everything happens here."""

    def no_executor() -> Executor:
        raise AssertionError("not yet")

    with AnswerWorkers(here, no_executor, 4, start_after=1000) as workers:
        assert await prepared(workers, 50) == EXPECTED
    with AnswerWorkers(here, no_executor, 0, start_after=0) as workers:
        assert await prepared(workers, 50) == EXPECTED


async def test_a_long_run_hands_over_in_chunks(in_threads: list[int]) -> None:
    """What waits at the same time goes over together, and each caller gets the answer to its own text."""
    with AnswerWorkers(here, lambda: ThreadPoolExecutor(1), 1, start_after=0) as workers:
        assert await prepared(workers, 50) == EXPECTED

    assert sum(in_threads) == 49
    assert max(in_threads) == CHUNK


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize("good", [1, 2, 3])
@pytest.mark.parametrize("at_once", [True, False])
async def test_processes_that_die_are_not_missed(good: int, at_once: bool) -> None:
    """Everything that they did not finish is prepared here, and what comes later too."""
    with AnswerWorkers(here, lambda: BreakingExecutor(good, at_once), 1, start_after=0) as workers:
        assert await prepared(workers, 50) == EXPECTED
        assert await workers.prepare(QUESTION, answer_text(7)) == EXPECTED[7]


async def test_an_encoder_that_cannot_be_used_is_an_error_of_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a process arrives as it was raised, and so does one met here after a process has died."""
    error = EmbeddedModelError("no encoder", "install it")

    def fails(asked: list[tuple[str, str]]) -> list[Answer]:
        if asked:
            raise error
        return []

    monkeypatch.setattr(module, "_prepare_all", fails)
    workers = AnswerWorkers(here, lambda: ThreadPoolExecutor(1), 1, start_after=0)
    with workers, pytest.raises(EmbeddedModelError, match="no encoder"):
        await prepared(workers, 3)

    calls = []

    def once(question: Question, text: str) -> Answer:
        calls.append(text)
        if len(calls) > 1:
            raise error
        return here(question, text)

    workers = AnswerWorkers(once, lambda: BreakingExecutor(1, False), 1, start_after=0)
    with workers, pytest.raises(EmbeddedModelError, match="no encoder"):
        await prepared(workers, 3)


@pytest.mark.usefixtures("in_threads")
async def test_a_caller_that_gives_up_harms_nobody() -> None:
    """The others of its chunk get their answers."""
    with AnswerWorkers(here, lambda: ThreadPoolExecutor(1), 1, start_after=0) as workers:
        await prepared(workers, 1)
        tasks = [asyncio.create_task(workers.prepare(QUESTION, answer_text(number))) for number in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(found.pop(2), asyncio.CancelledError)
    assert found == [EXPECTED[number] for number in (0, 1, 3, 4)]


async def test_real_processes_prepare_the_same_answers() -> None:
    """A process started afresh gives the results of this one, Ctrl-C does not end it, and closing does."""
    workers = AnswerWorkers.for_bank(small_bank(), here, 1, with_encoder=False)
    workers._start_after = 0.0
    with workers:
        assert await prepared(workers, 10) == EXPECTED[:10]
        (process,) = workers._executor._processes.values()  # type: ignore[union-attr]
        os.kill(process.pid, signal.SIGINT)
        assert await prepared(workers, 10) == EXPECTED[:10]
        assert process.is_alive()

    assert not process.is_alive()


PARENT = """
import asyncio, os, signal
from batch_harness import small_bank
from test_answer_workers import here, prepared
from coach.batch.answer_workers import AnswerWorkers

async def run():
    workers = AnswerWorkers.for_bank(small_bank(), here, 1, with_encoder=False)
    workers._start_after = 0.0
    await prepared(workers, 5)
    assert workers._executor._processes
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
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": paths},
    )

    assert (result.returncode, result.stdout) == (-signal.SIGKILL, "prepared\n")


@pytest.mark.parametrize(("processors", "processes"), [(1, 0), (2, 2), (64, 8)])
def test_a_process_for_each_processor(monkeypatch: pytest.MonkeyPatch, processors: int, processes: int) -> None:
    """One processor is shared with nobody, and many are not all taken."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)

    assert usable_processes() == processes
