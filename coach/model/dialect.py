"""How compatible servers speak: which request parameters they take, what their refusals teach, how replies are read.

OpenAI's own models want ``max_completion_tokens``, and its reasoning models refuse ``temperature``, ``seed`` and
``logprobs``; compatible servers want ``max_tokens`` and differ in the rest. Lists of model names age within weeks,
so nothing is guessed from names: a refused feature is left out from then on. Broken optional parts of a reply (usage,
log-probabilities) are treated as absent, so they do not cost the reply itself.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from coach.errors import ModelContentFilterError, ModelReplyError
from coach.model.completion import Completion, CompletionRequest, Usage
from coach.model.failures import REPLY_HINT, is_too_long, redact, server_words

#: Tokens added to the longest reply of a model that was seen to think before it replies.
REASONING_ROOM = 4096
_SEED = 7
#: Some servers give at most five alternatives.
_FEW_LOGPROBS = 5

#: Lessons that are not the name of a parameter.
MANY_LOGPROBS = "top_logprobs>5"
SHORT_REPLY = "short reply"

_STATUSES = frozenset({400, 403, 404, 422, 500, 501})
_OLD_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"

_COMPLAINT = re.compile(
    r"unsupported|not[ _]support|unrecogni[sz]ed|unknown|not permitted|not allowed|extra|forbidden|unavailable|"
    r"not available|not enabled|invalid|incompatible|unexpected|cannot|does not exist|must be|disabled|at most|maximum",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|extra|unexpected|cannot find|use '", re.IGNORECASE
)
_NEEDS_ROOM = re.compile(r"could not finish the message because max_tokens", re.IGNORECASE)
_BOUND = re.compile(r"must be|at most|maximum|greater than|less than|between|max allowed|range", re.IGNORECASE)
_NAMED: dict[str, re.Pattern[str]] = {
    "response_format": re.compile(
        r"response[_ ]format|json[_ ]?(schema|object|mode)|structured output|grammar", re.IGNORECASE
    ),
    "logprobs": re.compile(r"log_?probs?\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "seed": re.compile(r"\bseed\b", re.IGNORECASE),
    "store": re.compile(r"\bstore\b", re.IGNORECASE),
}


@dataclass(frozen=True)
class Dialect:
    """How requests to one endpoint are put.

    ``refused`` holds what the endpoint does not take, so lessons of concurrent requests merge by set union.
    """

    model: str
    is_openai: bool
    refused: frozenset[str] = field(default_factory=frozenset)

    def body(self, request: CompletionRequest) -> dict[str, Any]:
        """Return the JSON body of a request in this dialect."""
        first, second = (_NEW_LIMIT, _OLD_LIMIT) if self.is_openai else (_OLD_LIMIT, _NEW_LIMIT)
        room = REASONING_ROOM if SHORT_REPLY in self.refused else 0
        body: dict[str, Any] = {
            "model": self.model,
            # Lone surrogates, which some files hold, cannot be expressed in UTF-8.
            "messages": [
                {"role": it.role, "content": it.content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")}
                for it in request.messages
            ],
            second if first in self.refused else first: request.max_tokens + room,
        }
        options: dict[str, object] = {"temperature": 0, "seed": _SEED}
        if self.is_openai:
            # Accounts may keep chat completions by default; an interview answer is nobody else's business.
            options["store"] = False
        body.update((name, value) for name, value in options.items() if name not in self.refused)
        if request.top_logprobs and "logprobs" not in self.refused:
            few = MANY_LOGPROBS in self.refused
            body["logprobs"] = True
            body["top_logprobs"] = min(request.top_logprobs, _FEW_LOGPROBS) if few else request.top_logprobs
        wanted = request.json_schema
        if wanted is not None and "json_schema" not in self.refused:
            schema = {"name": wanted.name, "strict": True, "schema": wanted.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif wanted is not None and "json_object" not in self.refused:
            body["response_format"] = {"type": "json_object"}
        return body


def lesson(body: dict[str, Any], status: int, parameter: str, code: str, words: str) -> str | None:
    """Return what a refusal of ``body`` teaches, as a member of ``Dialect.refused``; None when it teaches nothing.

    ``parameter`` and ``code`` are the fields of OpenAI's error object ("" where a server sends none), ``words`` the
    server's message.
    """
    if status not in _STATUSES or is_too_long(words, code):
        return None
    if _NEEDS_ROOM.search(words):
        return SHORT_REPLY
    limit = _NEW_LIMIT if _NEW_LIMIT in body else _OLD_LIMIT
    about_limit = parameter == limit or (not parameter and re.search(rf"\b{limit}\b", words))
    if about_limit and (code == "unsupported_parameter" or _UNKNOWN.search(words)):
        return limit
    name = _blamed(body, re.split(r"[.\[]", parameter)[0], words)
    if name == "response_format":
        return str(body[name]["type"])
    if name == "logprobs" and body["top_logprobs"] > _FEW_LOGPROBS and _BOUND.search(words):
        return MANY_LOGPROBS
    return name


def _blamed(body: dict[str, Any], parameter: str, words: str) -> str | None:
    parameter = "logprobs" if parameter == "top_logprobs" else parameter
    if parameter in _NAMED and parameter in body:
        return parameter
    for name, pattern in _NAMED.items():
        # Whatever a server says about the reply's format, it did not like the one that was asked for.
        if name in body and pattern.search(words) and (name == "response_format" or _COMPLAINT.search(words)):
            return name
    return None


def read_reply(body: bytes, endpoint: str, api_key: str = "") -> Completion:
    """Read the body of a response with HTTP status 200.

    Raises ModelReplyError for anything that is not a chat completion, and ModelContentFilterError when the
    endpoint's filter stopped the reply. A refusal or a cut-off reply is a completion.
    """
    from pydantic_core import from_json

    try:
        # Unlike the standard library it refuses halves of surrogate pairs.
        data = from_json(body.decode("utf-8-sig", "replace"))
    except ValueError:
        raise ModelReplyError(f"{endpoint} answered, but not with JSON that can be read", REPLY_HINT) from None
    choice, message = _at(data, "choices", 0), _at(data, "choices", 0, "message")
    text = _text(_at(message, "content"))
    if not isinstance(message, dict) or text is None:
        if words := server_words(_at(data, "error")):
            said = f"{endpoint} answered with an error: {redact(words, api_key)}"
            raise ModelReplyError(said, "Try again later, or another model.")
        raise ModelReplyError(f"{endpoint} answered, but not with a chat completion", REPLY_HINT)
    if choice.get("finish_reason") == "content_filter":
        raise ModelContentFilterError(
            f"the content filter of {endpoint} stopped the reply", "Rephrase the answer, or use another model."
        )
    # Where Ollama, vLLM, llama.cpp and OpenRouter put what a reasoning model thought.
    thoughts = message.get("reasoning") or message.get("reasoning_content")
    reasoned = bool(thoughts or _count(data, "completion_tokens_details", "reasoning_tokens"))
    refusal, finish_reason = message.get("refusal"), choice.get("finish_reason")
    return Completion(
        text=text,
        finish_reason=finish_reason if isinstance(finish_reason, str) else "",
        refusal=refusal if refusal and isinstance(refusal, str) else None,
        # After thinking, the first token is the first thought: no verdict.
        first_token=None if reasoned else _first_token(_at(choice, "logprobs", "content", 0)),
        usage=Usage(
            _count(data, "prompt_tokens"),
            _count(data, "prompt_tokens_details", "cached_tokens"),
            _count(data, "completion_tokens"),
        ),
        reasoned=reasoned,
    )


def _at(data: Any, *path: str | int) -> Any:
    """Return what lies at a path of keys and places; None where there is nothing of that shape."""
    for step in path:
        fits = isinstance(data, dict) if isinstance(step, str) else isinstance(data, list) and step < len(data)
        if not fits:
            return None
        data = data.get(step) if isinstance(data, dict) else data[step]
    return data


def _count(data: Any, *path: str) -> int | None:
    value = _at(data, "usage", *path)
    return value if isinstance(value, int) and value >= 0 else None


def _text(content: Any) -> str | None:
    """Return the text of a message, of its text parts where it comes in parts; None when it is neither."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else "" if content is None else None
    kept = [_at(part, "text") for part in content if _at(part, "type") in ("text", "output_text")]
    return "".join(text for text in kept if isinstance(text, str))


def _first_token(first: Any) -> dict[str, float] | None:
    """Return the alternatives of the first token; None when the server sent none (a lone token is none)."""
    alternatives = _at(first, "top_logprobs")
    if not isinstance(alternatives, list) or not alternatives:
        return None
    found: dict[str, float] = {}
    # A server may leave the token that it chose out of the alternatives.
    for alternative in (*alternatives, first):
        token, value = _at(alternative, "token"), _at(alternative, "logprob")
        if isinstance(token, str) and isinstance(value, int | float) and not math.isnan(value):
            found.setdefault(token, float(value))
    return found or None
