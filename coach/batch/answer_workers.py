"""Preparing the answers of a long batch in other processes, so that requests are sent meanwhile.

Splitting and pre-checking an answer costs milliseconds, and with the sentence encoder tens of them: more than sending
a request. A short batch does not notice; a long one waits for it, and starts processes as soon as that is sure to pay.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from coach.answer.prepare import prepare_answer
from coach.errors import CoachError

if TYPE_CHECKING:
    from coach.answer.answer import Answer
    from coach.bank.questions import Bank, Question

#: Seconds of preparing (some hundred answers) after which processes start; that takes longer, but not from this one.
START_AFTER = 0.2
MOST_PROCESSES = 8
#: Answers that are handed over together.
CHUNK = 16

#: Prepares one answer in this process.
Prepare = Callable[["Question", str], "Answer"]
#: What goes to a process (question id and text of each answer), and what comes back.
_Asked = list[tuple[str, str]]


def usable_processes() -> int:
    """Return how many processes may prepare beside this one: a processor each, as sending leaves this one idle.

    It is 0 where there is only one processor.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(MOST_PROCESSES, processors) if processors > 1 else 0


@dataclass(frozen=True)
class _Waiting:
    question: Question
    text: str
    answer: asyncio.Future[Answer]


class AnswerWorkers:
    """Prepares answers: here at first, and in ``processes`` processes once it took longer than ``start_after``.

    ``prepare`` gives the same results wherever it happens. Processes that die are not missed: what they had is
    prepared here, as is everything after it. They end with this process, however it ends. Use it in one event loop,
    as a context manager.
    """

    def __init__(
        self,
        prepare: Prepare,
        executor: Callable[[], Executor],
        processes: int,
        start_after: float = START_AFTER,
    ) -> None:
        self._here = prepare
        self._make_executor = executor
        self._processes = processes
        self._start_after = start_after
        self._seconds = 0.0
        self._executor: Executor | None = None
        self._ready = False
        self._waiting: list[_Waiting] = []
        self._under_way = 0
        self._woken = False

    @classmethod
    def for_bank(cls, bank: Bank, prepare: Prepare, processes: int, *, with_encoder: bool) -> Self:
        """Return workers that prepare answers to a bank's questions as an assessor of this installation does."""
        # Without what preparing does not look at: this process waits while the rest is handed to a new one.
        questions = [question.model_copy(update={"checks": [], "follow_ups": []}) for question in bank.questions]

        def executor() -> Executor:
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            # Started afresh: a copy of a process with threads (those of the encoder) may hang.
            context = multiprocessing.get_context("spawn")
            return ProcessPoolExecutor(processes, context, _begin, (questions, bank.language, with_encoder))

        return cls(prepare, executor, processes)

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self._ready = False
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    async def prepare(self, question: Question, text: str) -> Answer:
        """Return the answer split into sentences and pre-checked."""
        if not self._ready:
            return self._prepare_here(question, text)
        waiting = _Waiting(question, text, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake()
        return await waiting.answer

    def _prepare_here(self, question: Question, text: str) -> Answer:
        began = time.perf_counter()
        answer = self._here(question, text)
        self._seconds += time.perf_counter() - began
        if self._seconds >= self._start_after and self._processes > 0 and self._executor is None:
            self._start()
        return answer

    def _start(self) -> None:
        self._executor = self._make_executor()
        first = asyncio.get_running_loop().run_in_executor(self._executor, _prepare_all, [])
        # Until the first process is there, preparing goes on here.
        first.add_done_callback(self._started)

    def _started(self, first: asyncio.Future[list[Answer]]) -> None:
        self._ready = not first.cancelled() and first.exception() is None

    def _wake(self) -> None:
        """Hand over what waits in the loop's next round, when more may have come."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._woken = False
        # One chunk in work and one in reserve for each process.
        while self._waiting and self._under_way < 2 * self._processes:
            chunk, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
            self._under_way += 1
            asked = [(waiting.question.id, waiting.text) for waiting in chunk]
            try:
                answers = asyncio.get_running_loop().run_in_executor(self._executor, _prepare_all, asked)
            except (BrokenExecutor, RuntimeError):
                self._without_processes(chunk)
            else:
                answers.add_done_callback(partial(self._received, chunk))

    def _received(self, chunk: list[_Waiting], done: asyncio.Future[list[Answer]]) -> None:
        self._under_way -= 1
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or isinstance(error, BrokenExecutor):
            self._without_processes(chunk)
            return
        for index, waiting in enumerate(chunk):
            if waiting.answer.done():
                continue
            if error is not None:
                waiting.answer.set_exception(error)
            else:
                waiting.answer.set_result(done.result()[index])
        if self._waiting:
            self._hand_over()

    def _without_processes(self, chunk: Sequence[_Waiting]) -> None:
        """Prepare here what the processes did not, and everything from now on."""
        self._ready = False
        left, self._waiting = [*chunk, *self._waiting], []
        for waiting in left:
            if waiting.answer.done():
                continue
            try:
                waiting.answer.set_result(self._here(waiting.question, waiting.text))
            except CoachError as error:
                waiting.answer.set_exception(error)


_worker_prepare: Prepare | None = None
_worker_questions: dict[str, Question] = {}


def _begin(questions: Sequence[Question], language: str, with_encoder: bool) -> None:
    """Make a new process ready: it leaves Ctrl-C to its parent, and ends when that does."""
    global _worker_prepare
    from coach.answer.instruction_detector import InstructionDetector
    from coach.answer.language import identify_language
    from coach.model.encoder import SentenceEncoder

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        # Where processors are few, sending goes first: it is what everything else waits for.
        os.nice(10)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # One thread each: the processes are as many as there are processors to spare.
    detect = InstructionDetector(SentenceEncoder(threads=1)).suspicious if with_encoder else None
    _worker_questions.update((question.id, question) for question in questions)

    def prepare(question: Question, text: str) -> Answer:
        return prepare_answer(text, question, language, identify_language, detect)

    _worker_prepare = prepare


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_all(asked: _Asked) -> list[Answer]:
    prepare = _worker_prepare
    if prepare is None:
        raise RuntimeError("this process was not made ready")
    return [prepare(_worker_questions[question_id], text) for question_id, text in asked]
