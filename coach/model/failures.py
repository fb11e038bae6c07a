"""Every failure of the openai client as a ModelError: what happened, and the next step.

The server's own words are repeated (shortened, without control characters and keys), because only they say which
model, limit or parameter was meant.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from coach.errors import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContentFilterError,
    ModelError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRateLimitError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from coach.model.choose import is_loopback

LONGEST_QUOTE = 300
_LONGEST_SCAN = 2000
_SHORTEST_SECRET = 8
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound"})

REPLY_HINT = "Check OPENAI_BASE_URL: it must be an OpenAI-compatible API and usually ends in /v1."

_LOOKS_LIKE_KEY = re.compile(r"(?i:bearer)\s+\S+|\bsk-[\w*.\-]{3,}|[\w\-.]*\*{3,}[\w\-.*]*")
_TOO_LONG = re.compile(
    r"maximum context length|context[_ ](length|size|window)|prompt is too long|too many tokens|"
    r"input is too long|exceeds? .{0,40}context",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model.{0,120}(not found|not exist)|(invalid|unknown|no such) model|not a valid model", re.IGNORECASE | re.DOTALL
)
_FILTERED = re.compile(r"content management policy|content[_ ]filter", re.IGNORECASE)
#: llama.cpp answers 500 when the model's own output breaks off: that is one bad reply, not a broken server.
_FORMLESS = re.compile(r"output that does not match the expected", re.IGNORECASE)
_BAD_KEY = re.compile(r"api key not valid|invalid api key|incorrect api key", re.IGNORECASE)

#: What the classes of the openai package, and their subclasses, are about; "status" is told from the response.
_ABOUT = {
    "APIStatusError": "status",
    "APITimeoutError": "time",
    "APIConnectionError": "connection",
    "WebSocketConnectionClosedError": "connection",
    "WebSocketQueueFullError": "connection",
    "ContentFilterFinishReasonError": "filter",
    "SubjectTokenProviderError": "key",
    "APIResponseValidationError": "reply",
    "LengthFinishReasonError": "reply",
    "InvalidWebhookSignatureError": "reply",
    "ValueError": "reply",
    "APIError": "server",
    "OpenAIError": "request",
}


@dataclass(frozen=True)
class _Failure:
    """What is known about one failure: HTTP status (0 without a response), the server's code, its words."""

    about: str
    status: int
    code: str
    words: str
    local: bool


@dataclass(frozen=True)
class _Kind:
    """A kind of failure: when it is this one, and what is said about it."""

    holds: Callable[[_Failure], object]
    error: type[ModelError]
    message: str
    hint: str
    quotes: bool = True


#: The first that holds.
_KINDS = (
    _Kind(
        lambda it: it.about == "connection" and it.local,
        ModelConnectionError,
        "no connection to {endpoint}",
        "Start the model's server, or check OPENAI_BASE_URL.",
    ),
    _Kind(
        lambda it: it.about == "connection",
        ModelConnectionError,
        "no connection to {endpoint}",
        "Check the network, the proxy settings and OPENAI_BASE_URL.",
    ),
    _Kind(
        lambda it: it.about == "filter" or it.code in _FILTER_CODES or _FILTERED.search(it.words),
        ModelContentFilterError,
        "the content filter of {endpoint} blocked the request or the reply",
        "Rephrase the answer without names or graphic detail, or use another model.",
    ),
    _Kind(
        lambda it: it.code in _QUOTA_CODES or it.status == 402,
        ModelQuotaError,
        "the account at {endpoint} has no quota left",
        "Add credit or raise the limit in the provider's billing page, or use the embedded model.",
    ),
    _Kind(
        lambda it: it.status == 429,
        ModelRateLimitError,
        "{endpoint} gets too many requests",
        "Try again {wait}, or send fewer requests at once.",
    ),
    _Kind(
        lambda it: it.status == 413 or (it.about == "status" and it.status < 500 and is_too_long(it.words, it.code)),
        ModelRequestError,
        "the request is too long for {model}",
        "Shorten the answer, or use a model (or a server setting) with a larger context.",
    ),
    _Kind(
        lambda it: it.code in _MODEL_CODES or (it.status in (400, 404, 422) and _NO_MODEL.search(it.words)),
        ModelNotFoundError,
        "{endpoint} does not know the model {model}",
        "Name another model with --model or COACH_MODEL; a local server must have loaded or pulled it first.",
    ),
    _Kind(
        lambda it: it.about == "key" or it.status in (401, 403) or _BAD_KEY.search(it.words),
        ModelAuthenticationError,
        "{endpoint} refused the API key",
        "Check that OPENAI_API_KEY belongs to {endpoint} and may use {model}.",
    ),
    _Kind(
        lambda it: it.about == "time" or it.status == 408,
        ModelTimeoutError,
        "{endpoint} did not answer in time",
        "Try again later, or use a smaller or faster model.",
        quotes=False,
    ),
    _Kind(
        lambda it: it.about == "reply" or _FORMLESS.search(it.words),
        ModelReplyError,
        "the reply of {endpoint} cannot be read",
        REPLY_HINT,
    ),
    _Kind(
        lambda it: it.about == "server" or it.status == 409 or it.status >= 500,
        ModelServerError,
        "{endpoint} failed on its side{http}",
        "Try again later; for a local server, look at its own log.",
    ),
    _Kind(lambda it: it.status == 404, ModelRequestError, "{endpoint} has no chat completions", REPLY_HINT),
    _Kind(
        lambda it: 300 <= it.status < 400,
        ModelRequestError,
        "{endpoint} redirects to another address, which was not followed",
        "Set OPENAI_BASE_URL to the final address; an answer is only sent where you asked for.",
    ),
    _Kind(
        lambda it: it.about in ("request", "status"),
        ModelRequestError,
        "{endpoint} refused the request{http}",
        "Check that {model} is a chat model and that the server speaks the OpenAI protocol.",
    ),
    _Kind(
        lambda it: True,
        ModelError,
        "the call of {model} failed unexpectedly ({kind})",
        "Run `coach doctor` to see what is reachable.",
    ),
)


