"""Preparing the answers of a long batch in other processes, so that requests are sent meanwhile.

Splitting and pre-checking an answer takes milliseconds: as long as sending a request. On two processors a batch sends
0.96 of the requests that a bare loop sends, without these processes 0.65 (`benchmarks/batch_throughput.py`). Where
other programs used all processors, between a sixth less and a fifth more than without them was measured.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from coach.answer.prepare import prepare_answer

if TYPE_CHECKING:
    from coach.answer.answer import Answer
    from coach.bank.questions import Question
    from coach.batch.grade import Found, Prepared
    from coach.batch.rows import AnswerRow, RowKey
    from coach.submit.assess import AnswerAssessor

    Chunk = list[tuple[AnswerRow, RowKey]]

#: Fewer answers are prepared before the first process has loaded its libraries.
MIN_ROWS = 400
_MOST_PROCESSES = 8
#: Answers that are handed over together.
CHUNK = 16


def usable_processes() -> int:
    """Return how many processes may prepare beside this one: a processor each, as sending leaves this one idle.

    It is 0 where there is only one processor.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(_MOST_PROCESSES, processors) if processors > 1 else 0


async def prepare_ahead(assessor: AnswerAssessor, processes: int, found: Found) -> Prepared:
    """Yield each row with its answer prepared as the assessor does it, in so many processes, about in their order.

    It is done here until the first process is ready, after one has died, and when they are late. They end with this
    process, however it ends.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    questions = assessor.bank.by_id()
    # Without what preparing does not look at: this process waits while the rest is handed to a new one.
    slim = {name: question.model_copy(update={"checks": [], "follow_ups": []}) for name, question in questions.items()}
    # Started afresh: a copy of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, context, _begin, (slim, assessor.bank.language))
    #: Chunks that the processes have in work, one each, or in reserve, one each.
    under_way: deque[tuple[Chunk, asyncio.Future[list[Answer]]]] = deque()
    ready = _hand_over(executor, [])

    def late() -> bool:
        return not under_way or not under_way[0][1].done()

    try:
        while True:
            while ready.done() and len(under_way) < 2 * processes and (chunk := list(islice(found, CHUNK))):
                under_way.append((chunk, _hand_over(executor, chunk)))
            if late():
                # They may be ready, and this process has not heard of it yet.
                await asyncio.sleep(0)
            # Other programs may leave them no processor: then this process does not wait for them.
            chunk, answers = list(islice(found, 1)) if late() else [], []
            if not chunk:
                if not under_way:
                    return
                chunk, handed = under_way.popleft()
                with suppress(BrokenExecutor):
                    answers = await handed
            answers = answers or [assessor.prepare(questions[row.question_id], row.answer) for row, _ in chunk]
            for (row, key), answer in zip(chunk, answers, strict=True):
                yield row, key, answer
    finally:
        executor.shutdown(cancel_futures=True)


def _hand_over(executor: Executor, chunk: Chunk) -> asyncio.Future[list[Answer]]:
    loop = asyncio.get_running_loop()
    try:
        handed = loop.run_in_executor(executor, _prepare_all, [(row.question_id, row.answer) for row, _ in chunk])
    except BrokenExecutor as error:
        handed = loop.create_future()
        handed.set_exception(error)
    # Whoever does not wait for it is not to be told of its failure.
    handed.add_done_callback(lambda done: done.cancelled() or done.exception())
    return handed


_prepare: Callable[[str, str], Answer] | None = None


def _begin(questions: dict[str, Question], language: str) -> None:
    """Make a new process ready: it leaves Ctrl-C to its parent, and ends when that does."""
    global _prepare
    from coach.answer.prepare import identify_language

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        # Where processors are few, sending goes first: it is what everything else waits for.
        os.nice(10)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def prepare(question_id: str, text: str) -> Answer:
        return prepare_answer(text, questions[question_id], language, identify_language)

    _prepare = prepare


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_all(asked: list[tuple[str, str]]) -> list[Answer]:
    prepare = _prepare
    if prepare is None:
        raise RuntimeError("this process was not made ready")
    return [prepare(question_id, text) for question_id, text in asked]
