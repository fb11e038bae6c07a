"""``coach submit --show-prompt``: print exactly what would be sent, and how many tokens that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from coach.bank.questions import Bank, Question
from coach.judge.judging import Judge
from coach.model.completion import CompletionRequest
from coach.model.cost import TokenCount, TokenCounter
from coach.submit.open import Settings, unopened_session

_ASSUMED = (
    "Before that, two short requests without a word of the answer find out what the server can do. Where it gives no "
    "log-probabilities, the other method is used: see its prompt with --method structured."
)


def show(settings: Settings, bank: Bank, question: Question, text: str, *, as_json: bool) -> None:
    """Print every request that judging this answer would send, and its tokens; sends nothing."""
    session = unopened_session(settings, bank)
    assessor = session.assessor
    judge = assessor.judge
    answer = assessor.prepare(question, text)
    requests = [] if answer.unscored_reason else judge.requests(assessor.task(question, answer))
    counter = TokenCounter(session.choice.model or "qwen2.5")
    counts = [counter.count_messages(request.messages) for request in requests]
    note = _ASSUMED if session.method_assumed else ""
    if as_json:
        _print_json(judge, answer.unscored_reason, requests, counts, note)
        return
    _print_requests(requests, counts)
    if answer.unscored_reason:
        typer.echo(f"{answer.unscored_reason} So nothing would be sent.")
        return
    _print_sum(counts, judge, note)


def _print_json(
    judge: Judge,
    unscored_reason: str | None,
    requests: Sequence[CompletionRequest],
    counts: Sequence[TokenCount],
    note: str,
) -> None:
    document = {
        "schema": "coach/prompt@1",
        "method": judge.name,
        "model": judge.model,
        "endpoint": judge.endpoint,
        "unscored_reason": unscored_reason,
        "requests": [{**_sent(r), "input_tokens": c.count} for r, c in zip(requests, counts, strict=True)],
        "input_tokens": sum(count.count for count in counts),
        "exact": all(count.exact for count in counts),
        "note": note or None,
    }
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _sent(request: CompletionRequest) -> dict[str, Any]:
    """Return what of a request is sent."""
    fields = asdict(request)
    del fields["fixed_characters"]
    return fields


def _print_requests(requests: Sequence[CompletionRequest], counts: Sequence[TokenCount]) -> None:
    for number, (request, count) in enumerate(zip(requests, counts, strict=True), 1):
        typer.echo(
            f"===== request {number} of {len(requests)}: {count} tokens in, at most {request.max_tokens} out ====="
        )
        for message in request.messages:
            typer.echo(f"--- {message.role} ---\n{message.content}")
        if request.json_schema:
            typer.echo(f"--- JSON schema {request.json_schema.name} ---\n{json.dumps(request.json_schema.schema)}")
        typer.echo()


def _print_sum(counts: Sequence[TokenCount], judge: Judge, note: str) -> None:
    number = "1 request" if len(counts) == 1 else f"{len(counts)} requests"
    mark = "" if all(count.exact for count in counts) else "≈"
    total = sum(count.count for count in counts)
    typer.echo(f"{number}, {mark}{total} tokens in, to {judge.model} at {judge.endpoint}. Nothing was sent.")
    if note:
        typer.echo(note)