def translate(error: Exception, model: str, endpoint: str, *, api_key: str = "") -> ModelError:
    """Return the ModelError for anything that a call of the openai client may raise.

    ``endpoint`` must be free of credentials. ``api_key`` never appears in the result; neither does the key of the
    failed request, nor anything that looks like one.
    """
    if isinstance(error, ModelError):
        return error
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", 0)
    words = server_words(getattr(error, "body", None))
    if not words and response is None:
        words = str(error.__cause__ or error)
    request: Any = getattr(error, "request", None)
    sent_key = str(getattr(request, "headers", {}).get("authorization", "")).partition(" ")[2]
    words = redact(words, api_key, sent_key)
    codes = [str(getattr(error, name, None) or "").lower() for name in ("code", "type")]
    code = next((code for code in codes if code in _QUOTA_CODES | _FILTER_CODES | _MODEL_CODES), codes[0])
    about = next((_ABOUT[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _ABOUT), "")
    failure = _Failure(about, status, code, words, is_loopback(endpoint))
    wait = _retry_after(getattr(response, "headers", {}))
    known = {
        "endpoint": endpoint,
        "model": model,
        "kind": type(error).__name__,
        "http": f" (HTTP {status})" if status else "",
        "wait": "in a while" if wait is None else f"in {wait:.0f} seconds",
    }
    found = next(kind for kind in _KINDS if kind.holds(failure))
    quote = f": {words}" if words and found.quotes else ""
    translated = found.error(found.message.format(**known) + quote, found.hint.format(**known))
    if isinstance(translated, ModelRateLimitError):
        translated.retry_after = wait
    return translated


def server_words(body: object) -> str:
    """Return the message inside an error body of any known shape (OpenAI, FastAPI, Google, plain text)."""
    if isinstance(body, list):
        return server_words(body[0]) if body else ""
    if isinstance(body, Mapping):
        for key in ("message", "detail", "error"):
            if body.get(key):
                return server_words(body[key]) if key == "error" else str(body[key])
        return ""
    text = "" if body is None else str(body)
    return "" if text.lstrip().startswith("<") else text


def redact(text: str, *secrets: str) -> str:
    """Return a short, printable version of ``text`` without ``secrets`` or anything that looks like an API key.

    Secrets of fewer than 8 characters are words such as ``ollama``, not keys: they stay.
    """
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    # The pattern takes quadratic time on one endless word, so it sees only what may be quoted.
    text = _LOOKS_LIKE_KEY.sub("[key]", text[:_LONGEST_SCAN])
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def is_out_of_quota(body: object) -> bool:
    """Return whether an error body says that the account is empty, so that waiting is useless."""
    if not isinstance(body, Mapping):
        return False
    error = body.get("error", body)
    return isinstance(error, Mapping) and bool({str(error.get("code")), str(error.get("type"))} & _QUOTA_CODES)


def is_too_long(words: str, code: str = "") -> bool:
    """Return whether the server's words or its code are about the context length."""
    return code == "context_length_exceeded" or _TOO_LONG.search(words) is not None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a response asks to wait: ``retry-after-ms``, or ``retry-after`` (number or date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d*)?", text):
            return float(text) * unit
    date = parsedate_tz(headers.get("retry-after", ""))
    try:
        return None if date is None else max(0.0, mktime_tz(date) - time.time())
    except (OverflowError, ValueError):
        return None
