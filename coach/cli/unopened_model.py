"""A model by name only, for what needs no reply: a prompt that is shown, results that are known, nothing to judge."""

from __future__ import annotations

import os

from coach.bank.questions import Bank
from coach.cli.session import EMBEDDED_ENDPOINT, Settings, make_assessor, make_judge, sentence_similarity
from coach.judge.logprobs import LogprobsJudge
from coach.judge.prompt_files import load_prompts
from coach.judge.similarity import Similarity
from coach.judge.structured import StructuredJudge
from coach.model.choose import ModelChoice, choose_model
from coach.model.completion import Completion, CompletionRequest
from coach.model.embedded_file import EMBEDDED_MODEL
from coach.submit.assess import AnswerAssessor


class UnopenedModel:
    """Stands for a model that is not opened; asking it is a programming error."""

    def __init__(self, choice: ModelChoice) -> None:
        self.name = choice.model or EMBEDDED_MODEL.name.removesuffix(".gguf")
        self.endpoint = EMBEDDED_ENDPOINT if choice.embedded else choice.base_url

    async def complete(self, request: CompletionRequest) -> Completion:
        """Raise AssertionError."""
        raise AssertionError("nothing is sent to a model that is not opened")


def unopened_judge(method: str | None, choice: ModelChoice, similarity: Similarity) -> StructuredJudge | LogprobsJudge:
    """Return the judge of a method; without one, that which the endpoint gets when it can do everything."""
    method = method or ("structured" if choice.is_openai else "logprobs")
    return make_judge(method, UnopenedModel(choice), load_prompts(), similarity, parallel=1)


def unopened_assessor(settings: Settings, bank: Bank) -> AnswerAssessor:
    """Return an assessor with everything but an open model."""
    similarity = sentence_similarity()
    judge = unopened_judge(settings.method, choose_model(settings.model, os.environ), similarity)
    return make_assessor(bank, judge, similarity)
