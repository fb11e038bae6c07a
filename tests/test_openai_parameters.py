"""Tests of the request parameters and of what refusals teach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coach.model.completion import CompletionRequest, JsonSchema, Message
from coach.model.openai_parameters import MANY_LOGPROBS, SHORT_REPLY, Dialect, lesson

PLAIN = CompletionRequest((Message("system", "Be fair."), Message("user", "Hello")), max_tokens=20)
WORD = replace(PLAIN, top_logprobs=12)
OBJECT = replace(PLAIN, json_schema=JsonSchema("critique", {"type": "object"}))
LOCAL = Dialect("m", is_openai=False)
OPENAI = Dialect("m", is_openai=True, reasoning_room=1000, prompt_cache_key="coach")


def test_body_for_a_compatible_server() -> None:
    """A compatible server gets max_tokens, and nothing that only OpenAI knows."""
    assert LOCAL.body(PLAIN) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be fair."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 20,
        "temperature": 0,
        "seed": 7,
    }


def test_body_for_openai() -> None:
    """OpenAI gets max_completion_tokens and is asked not to store the answer."""
    body = OPENAI.body(PLAIN)

    assert body["max_completion_tokens"] == 20
    assert "max_tokens" not in body
    assert body["store"] is False
    assert body["prompt_cache_key"] == "coach"


def test_logprobs_and_schema_are_asked_for_only_when_wanted() -> None:
    """Log-probabilities and a strict schema are requested exactly when the request names them."""
    assert {name: LOCAL.body(WORD)[name] for name in ("logprobs", "top_logprobs")} == {
        "logprobs": True,
        "top_logprobs": 12,
    }
    assert LOCAL.body(OBJECT)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "critique", "strict": True, "schema": {"type": "object"}},
    }
    assert not {"logprobs", "top_logprobs", "response_format"} & LOCAL.body(PLAIN).keys()


@pytest.mark.parametrize(
    ("refused", "request_", "changed"),
    [
        ({"temperature", "seed"}, PLAIN, {"temperature": None, "seed": None}),
        ({"max_tokens"}, PLAIN, {"max_tokens": None, "max_completion_tokens": 20}),
        ({"logprobs"}, WORD, {"logprobs": None, "top_logprobs": None}),
        ({MANY_LOGPROBS}, WORD, {"logprobs": True, "top_logprobs": 5}),
        ({"json_schema"}, OBJECT, {"response_format": {"type": "json_object"}}),
        ({"json_schema", "json_object"}, OBJECT, {"response_format": None}),
    ],
)
def test_refused_features_are_left_out(
    refused: set[str], request_: CompletionRequest, changed: dict[str, object]
) -> None:
    """What was refused is left out or replaced, and only that."""
    before = LOCAL.body(request_)
    after = replace(LOCAL, refused=frozenset(refused)).body(request_)

    assert {name: after.get(name) for name in changed} == changed
    assert {name: after[name] for name in after if name not in changed} == {
        name: before[name] for name in before if name not in changed
    }


def test_room_for_reasoning_is_added_once_learned() -> None:
    """The reply limit grows by the reasoning room only after a short reply was seen."""
    assert replace(OPENAI, refused=frozenset({SHORT_REPLY})).body(PLAIN)["max_completion_tokens"] == 1020


def test_lone_surrogates_can_be_sent() -> None:
    """A text that UTF-8 cannot express is sent with replacement characters instead of failing."""
    request = CompletionRequest((Message("user", "a\ud800b 😀"),), max_tokens=5)

    assert LOCAL.body(request)["messages"][0]["content"] == "a\ufffdb 😀"


REFUSALS = [
    # OpenAI's reasoning models and older models
    (400, "temperature", "unsupported_value", "Unsupported value: 'temperature' does not support 0", "temperature"),
    (400, "logprobs", "unsupported_parameter", "Unsupported parameter: 'logprobs' is not supported", "logprobs"),
    (403, "", "", "You are not allowed to request logprobs from this model", "logprobs"),
    (400, "", "", "Unrecognized request argument supplied: seed", "seed"),
    (400, "", "", "Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"),
    (400, "response_format", "", "Invalid parameter: 'response_format' of type 'json_schema'", "json_schema"),
    # Mistral and FastAPI servers
    (422, "", "", "[{'type': 'extra_forbidden', 'loc': ['body', 'seed'], 'msg': 'Extra inputs'}]", "seed"),
    # Google
    (400, "", "", 'Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed"),
    (400, "", "", "Logprobs is not enabled for models/gemini", "logprobs"),
    # DeepSeek, LM Studio, llama.cpp
    (400, "", "invalid_request_error", "This response_format type is unavailable now", "json_schema"),
    (422, "", "", "response_format.type `json_schema` is unavailable now", "json_schema"),
    (400, "", "", "JSON schema error at #: unknown type", "json_schema"),
    (500, "", "", "logprobs is not supported for models created with logits_all=False", "logprobs"),
    # Servers that give few alternatives
    (400, "top_logprobs", "", "top_logprobs must be at most 5", MANY_LOGPROBS),
    # Text Generation Inference
    (422, "", "", "`temperature` must be strictly positive", "temperature"),
]


@pytest.mark.parametrize(("status", "parameter", "code", "words", "expected"), REFUSALS)
def test_refusal_is_understood(status: int, parameter: str, code: str, words: str, expected: str) -> None:
    """The refused parameter is found in the words of the servers that people use."""
    body = OPENAI.body(replace(WORD, json_schema=OBJECT.json_schema))

    assert lesson(body, status, parameter, code, words) == expected


def test_limit_has_two_names() -> None:
    """A refused name of the reply limit is recognised in both directions."""
    old = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    new = "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens')}]"

    assert lesson(LOCAL.body(PLAIN), 400, "max_tokens", "unsupported_parameter", old) == "max_tokens"
    assert lesson(OPENAI.body(PLAIN), 422, "", "", new) == "max_completion_tokens"


def test_next_step_after_json_object() -> None:
    """A server that refuses json_object as well gets no format at all."""
    body = replace(LOCAL, refused=frozenset({"json_schema"})).body(OBJECT)

    assert lesson(body, 400, "", "", "'response_format.type' must be 'json_schema' or 'text'") == "json_object"


@pytest.mark.parametrize(
    ("status", "parameter", "code", "words"),
    [
        (401, "", "invalid_api_key", "Incorrect API key; logprobs not supported"),
        (429, "", "", "temperature is not supported"),
        (400, "messages", "context_length_exceeded", "Your input exceeds the limit; seed not supported"),
        (400, "max_tokens", "", "max_tokens is too large: 50000. This model supports at most 4096 tokens"),
        (400, "", "", "'max_tokens' is too large. This model's maximum context length is 4096 tokens"),
        (400, "messages", "", "Invalid message"),
        (400, "", "", "The seed of the story is lovely"),
        (404, "", "model_not_found", "The model `m` does not exist"),
        (400, "", "", ""),
    ],
)
def test_other_errors_teach_nothing(status: int, parameter: str, code: str, words: str) -> None:
    """Errors about anything but a parameter are not answered by dropping one."""
    assert lesson(LOCAL.body(WORD), status, parameter, code, words) is None


def test_a_parameter_that_was_not_sent_is_not_blamed() -> None:
    """Words about a parameter that the request did not hold teach nothing."""
    assert lesson(LOCAL.body(PLAIN), 400, "logprobs", "unsupported_parameter", "logprobs not supported") is None


def test_reply_without_room_is_understood() -> None:
    """OpenAI's refusal to think within a tiny limit asks for the reasoning room."""
    words = "Could not finish the message because max_tokens or model output limit was reached."

    assert lesson(OPENAI.body(PLAIN), 400, "", "", words) == SHORT_REPLY
