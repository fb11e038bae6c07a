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
from coach.model.loopback import is_loopback

LONGEST_QUOTE = 300
LONGEST_SCAN = 2000
SHORTEST_SECRET = 8
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound"})

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


@dataclass(frozen=True)
class Failure:
    """What is known about one failure: HTTP status (0 without a response), the server's code, its words."""

    model: str
    endpoint: str
    status: int = 0
    code: str = ""
    words: str = ""
    retry_after: float | None = None

    def told(self, text: str) -> str:
        """Return ``text`` followed by the server's words, if there are any."""
        return f"{text}: {self.words}" if self.words else text


def translate(error: Exception, model: str, endpoint: str, *, api_key: str = "") -> ModelError:
    """Return the ModelError for anything that a call of the openai client may raise.

    ``endpoint`` must be free of credentials. ``api_key`` never appears in the result; neither does the key of the
    failed request, nor anything that looks like one.
    """
    if isinstance(error, ModelError):
        return error
    failure = _failure(error, model, endpoint, api_key)
    for kind in type(error).__mro__:
        if kind.__name__ in BY_CLASS:
            return BY_CLASS[kind.__name__](failure)
    return ModelError(
        failure.told(f"the call of {model} failed unexpectedly ({type(error).__name__})"),
        "Run `coach doctor` to see what is reachable.",
    )


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
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    # The pattern takes quadratic time on one endless word, so it sees only what may be quoted.
    text = _LOOKS_LIKE_KEY.sub("[key]", text[:LONGEST_SCAN])
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def is_out_of_quota(body: object) -> bool:
    """Return whether an error body says that the account is empty, so that waiting is useless."""
    if not isinstance(body, Mapping):
        return False
    error = body.get("error", body)
    return isinstance(error, Mapping) and bool({str(error.get("code")), str(error.get("type"))} & QUOTA_CODES)


def is_too_long(words: str, code: str = "") -> bool:
    """Return whether the server's words or its code are about the context length."""
    return code == "context_length_exceeded" or _TOO_LONG.search(words) is not None


def _failure(error: Exception, model: str, endpoint: str, api_key: str) -> Failure:
    response = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(response, "headers", {})
    body = getattr(error, "body", None)
    words = server_words(body) or ("" if response is not None else str(error.__cause__ or error))
    words = redact(words, api_key, _sent_key(error))
    codes = [str(getattr(error, name, None) or "").lower() for name in ("code", "type")]
    code = next((code for code in codes if code in QUOTA_CODES | FILTER_CODES | MODEL_CODES), codes[0])
    return Failure(model, endpoint, getattr(response, "status_code", 0), code, words, _retry_after(headers))


def _sent_key(error: Exception) -> str:
    request: Any = getattr(error, "request", None)
    header = str(getattr(request, "headers", {}).get("authorization", ""))
    return header.partition(" ")[2]


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


def _no_connection(failure: Failure) -> ModelError:
    hint = "Check the network, the proxy settings and OPENAI_BASE_URL."
    if is_loopback(failure.endpoint):
        hint = "Start the model's server, or check OPENAI_BASE_URL."
    return ModelConnectionError(failure.told(f"no connection to {failure.endpoint}"), hint)


def _timed_out(failure: Failure) -> ModelError:
    return ModelTimeoutError(
        f"{failure.endpoint} did not answer in time", "Try again later, or use a smaller or faster model."
    )


def _bad_key(failure: Failure) -> ModelError:
    return ModelAuthenticationError(
        failure.told(f"{failure.endpoint} refused the API key"),
        f"Check that OPENAI_API_KEY belongs to {failure.endpoint} and may use {failure.model}.",
    )


def _no_model(failure: Failure) -> ModelError:
    return ModelNotFoundError(
        failure.told(f"{failure.endpoint} does not know the model {failure.model}"),
        "Name another model with --model or COACH_MODEL; a local server must have loaded or pulled it first.",
    )


def _no_quota(failure: Failure) -> ModelError:
    return ModelQuotaError(
        failure.told(f"the account at {failure.endpoint} has no quota left"),
        "Add credit or raise the limit in the provider's billing page, or use the embedded model.",
    )


