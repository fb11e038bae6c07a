"""From the body of an HTTP response to a Completion, whatever a compatible server leaves out or adds.

Broken optional parts (usage, log-probabilities) are treated as absent, so they do not cost the reply itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from coach.errors import ModelContentFilterError, ModelReplyError
from coach.model.completion import Completion, Usage
from coach.model.openai_errors import REPLY_HINT, redact, server_words


@dataclass(frozen=True)
class Reply:
    """A completion, and whether the model thought before it: then the reply's tokens are not the answer's."""

    completion: Completion
    reasoned: bool


def _none_if_broken(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


_Lenient = WrapValidator(_none_if_broken)
_Count = Annotated[int | None, Field(default=None, ge=0), _Lenient]


class _InputDetails(BaseModel):
    cached_tokens: _Count = None


class _OutputDetails(BaseModel):
    reasoning_tokens: _Count = None


class _Usage(BaseModel):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    prompt_tokens_details: Annotated[_InputDetails | None, _Lenient] = None
    completion_tokens_details: Annotated[_OutputDetails | None, _Lenient] = None


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Part(BaseModel):
    type: str = ""
    text: Annotated[str | None, _Lenient] = None


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: Annotated[str | None, _Lenient] = None
    # Where Ollama, vLLM, llama.cpp and OpenRouter put what a reasoning model thought.
    reasoning: Annotated[str | None, _Lenient] = None
    reasoning_content: Annotated[str | None, _Lenient] = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Annotated[str | None, _Lenient] = None
    logprobs: Annotated[_Logprobs | None, _Lenient] = None


class _Body(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Annotated[_Usage | None, _Lenient] = None


def read_reply(body: bytes, endpoint: str, api_key: str = "") -> Reply:
    """Read the body of a response with HTTP status 200.

    Raises ModelReplyError for anything that is not a chat completion, and ModelContentFilterError when the
    endpoint's filter stopped the reply. A refusal or a cut-off reply is a completion.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        parsed = _Body.model_validate_json(text)
    except ValidationError:
        raise _unreadable(text, endpoint, api_key) from None
    choice = parsed.choices[0]
    if choice.finish_reason == "content_filter":
        raise ModelContentFilterError(
            f"the content filter of {endpoint} stopped the reply", "Rephrase the answer, or use another model."
        )
    message = choice.message
    usage = parsed.usage or _Usage()
    details = usage.completion_tokens_details or _OutputDetails()
    reasoned = bool(details.reasoning_tokens or message.reasoning or message.reasoning_content)
    completion = Completion(
        text=_text(message),
        finish_reason=choice.finish_reason or "",
        refusal=message.refusal or None,
        # After thinking, the first token is the first thought: no verdict.
        first_token=None if reasoned else _first_token(choice.logprobs),
        usage=Usage(usage.prompt_tokens, _cached(usage), usage.completion_tokens),
    )
    return Reply(completion, reasoned)


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return "".join(part.text or "" for part in message.content if part.type in ("text", "output_text"))
    return message.content or ""


def _cached(usage: _Usage) -> int | None:
    return None if usage.prompt_tokens_details is None else usage.prompt_tokens_details.cached_tokens


def _first_token(logprobs: _Logprobs | None) -> dict[str, float] | None:
    """Return the alternatives of the first token; None when the server sent none (a lone token is none)."""
    if logprobs is None or not logprobs.content or not logprobs.content[0].top_logprobs:
        return None
    first = logprobs.content[0]
    found: dict[str, float] = {}
    # A server may leave the token that it chose out of the alternatives.
    for alternative in [*(first.top_logprobs or []), first]:
        if not math.isnan(alternative.logprob):
            found.setdefault(alternative.token, alternative.logprob)
    return found or None


def _unreadable(text: str, endpoint: str, api_key: str) -> ModelReplyError:
    try:
        body = json.loads(text)
    except ValueError:
        return ModelReplyError(f"{endpoint} answered, but not with JSON that can be read", REPLY_HINT)
    error = body.get("error") if isinstance(body, dict) else None
    if error:
        words = redact(server_words(error), api_key)
        return ModelReplyError(f"{endpoint} answered with an error: {words}", "Try again later, or another model.")
    return ModelReplyError(f"{endpoint} answered, but not with a chat completion", REPLY_HINT)
