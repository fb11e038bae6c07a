"""From settings to an assessor: the one place where model, judge and what stands around them are put together.

`open_session` opens a model that can be asked, for one answer or for many; `unopened_session` knows it by name only,
for what needs no reply: a prompt that is shown, a plan, the key of a result; `make_assessor` takes any other model.
Nothing here knows a terminal: progress is told to a callback, and whoever cancels the task has everything closed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from coach.answer.prepare import identify_language
from coach.bank.load import load_bank
from coach.bank.questions import Bank
from coach.errors import ConfigurationError
from coach.judge.baselines import Baselines
from coach.judge.logprobs import LogprobsJudge
from coach.judge.prompts import load_prompts
from coach.judge.similarity import LexicalSimilarity, Similarity
from coach.judge.structured import StructuredJudge
from coach.model import encoder
from coach.model.choose import ModelChoice, choose_model
from coach.model.completion import ChatModel, Completion, CompletionRequest
from coach.model.cost import cost_usd
from coach.model.embedded_file import EMBEDDED_MODEL, ensure_model_file
from coach.model.embedded_server import EmbeddedServer, Endpoint, LoadingChatModel, RepeatableChatModel
from coach.model.openai_client import MAX_RETRIES, OpenAIChatModel, detect_capabilities
from coach.model.pace import MAXIMUM, AdaptiveLimit, FixedLimit, PacedChatModel
from coach.model.shared_server import Loan, OnProgress, Turn
from coach.submit.assess import AnswerAssessor, TakeTurn

#: The embedded server's address in receipts; its port differs at each start and says nothing to anybody.
_EMBEDDED_ENDPOINT = "http://127.0.0.1/v1"
_METHODS = (LogprobsJudge.name, StructuredJudge.name)


@dataclass(frozen=True)
class Settings:
    """What the user chose for judging; small enough to travel to another process."""

    model: str | None = None
    bank: Path | None = None
    method: str | None = None

    def check(self) -> None:
        """Raise ConfigurationError for a method that does not exist."""
        if self.method is not None and self.method not in _METHODS:
            raise ConfigurationError(f"unknown method {self.method!r}", f"Choose one of: {', '.join(_METHODS)}.")

    def choose_model(self) -> ModelChoice:
        """Return the model to use, by the environment where the user named none; raises ConfigurationError."""
        return choose_model(self.model, os.environ)


@dataclass(frozen=True)
class Session:
    """A model with the assessor that asks it.

    ``limit`` says how many answers may be judged at a time. ``method_assumed`` is true where only the endpoint itself
    could tell which method it can do, and was not asked.
    """

    choice: ModelChoice
    model: ChatModel
    assessor: AnswerAssessor
    limit: AdaptiveLimit
    method_assumed: bool = False


@asynccontextmanager
async def open_session(
    settings: Settings,
    bank: Bank | None = None,
    *,
    many: bool = False,
    concurrency: int | None = None,
    lend: bool = False,
    on_progress: OnProgress | None = None,
) -> AsyncIterator[Session]:
    """Open the model and yield a session for the bank (default: that of the settings); closes everything at the end.

    With ``many`` the model keeps to the pace of the server: ``concurrency`` answers at a time, else as many as the
    server turns out to bear. The embedded model always judges one answer at a time, so that its scores repeat. It
    starts first and loads while files are read and sentences compared: only the first question to it waits. Or it is
    that of another process that lends it, as this one does with ``lend`` (see `coach.model.shared_server`). Raises
    CoachError.
    """
    settings.check()
    choice = settings.choose_model()
    async with AsyncExitStack() as stack:
        served = server = None
        if choice.embedded:
            loan = stack.enter_context(Loan(choice.file))
            served = await loan.server(on_progress, lend=lend)
            if served is None:
                server = EmbeddedServer.start(choice.file or await _prepared_file(on_progress))
                stack.callback(server.close)
        bank = bank or load_bank(settings.bank)
        model = _model_of(choice, served or server, many)
        stack.push_async_exit(model)
        if server is not None and loan.lends:
            # Others may come before anything is asked here.
            loan.tell(await server.ready())
        asked: ChatModel = model
        limit: AdaptiveLimit = FixedLimit(1)
        if many:
            if not choice.embedded:
                limit = AdaptiveLimit(MAXIMUM) if concurrency is None else FixedLimit(concurrency)
            asked = PacedChatModel(asked, limit)
        turn: TakeTurn = nullcontext
        if choice.embedded:
            asked = repeatable = RepeatableChatModel(asked)
            if loan.lends or served is not None:
                turn = partial(Turn, repeatable.forget)
        method, assumed = _method_of(settings, choice)
        if assumed and not (await detect_capabilities(asked)).logprobs:
            method = StructuredJudge.name
        assessor = replace(make_assessor(bank, asked, method), turn=turn)
        yield Session(choice, asked, assessor, limit)


def unopened_session(settings: Settings, bank: Bank) -> Session:
    """Return a session with everything but an open model; asking it is a programming error."""
    choice = settings.choose_model()
    model = _UnopenedModel(choice)
    method, assumed = _method_of(settings, choice)
    return Session(choice, model, make_assessor(bank, model, method), FixedLimit(1), assumed)


def make_assessor(bank: Bank, model: ChatModel, method: str, similarity: Similarity | None = None) -> AnswerAssessor:
    """Return an assessor that asks ``model`` by ``method``; sentences are compared by meaning where that is installed.

    The logprobs method asks about one check at a time, so that talk to the grader has to be found beforehand: by its
    meaning where the encoder is installed. The structured judge reports it by itself, and its results do not depend
    on what is installed.
    """
    prompts = load_prompts()
    if method == StructuredJudge.name:
        return AnswerAssessor(bank, StructuredJudge(model, prompts), cost_usd, identify_language)
    if similarity is None:
        similarity = encoder.SentenceEncoder() if encoder.encoder_installed() else LexicalSimilarity()
    detect = matcher = None
    if isinstance(similarity, encoder.SentenceEncoder):
        from coach.answer.grader_talk import InstructionDetector

        detect, matcher = InstructionDetector(similarity).suspicious, encoder.Matcher()
    judge = LogprobsJudge(model, prompts, similarity, Baselines.open(), matcher)
    return AnswerAssessor(bank, judge, cost_usd, identify_language, detect)


class _UnopenedModel:
    """Stands for a model that is not opened."""

    def __init__(self, choice: ModelChoice) -> None:
        self.name = choice.model or EMBEDDED_MODEL.name.removesuffix(".gguf")
        self.endpoint = _EMBEDDED_ENDPOINT if choice.embedded else choice.base_url

    async def complete(self, request: CompletionRequest) -> Completion:
        raise AssertionError("nothing is sent to a model that is not opened")


def _method_of(settings: Settings, choice: ModelChoice) -> tuple[str, bool]:
    """Return the method, and whether that is a guess: what other servers can do has to be found out.

    OpenAI itself gets the method with a single request.
    """
    method = StructuredJudge.name if choice.is_openai else LogprobsJudge.name
    return settings.method or method, settings.method is None and not (choice.embedded or choice.is_openai)


async def _prepared_file(on_progress: OnProgress | None) -> Path:
    """Return the embedded model's file; the event loop goes on while it is made, which takes some seconds once."""
    cancelled = False

    def report(done: int, total: int) -> None:
        if cancelled:
            raise asyncio.CancelledError
        if on_progress:
            on_progress("Preparing the embedded model (first use only)", done, total)

    try:
        return await asyncio.to_thread(ensure_model_file, report)
    except asyncio.CancelledError:
        cancelled = True
        raise


def _model_of(
    choice: ModelChoice, server: EmbeddedServer | Endpoint | None, many: bool
) -> OpenAIChatModel | LoadingChatModel:
    """Return the chosen model; where there are many answers, their pace decides about trying again."""
    if server is None:
        retries = 0 if many else MAX_RETRIES
        return OpenAIChatModel(choice.model, choice.base_url, choice.api_key, max_retries=retries, many=many)

    def connect(endpoint: Endpoint) -> OpenAIChatModel:
        return OpenAIChatModel(
            endpoint.model,
            endpoint.base_url,
            endpoint.api_key,
            timeout=600.0,
            max_retries=0 if many else 1,
            many=many,
            endpoint_name=_EMBEDDED_ENDPOINT,
        )

    if isinstance(server, Endpoint):
        return connect(server)
    return LoadingChatModel(server, _EMBEDDED_ENDPOINT, connect)