def _too_fast(failure: Failure) -> ModelError:
    wait = failure.retry_after
    when = "in a while" if wait is None else f"in {wait:.0f} seconds"
    return ModelRateLimitError(
        failure.told(f"{failure.endpoint} gets too many requests"),
        f"Try again {when}, or send fewer requests at once.",
        retry_after=wait,
    )


def _filtered(failure: Failure) -> ModelError:
    return ModelContentFilterError(
        failure.told(f"the content filter of {failure.endpoint} blocked the request or the reply"),
        "Rephrase the answer without names or graphic detail, or use another model.",
    )


def _too_long(failure: Failure) -> ModelError:
    return ModelRequestError(
        failure.told(f"the request is too long for {failure.model}"),
        "Shorten the answer, or use a model (or a server setting) with a larger context.",
    )


def _refused(failure: Failure) -> ModelError:
    text = f"{failure.endpoint} refused the request"
    hint = f"Check that {failure.model} is a chat model and that the server speaks the OpenAI protocol."
    if failure.status == 404:
        text, hint = f"{failure.endpoint} has no chat completions", REPLY_HINT
    elif 300 <= failure.status < 400:
        text = f"{failure.endpoint} redirects to another address, which was not followed"
        hint = "Set OPENAI_BASE_URL to the final address; an answer is only sent where you asked for."
    elif failure.status:
        text += f" (HTTP {failure.status})"
    return ModelRequestError(failure.told(text), hint)


def _broken(failure: Failure) -> ModelError:
    status = f" (HTTP {failure.status})" if failure.status else ""
    return ModelServerError(
        failure.told(f"{failure.endpoint} failed on its side{status}"),
        "Try again later; for a local server, look at its own log.",
    )


def _unreadable(failure: Failure) -> ModelError:
    return ModelReplyError(failure.told(f"the reply of {failure.endpoint} cannot be read"), REPLY_HINT)


Handler = Callable[[Failure], ModelError]

#: What a response with an error status means; the first rule that holds decides.
_RULES: tuple[tuple[Callable[[Failure], bool], Handler], ...] = (
    (lambda it: it.code in FILTER_CODES or _FILTERED.search(it.words) is not None, _filtered),
    (lambda it: it.code in QUOTA_CODES or it.status == 402, _no_quota),
    (lambda it: it.status == 429, _too_fast),
    (lambda it: it.code in MODEL_CODES, _no_model),
    (lambda it: it.status in (401, 403) or _BAD_KEY.search(it.words) is not None, _bad_key),
    (lambda it: it.status == 413 or (it.status < 500 and is_too_long(it.words, it.code)), _too_long),
    (lambda it: it.status in (400, 404, 422) and _NO_MODEL.search(it.words) is not None, _no_model),
    (lambda it: it.status == 408, _timed_out),
    (lambda it: _FORMLESS.search(it.words) is not None, _unreadable),
    (lambda it: it.status == 409 or it.status >= 500, _broken),
)


def _by_status(failure: Failure) -> ModelError:
    handler = next((handler for rule, handler in _RULES if rule(failure)), _refused)
    return handler(failure)


#: Every public exception class of the openai package. A class that is missing here fails a test.
BY_CLASS: dict[str, Handler] = {
    "OpenAIError": _refused,
    "APIError": _broken,
    "APIStatusError": _by_status,
    "BadRequestError": _by_status,
    "AuthenticationError": _by_status,
    "OAuthError": _by_status,
    "PermissionDeniedError": _by_status,
    "NotFoundError": _by_status,
    "ConflictError": _by_status,
    "UnprocessableEntityError": _by_status,
    "RateLimitError": _by_status,
    "InternalServerError": _by_status,
    "APIConnectionError": _no_connection,
    "APITimeoutError": _timed_out,
    "APIResponseValidationError": _unreadable,
    "LengthFinishReasonError": _unreadable,
    "ContentFilterFinishReasonError": _filtered,
    "InvalidWebhookSignatureError": _unreadable,
    "SubjectTokenProviderError": _bad_key,
    "WebSocketConnectionClosedError": _no_connection,
    "WebSocketQueueFullError": _no_connection,
    "ValueError": _unreadable,
}
