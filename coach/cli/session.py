"""From settings to an assessor that is ready: the one place where edges are put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coach.errors import ConfigurationError

if TYPE_CHECKING:
    from coach.bank.questions import Bank
    from coach.judge.judging import Judge
    from coach.judge.logprobs import LogprobsJudge
    from coach.judge.similarity import Similarity
    from coach.judge.structured import StructuredJudge
    from coach.judge.templates import PromptTemplates
    from coach.model.choose import ModelChoice
    from coach.model.completion import ChatModel
    from coach.model.embedded_server import EmbeddedServer
    from coach.model.openai_client import OpenAIChatModel
    from coach.submit.assess import AnswerAssessor

#: The embedded server's address in receipts; its port differs at each start and says nothing to anybody.
EMBEDDED_ENDPOINT = "http://127.0.0.1/v1"
METHODS = ("logprobs", "structured")
#: Said to the user while something takes long: (what, done, total).
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settings:
    """What the user chose for a run that judges answers."""

    model: str | None = None
    bank: Path | None = None
    method: str | None = None
    #: Requests in flight at the same time; 1 for the embedded model.
    parallel: int = 1

    def check(self) -> None:
        """Raise ConfigurationError for a method that does not exist."""
        if self.method is not None and self.method not in METHODS:
            raise ConfigurationError(f"unknown method {self.method!r}", f"Choose one of: {', '.join(METHODS)}.")


@dataclass(frozen=True)
class Session:
    """An open model with the assessor that uses it."""

    choice: ModelChoice
    chat_model: ChatModel
    assessor: AnswerAssessor


@asynccontextmanager
async def open_session(
    settings: Settings, *, bank: Bank | None = None, on_progress: OnProgress | None = None
) -> AsyncIterator[Session]:
    """Open the model and yield it with an assessor for the bank; closes everything at the end.

    The embedded model starts loading first, so that reading files and building prompts happen meanwhile.
    Raises CoachError.
    """
    from coach.bank.load import load_bank
    from coach.judge.prompt_files import load_prompts
    from coach.model.choose import choose_model

    settings.check()
    choice = choose_model(settings.model, os.environ)
    async with AsyncExitStack() as stack:
        server = start_embedded(choice, on_progress)
        if server is not None:
            stack.callback(server.close)
        loaded = bank or load_bank(settings.bank)
        prompts = load_prompts()
        similarity = sentence_similarity()
        model = await stack.enter_async_context(await open_model(choice, server))
        method = settings.method or await default_method(choice, model)
        asked = settled(model) if server is not None else model
        judge = make_judge(method, asked, prompts, similarity, settings.parallel)
        yield Session(choice, asked, make_assessor(loaded, judge, similarity))


@asynccontextmanager
async def open_assessor(
    settings: Settings, *, bank: Bank | None = None, on_progress: OnProgress | None = None
) -> AsyncIterator[AnswerAssessor]:
    """Open the model and yield an assessor for the bank; see `open_session`."""
    async with open_session(settings, bank=bank, on_progress=on_progress) as session:
        yield session.assessor


def make_assessor(bank: Bank, judge: Judge, similarity: Similarity) -> AnswerAssessor:
    """Return an assessor for the judge.

    The logprobs method asks about one check at a time, so that talk to the grader has to be found beforehand: by its
    meaning where the encoder is installed. The structured judge reports it by itself, and its results do not depend
    on what is installed.
    """
    from coach.answer.instruction_detector import InstructionDetector
    from coach.answer.language import identify_language
    from coach.judge.structured import StructuredJudge
    from coach.model.encoder import SentenceEncoder
    from coach.model.prices import cost_usd
    from coach.submit.assess import AnswerAssessor

    detect = None
    if isinstance(similarity, SentenceEncoder) and judge.name != StructuredJudge.name:
        detect = InstructionDetector(similarity).suspicious
    return AnswerAssessor(bank, judge, cost_usd, identify_language, detect)


def sentence_similarity() -> Similarity:
    """Return the sentence encoder when the local extra is installed, else the lexical measure."""
    from coach.judge.similarity import LexicalSimilarity
    from coach.model.encoder import SentenceEncoder, encoder_installed

    return SentenceEncoder() if encoder_installed() else LexicalSimilarity()


def start_embedded(choice: ModelChoice, on_progress: OnProgress | None) -> EmbeddedServer | None:
    """Start the embedded model; None when another model was chosen. Raises CoachError."""
    if not choice.embedded:
        return None
    from coach.model.embedded_file import ensure_model_file
    from coach.model.embedded_server import EmbeddedServer

    def report(done: int, total: int) -> None:
        if on_progress:
            on_progress("Preparing the embedded model (first use only)", done, total)

    file = choice.file or ensure_model_file(report)
    return EmbeddedServer.start(file)


async def open_model(choice: ModelChoice, server: EmbeddedServer | None, *, paced: bool = False) -> OpenAIChatModel:
    """Return the chosen model, of ``server`` where it is the embedded one.

    A ``paced`` model sends many requests and retries none: who sets its pace does.
    """
    from coach.model.openai_client import MAX_RETRIES, OpenAIChatModel

    if server is None:
        retries = 0 if paced else MAX_RETRIES
        return OpenAIChatModel(choice.model, choice.base_url, choice.api_key, max_retries=retries, many=paced)
    endpoint = await server.await_ready_async()
    return OpenAIChatModel(
        endpoint.model,
        endpoint.base_url,
        endpoint.api_key,
        timeout=600.0,
        max_retries=0 if paced else 1,
        many=paced,
        endpoint_name=EMBEDDED_ENDPOINT,
    )


def settled(model: ChatModel) -> ChatModel:
    """Return the embedded model so that it gives the same reply to the same request at any time."""
    from coach.model.repeatable import SettledChatModel

    return SettledChatModel(model)


def make_judge(
    method: str, model: ChatModel, prompts: PromptTemplates, similarity: Similarity, parallel: int
) -> StructuredJudge | LogprobsJudge:
    """Return the judge of a method."""
    from coach.judge.baselines import BaselineFile
    from coach.judge.logprobs import LogprobsJudge
    from coach.judge.structured import StructuredJudge

    if method == "structured":
        return StructuredJudge(model, prompts)
    return LogprobsJudge(model, prompts, similarity, BaselineFile.open(), parallel)


async def default_method(choice: ModelChoice, model: ChatModel) -> str:
    """Return the method for an endpoint: by what it can do, and for OpenAI itself the one with a single request."""
    from coach.model.openai_client import detect_capabilities

    if choice.embedded:
        return "logprobs"
    if choice.is_openai:
        return "structured"
    return "logprobs" if (await detect_capabilities(model)).logprobs else "structured"
