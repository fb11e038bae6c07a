"""``coach submit --show-prompt``: print exactly what would be sent, and how many tokens that is."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import typer

from coach.cli.session import Settings, make_assessor, sentence_similarity
from coach.edges.model_choice import ModelChoice, choose_model
from coach.edges.prompt_files import load_prompts
from coach.edges.tokens import TokenCounter
from coach.judges.logprobs import LogprobsJudge
from coach.judges.structured import StructuredJudge
from coach.models.bank import Bank, Question
from coach.models.completion import Completion, CompletionRequest


class _Unreachable:
    """Stands for the model while prompts are only shown; asking it is a programming error."""

    def __init__(self, choice: ModelChoice) -> None:
        self.name = choice.model or "embedded"
        self.endpoint = choice.base_url or "this machine"

    async def complete(self, request: CompletionRequest) -> Completion:
        raise AssertionError("nothing is sent while a prompt is shown")


def show(settings: Settings, bank: Bank, question: Question, text: str, *, as_json: bool) -> None:
    """Print every request that judging this answer would send, and its tokens; sends nothing."""
    choice = choose_model(settings.model, os.environ)
    model = _Unreachable(choice)
    similarity = sentence_similarity()
    method = settings.method or ("structured" if choice.is_openai else "logprobs")
    prompts = load_prompts()
    judge = StructuredJudge(model, prompts) if method == "structured" else LogprobsJudge(model, prompts, similarity)
    assessor = make_assessor(bank, judge, similarity)
    answer = assessor.prepare(question, text)
    requests = judge.requests(assessor.task(question, answer))
    counter = TokenCounter(choice.model or "qwen2.5")
    counts = [counter.count_messages(request.messages) for request in requests]
    if as_json:
        document = {
            "schema": "coach/prompt@1",
            "method": method,
            "model": model.name,
            "endpoint": model.endpoint,
            "unscored_reason": answer.unscored_reason,
            "requests": [{**asdict(r), "input_tokens": c.count} for r, c in zip(requests, counts, strict=True)],
            "input_tokens": sum(c.count for c in counts),
            "exact": all(c.exact for c in counts),
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for number, (request, count) in enumerate(zip(requests, counts, strict=True), 1):
        typer.echo(
            f"===== request {number} of {len(requests)}: {count} tokens in, at most {request.max_tokens} out ====="
        )
        for message in request.messages:
            typer.echo(f"--- {message.role} ---\n{message.content}")
        if request.json_schema:
            typer.echo(f"--- JSON schema {request.json_schema.name} ---\n{json.dumps(request.json_schema.schema)}")
    total = sum(c.count for c in counts)
    mark = "" if all(c.exact for c in counts) else "≈"
    typer.echo(
        f"\n{len(requests)} requests, {mark}{total} tokens in, to {model.name} at {model.endpoint}. Nothing was sent."
    )
