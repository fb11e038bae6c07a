"""Tests of the translation of openai's exceptions."""

from __future__ import annotations

import inspect
import json
from email.utils import formatdate
from typing import Any

import httpx2
import openai
import openai._exceptions
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from coach.model.failures import LONGEST_QUOTE, is_out_of_quota, redact, server_words, translate

KEY = "sk-test-0123456789abcdef"
ENDPOINT = "https://coach.test/v1"

STATUS_CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


def request() -> httpx2.Request:
    """Return a request as the openai client sends it."""
    return httpx2.Request("POST", f"{ENDPOINT}/chat/completions", headers={"authorization": f"Bearer {KEY}"})


def status_error(status: int, body: object = None, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    """Return the error that openai raises for a response with this status and error object."""
    kind = STATUS_CLASSES.get(status, openai.InternalServerError if status >= 500 else openai.APIStatusError)
    response = httpx2.Response(status, headers=headers, request=request())
    return kind(f"Error code: {status}", response=response, body=body)


def public_exceptions() -> list[type[Exception]]:
    """Return every exception class that the openai package exports."""
    places = [
        *vars(openai).items(),
        *((name, getattr(openai._exceptions, name)) for name in openai._exceptions.__all__),
    ]
    found = {
        value
        for name, value in places
        if not name.startswith("_") and inspect.isclass(value) and issubclass(value, Exception)
    }
    return sorted(found, key=lambda kind: kind.__name__)


def instance(kind: type[Exception]) -> Exception:
    """Build an exception of any openai class from the arguments that its signature asks for."""
    values: dict[str, Any] = {
        "message": "something happened",
        "request": request(),
        "response": httpx2.Response(418, request=request()),
        "body": {"message": "something happened"},
        "completion": openai.types.chat.ChatCompletion.model_construct(usage=None),
        "unsent_messages": [],
    }
    if not inspect.isfunction(kind.__init__):  # inherited from a built-in exception: no signature to read
        return kind("something happened")
    names = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in values.items() if name in names})


#: What the response's status decides, which is 418 here, and the root of all exceptions.
SAID_BY_RESPONSE = {*STATUS_CLASSES.values(), openai.APIStatusError, openai.InternalServerError, openai.OpenAIError,
                    openai.OAuthError}  # fmt: skip


@pytest.mark.parametrize("kind", public_exceptions(), ids=lambda kind: kind.__name__)
def test_every_public_exception_becomes_a_model_error(kind: type[Exception]) -> None:
    """Each class, really built, gives a specific ModelError with a message and a hint.

    A new kind of exception in the openai package is noticed here, not by a user: only the root of them all is taken
    for a refused request.
    """
    error = translate(instance(kind), "gpt-x", ENDPOINT)

    assert type(error) is not ModelError
    assert kind in SAID_BY_RESPONSE or type(error) is not ModelRequestError
    assert error.message
    assert error.hint


