"""Which request parameters an endpoint takes: the first guess, and what its refusals teach.

OpenAI's own models want ``max_completion_tokens``, and its reasoning models refuse ``temperature``, ``seed`` and
``logprobs``; compatible servers want ``max_tokens`` and differ in the rest. Lists of model names age within weeks,
so nothing is guessed from names: a refused feature is left out from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from coach.model.completion import CompletionRequest
from coach.model.openai_errors import is_too_long

SEED = 7
#: Some servers give at most five alternatives.
FEW_LOGPROBS = 5

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
    "prompt_cache_key": re.compile(r"\bprompt_cache_key\b", re.IGNORECASE),
}


@dataclass(frozen=True)
class Dialect:
    """How requests to one endpoint are put.

    ``refused`` holds what the endpoint does not take, so lessons of concurrent requests merge by set union.
    ``reasoning_room`` is added to ``max_tokens`` once SHORT_REPLY was learned: the model thinks before it replies.
    """

    model: str
    is_openai: bool
    reasoning_room: int = 0
    prompt_cache_key: str | None = None
    refused: frozenset[str] = field(default_factory=frozenset)

    def body(self, request: CompletionRequest) -> dict[str, Any]:
        """Return the JSON body of a request in this dialect."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": _sendable(message.content)} for message in request.messages],
            self._limit_name: request.max_tokens + (self.reasoning_room if SHORT_REPLY in self.refused else 0),
        }
        options: dict[str, object] = {"temperature": 0, "seed": SEED}
        if self.is_openai:
            # Accounts may keep chat completions by default; an interview answer is nobody else's business.
            options["store"] = False
            if self.prompt_cache_key:
                options["prompt_cache_key"] = self.prompt_cache_key
        body.update((name, value) for name, value in options.items() if name not in self.refused)
        body.update(self._logprobs(request))
        body.update(self._response_format(request))
        return body

    @property
    def _limit_name(self) -> str:
        first, second = (_NEW_LIMIT, _OLD_LIMIT) if self.is_openai else (_OLD_LIMIT, _NEW_LIMIT)
        return second if first in self.refused else first

    def _logprobs(self, request: CompletionRequest) -> dict[str, object]:
        if not request.top_logprobs or "logprobs" in self.refused:
            return {}
        most = FEW_LOGPROBS if MANY_LOGPROBS in self.refused else request.top_logprobs
        return {"logprobs": True, "top_logprobs": min(request.top_logprobs, most)}

    def _response_format(self, request: CompletionRequest) -> dict[str, object]:
        if request.json_schema is None or "json_object" in self.refused:
            return {}
        if "json_schema" in self.refused:
            return {"response_format": {"type": "json_object"}}
        schema = {"name": request.json_schema.name, "strict": True, "schema": request.json_schema.schema}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}


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
    if _is_about(limit, parameter, words) and (code == "unsupported_parameter" or _UNKNOWN.search(words)):
        return limit
    name = _blamed(body, re.split(r"[.\[]", parameter)[0], words)
    if name == "response_format":
        return str(body[name]["type"])
    if name == "logprobs" and body["top_logprobs"] > FEW_LOGPROBS and _BOUND.search(words):
        return MANY_LOGPROBS
    return name


def _sendable(text: str) -> str:
    """Replace lone surrogates, which some files hold and UTF-8 cannot express."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _blamed(body: dict[str, Any], parameter: str, words: str) -> str | None:
    parameter = "logprobs" if parameter == "top_logprobs" else parameter
    if parameter in _NAMED and parameter in body:
        return parameter
    for name, pattern in _NAMED.items():
        # Whatever a server says about the reply's format, it did not like the one that was asked for.
        if name in body and pattern.search(words) and (name == "response_format" or _COMPLAINT.search(words)):
            return name
    return None


def _is_about(limit: str, parameter: str, words: str) -> bool:
    return parameter == limit or (not parameter and re.search(rf"\b{limit}\b", words) is not None)
