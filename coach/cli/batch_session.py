"""Opening the model for a batch: the same model and judge as elsewhere, at the server's own pace."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.bank.questions import Bank
from coach.cli.session import (
    OnProgress,
    Settings,
    default_method,
    make_assessor,
    make_judge,
    open_model,
    sentence_similarity,
    settled,
    start_embedded,
)
from coach.model.choose import ModelChoice, choose_model
from coach.model.concurrency import MAXIMUM, AdaptiveLimit, FixedLimit, Limit

if TYPE_CHECKING:
    from coach.batch.answer_workers import AnswerWorkers
    from coach.judge.logprobs import LogprobsJudge
    from coach.judge.structured import StructuredJudge
    from coach.submit.assess import AnswerAssessor


@dataclass(frozen=True)
class BatchSession:
    """An assessor whose model keeps to ``limit``, and what prepares answers beside it when there are many."""

    assessor: AnswerAssessor
    judge: StructuredJudge | LogprobsJudge
    limit: Limit
    workers: AnswerWorkers


def limit_of(choice: ModelChoice, concurrency: int | None) -> Limit:
    """Return how much may be in flight: as the user says, else what the server turns out to bear.

    The embedded model judges one answer at a time (see `one_at_a_time`).
    """
    if choice.embedded:
        return FixedLimit(1)
    return AdaptiveLimit(MAXIMUM) if concurrency is None else FixedLimit(concurrency)


@asynccontextmanager
async def open_batch_session(
    settings: Settings, bank: Bank, concurrency: int | None, on_progress: OnProgress | None = None
) -> AsyncIterator[BatchSession]:
    """Open the model and yield an assessor for the bank; closes everything at the end. Raises CoachError."""
    from coach.judge.prompt_files import load_prompts
    from coach.model.pace import PacedChatModel

    choice = choose_model(settings.model, os.environ)
    limit = limit_of(choice, concurrency)
    async with AsyncExitStack() as stack:
        server = start_embedded(choice, on_progress)
        if server is not None:
            stack.callback(server.close)
        prompts, similarity = load_prompts(), sentence_similarity()
        model = await stack.enter_async_context(await open_model(choice, server, paced=True))
        paced = PacedChatModel(model, limit)
        model.tell(paced.observe)
        method = settings.method or await default_method(choice, paced)
        asked = settled(paced) if server is not None else paced
        judge = make_judge(method, asked, prompts, similarity, limit.maximum)
        assessor = make_assessor(bank, judge, similarity)
        workers = stack.enter_context(make_workers(assessor, embedded=choice.embedded))
        yield BatchSession(assessor, judge, limit, workers)


def make_workers(assessor: AnswerAssessor, *, embedded: bool) -> AnswerWorkers:
    """Return what prepares answers in processes of their own; beside the embedded model there is no processor left."""
    from coach.batch.answer_workers import AnswerWorkers, usable_processes

    return AnswerWorkers.for_bank(
        assessor.bank,
        assessor.prepare,
        0 if embedded else usable_processes(),
        with_encoder=assessor.detect_instructions is not None,
    )