FILTERED = {"code": "content_filter", "message": "The response was filtered due to the prompt"}
CASES: list[tuple[int, object, type[ModelError]]] = [
    (401, {"code": "invalid_api_key", "message": "Incorrect API key provided"}, ModelAuthenticationError),
    (403, {"message": "Country, region, or territory not supported"}, ModelAuthenticationError),
    (
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid key."}}],
        ModelAuthenticationError,
    ),
    (404, {"code": "model_not_found", "message": "The model does not exist"}, ModelNotFoundError),
    (403, {"code": "model_not_found", "message": "Project has no access to model gpt-x"}, ModelNotFoundError),
    (404, {"message": 'model "gpt-x" not found, try pulling it first'}, ModelNotFoundError),
    (400, {"message": "Model Not Exist"}, ModelNotFoundError),
    (400, {"message": "gpt-x is not a valid model ID"}, ModelNotFoundError),
    (404, {"code": "DeploymentNotFound", "message": "The API deployment is missing"}, ModelNotFoundError),
    (404, "404 page not found", ModelRequestError),
    (429, {"type": "insufficient_quota", "message": "You exceeded your current quota"}, ModelQuotaError),
    (429, {"code": "insufficient_quota", "type": "x", "message": ""}, ModelQuotaError),
    (402, {"message": "Insufficient Balance"}, ModelQuotaError),
    (429, {"message": "Rate limit reached for gpt-x", "code": "rate_limit_exceeded"}, ModelRateLimitError),
    (400, FILTERED, ModelContentFilterError),
    (400, {"message": "It triggered Azure OpenAI's content management policy"}, ModelContentFilterError),
    (400, {"code": "context_length_exceeded", "message": "Your input exceeds the limit"}, ModelRequestError),
    (400, {"message": "request (6031 tokens) exceeds the available context size"}, ModelRequestError),
    (413, "<html>413 Request Entity Too Large</html>", ModelRequestError),
    (400, {"message": "Invalid value"}, ModelRequestError),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, ModelRequestError),
    (307, None, ModelRequestError),
    (408, None, ModelTimeoutError),
    (409, None, ModelServerError),
    (500, {"message": "The server had an error"}, ModelServerError),
    (503, {"message": "Loading model"}, ModelServerError),
    (529, "overloaded", ModelServerError),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_status_and_body_decide(status: int, body: object, kind: type[ModelError]) -> None:
    """Status, code and words of the server lead to the error that names the next step."""
    error = translate(status_error(status, body), "gpt-x", ENDPOINT)

    assert type(error) is kind
    assert error.hint


def test_only_failures_that_may_pass_are_retryable() -> None:
    """A batch may repeat what can work later, not what must be repaired first."""
    retryable = {kind for status, body, kind in CASES if translate(status_error(status, body), "m", "").retryable}

    assert retryable == {ModelRateLimitError, ModelServerError, ModelTimeoutError}


@pytest.mark.parametrize(
    ("error", "fragment"),
    [
        (status_error(401), "OPENAI_API_KEY"),
        (status_error(404, {"code": "model_not_found"}), "--model"),
        (status_error(404, "404 page not found"), "/v1"),
        (status_error(402), "billing"),
        (status_error(429), "fewer requests"),
        (status_error(400, FILTERED), "Rephrase"),
        (status_error(400, {"code": "context_length_exceeded"}), "Shorten"),
        (status_error(308), "final address"),
        (status_error(500), "later"),
        (openai.APITimeoutError(request()), "smaller or faster"),
        (openai.APIConnectionError(request=request()), "OPENAI_BASE_URL"),
    ],
)
def test_hint_names_the_next_step(error: Exception, fragment: str) -> None:
    """Each hint says what to do next."""
    assert fragment in translate(error, "gpt-x", ENDPOINT).hint


def test_too_long_request_is_named() -> None:
    """A request beyond the context is told apart from other bad requests."""
    error = translate(status_error(400, {"code": "context_length_exceeded"}), "gpt-x", ENDPOINT)

    assert "too long for gpt-x" in error.message


def test_connection_error_tells_the_cause() -> None:
    """A lost connection says why, and for a local server that it must run."""
    error = openai.APIConnectionError(request=request())
    error.__cause__ = httpx2.ConnectError("[Errno 111] Connection refused")

    translated = translate(error, "gpt-x", "http://localhost:11434/v1")

    assert type(translated) is ModelConnectionError
    assert "Connection refused" in translated.message
    assert "http://localhost:11434/v1" in translated.message
    assert translated.hint.startswith("Start the model's server")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "17"}, 0.25),
        ({"retry-after": formatdate(0)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
    ],
)
def test_rate_limit_says_when_to_come_back(headers: dict[str, str], expected: float | None) -> None:
    """The seconds of Retry-After reach the error, and nothing is made up without them."""
    error = translate(status_error(429, headers=headers), "gpt-x", ENDPOINT)

    assert isinstance(error, ModelRateLimitError)
    assert error.retry_after == expected
    assert ("seconds" in error.hint) is (expected is not None)


