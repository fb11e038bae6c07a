"""Which parameters are sent, what refusals teach, and how replies are read."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.errors import ModelContentFilterError, ModelError, ModelReplyError
from coach.model.completion import Completion, CompletionRequest, JsonSchema, Message, Usage
from coach.model.dialect import MANY_LOGPROBS, REASONING_ROOM, SHORT_REPLY, Dialect, lesson, read_reply

PLAIN = CompletionRequest((Message("system", "Be fair."), Message("user", "Hello")), max_tokens=20)
WORD = replace(PLAIN, top_logprobs=12)
OBJECT = replace(PLAIN, json_schema=JsonSchema("critique", {"type": "object"}))
LOCAL = Dialect("m", is_openai=False)
OPENAI = Dialect("m", is_openai=True)


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
    assert replace(OPENAI, refused=frozenset({SHORT_REPLY})).body(PLAIN)["max_completion_tokens"] == 20 + REASONING_ROOM


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


ENDPOINT = "http://coach.test/v1"


def read(body: object) -> Completion:
    """Read a body given as data or as text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return read_reply(text.encode(), ENDPOINT)


def completion(message: object = None, **choice: object) -> dict[str, Any]:
    """Return a response body with one choice."""
    return {"choices": [{"message": message or {"content": "Yes"}, "finish_reason": "stop", **choice}]}


def test_text_reason_and_usage() -> None:
    """Text, finish reason and all three token counts are read."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}

    found = read({**completion(), "usage": usage})

    assert (found.text, found.finish_reason) == ("Yes", "stop")
    assert found.usage == Usage(9, 8, 2)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ("many", Usage()),
        ({"prompt_tokens": 9}, Usage(9)),
        ({"prompt_tokens": 9, "completion_tokens": -1, "prompt_tokens_details": None}, Usage(9)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": "?"}}, Usage(9)),
    ],
)
def test_missing_or_broken_usage_is_unknown(usage: object, expected: Usage) -> None:
    """What the endpoint did not count is None, and a broken count does not cost the reply."""
    assert read({**completion(), "usage": usage}).usage == expected


def test_alternatives_of_the_first_token() -> None:
    """The first token's alternatives are read, with the chosen token when the server left it out."""
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.5}, {"token": "No", "logprob": -9}]
    first = {"token": "Maybe", "logprob": -3.0, "top_logprobs": top}
    second = {"token": "!", "logprob": 0, "top_logprobs": [{"token": "!", "logprob": 0}]}

    found = read(completion(logprobs={"content": [first, second]}))

    assert found.first_token == {"Yes": -0.1, "No": -2.5, "Maybe": -3.0}


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"content": [{"token": "Yes", "logprob": 0}]},
        {"content": [{"token": "Yes", "logprob": 0, "top_logprobs": []}]},
        {"content": [{"top_logprobs": [{"token": 1}]}]},
        {"tokens": ["Yes"], "token_logprobs": [0.0]},
        [],
    ],
)
def test_no_alternatives(logprobs: object) -> None:
    """Log-probabilities that are missing, without alternatives or of another shape give None."""
    assert read(completion(logprobs=logprobs)).first_token is None


def test_infinite_and_absent_numbers() -> None:
    """Minus infinity is a log-probability; NaN is none."""
    text = (
        '{"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": [{"token": "Yes", "logprob": 0,'
        '"top_logprobs": [{"token": "No", "logprob": -Infinity}, {"token": "Hm", "logprob": NaN}]}]}}]}'
    )

    assert read(text).first_token == {"No": -math.inf, "Yes": 0.0}


@pytest.mark.parametrize(
    ("message", "usage"),
    [
        ({"content": "Yes", "reasoning": "Let me think"}, {}),
        ({"content": "Yes", "reasoning_content": "Let me think"}, {}),
        ({"content": "Yes"}, {"completion_tokens_details": {"reasoning_tokens": 5}}),
    ],
)
def test_first_token_of_a_thought_is_no_verdict(message: object, usage: object) -> None:
    """When the model thought first, the alternatives of the first token are not taken for its reply."""
    first = {"token": "Let", "logprob": 0, "top_logprobs": [{"token": "Let", "logprob": 0}]}

    reply = read({**completion(message, logprobs={"content": [first]}), "usage": usage})

    assert reply.reasoned
    assert reply.first_token is None


def test_refusal_is_kept_in_the_models_words() -> None:
    """A refusal is a completion with the model's own words."""
    found = read(completion({"content": None, "refusal": "I cannot help."}))

    assert (found.text, found.refusal) == ("", "I cannot help.")


def test_cut_off_reply_is_a_completion() -> None:
    """A reply that the limit cut keeps its text and says so."""
    found = read(completion({"content": '{"a":'}, finish_reason="length"))

    assert (found.text, found.finish_reason) == ('{"a":', "length")


def test_content_in_parts_is_joined() -> None:
    """The text parts of a reply in parts are joined, its thoughts are left out."""
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Ye"}, {"type": "text", "text": "s"}]

    assert read(completion({"content": parts})).text == "Yes"


def test_filtered_reply_is_an_error() -> None:
    """A reply that the content filter stopped is a ModelContentFilterError."""
    with pytest.raises(ModelContentFilterError):
        read(completion(finish_reason="content_filter"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html><body>Welcome</body></html>", "not with JSON"),
        ("", "not with JSON"),
        ('{"choices": [{"mess', "not with JSON"),
        ("{}", "not with a chat completion"),
        ("[]", "not with a chat completion"),
        ('"Yes"', "not with a chat completion"),
        ('{"choices": []}', "not with a chat completion"),
        ('{"choices": null}', "not with a chat completion"),
        ('{"choices": [{"text": "Yes"}]}', "not with a chat completion"),
        ('{"choices": [{"message": {"content": 5}}]}', "not with a chat completion"),
        ('{"error": {"message": "upstream is down", "code": 502}}', "upstream is down"),
        ('{"error": "upstream is down"}', "upstream is down"),
    ],
)
def test_anything_else_is_a_reply_error(body: str, words: str) -> None:
    """Whatever passes as HTTP 200 but is no chat completion is named, with a hint."""
    with pytest.raises(ModelReplyError, match=words) as caught:
        read(body)

    assert caught.value.hint
    assert caught.value.retryable


def test_byte_order_mark_and_broken_utf8_are_survived() -> None:
    """A byte order mark or a broken character does not cost the reply."""
    body = b'\xef\xbb\xbf{"choices": [{"message": {"content": "caf\xe9"}}]}'

    assert read_reply(body, ENDPOINT).text == "caf\ufffd"


def test_key_in_an_error_body_is_not_repeated() -> None:
    """A server that echoes the key in an error does not bring it into the message."""
    with pytest.raises(ModelReplyError) as caught:
        read_reply(b'{"error": "bad key local-key-123456"}', ENDPOINT, "local-key-123456")

    assert "local-key-123456" not in caught.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "logprobs", "top_logprobs", "token", "logprob", "usage", "error"]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.one_of(st.binary(), JSON.map(lambda data: json.dumps(data).encode())))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No body makes the reader fail in another way than with a ModelError."""
    try:
        reply = read_reply(body, ENDPOINT)
    except ModelError:
        return

    assert isinstance(reply.text, str)