def test_retry_date_in_the_future() -> None:
    """A Retry-After date becomes the seconds from now."""
    error = translate(status_error(429, headers={"retry-after": formatdate(4102444800, usegmt=True)}), "m", ENDPOINT)

    assert isinstance(error, ModelRateLimitError)
    assert error.retry_after is not None
    assert error.retry_after > 1_000_000


@pytest.mark.parametrize(
    "words",
    [
        f"Incorrect API key provided: {KEY}.",
        "Incorrect API key provided: sk-proj-********************cdef. Find it in your account.",
        "Invalid token my-secret*****4567",
        f"Authorization: Bearer {KEY}",
    ],
)
def test_keys_never_reach_a_message(words: str) -> None:
    """Neither the key of the request nor anything that looks like one is repeated."""
    error = translate(status_error(401, {"message": words}), "gpt-x", ENDPOINT)

    text = error.message + error.hint + repr(error)
    assert "[key]" in text
    assert not any(part in text for part in (KEY, "sk-", "cdef", "4567"))


def test_key_of_unusual_shape_is_redacted() -> None:
    """A local key that looks like nothing special is known from the request or from the caller."""
    error = status_error(401, {"message": "key token-abcd1234 and pass_phrase are wrong"})
    error.request.headers["authorization"] = "Bearer token-abcd1234"

    message = translate(error, "gpt-x", ENDPOINT, api_key="pass_phrase").message

    assert message.endswith("key [key] and [key] are wrong")


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=3000))
def test_no_text_around_a_key_brings_it_out(before: str, after: str) -> None:
    """Wherever the key stands in the server's words, it is gone from the quote, which stays short."""
    quote = redact(f"{before} {KEY} {after}", KEY)

    assert KEY[:12] not in quote
    assert len(quote) <= LONGEST_QUOTE
    assert quote.isprintable()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "a"}, "a"),
        ({"error": {"message": "a"}}, "a"),
        ({"error": "a"}, "a"),
        ({"detail": "a"}, "a"),
        ([{"error": {"message": "a"}}], "a"),
        ("a", "a"),
        ("<html>a</html>", ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_server_words(body: object, words: str) -> None:
    """The message is found in every known shape of error body; a web page has none."""
    assert server_words(body) == words


def test_quota_is_told_from_rate() -> None:
    """Only an empty account counts as out of quota."""
    assert is_out_of_quota({"error": {"code": "insufficient_quota"}})
    assert is_out_of_quota({"type": "insufficient_quota"})
    assert not is_out_of_quota({"error": {"code": "rate_limit_exceeded", "message": "insufficient_quota"}})
    assert not is_out_of_quota({"error": "insufficient_quota"})
    assert not is_out_of_quota([])


def test_model_errors_pass_unchanged() -> None:
    """What is a ModelError already stays the same object."""
    error = ModelReplyError("unreadable")

    assert translate(error, "gpt-x", ENDPOINT) is error


def test_unreadable_json_is_a_reply_error() -> None:
    """A JSON error, which openai lets through untranslated, is a ModelReplyError."""
    error = json.JSONDecodeError("Expecting value", "<html>", 0)

    assert type(translate(error, "gpt-x", ENDPOINT)) is ModelReplyError


def test_unknown_exceptions_are_still_model_errors() -> None:
    """An exception of another package becomes a plain ModelError that names its class."""
    error = translate(RuntimeError("boom"), "gpt-x", ENDPOINT)

    assert type(error) is ModelError
    assert "RuntimeError" in error.message


def test_a_reply_that_the_server_itself_cannot_read_is_one_bad_reply() -> None:
    """llama.cpp says so with status 500; the next answer may be read all the same."""
    message = "The model produced output that does not match the expected peg-native format"
    error = translate(status_error(500, {"message": message}), "model", ENDPOINT)

    assert isinstance(error, ModelReplyError)
    assert "cannot be read" in error.message
