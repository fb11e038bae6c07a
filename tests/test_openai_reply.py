"""Tests of reading a response body."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.errors import ModelContentFilterError, ModelError, ModelReplyError
from coach.model.completion import Usage
from coach.model.openai_reply import Reply, read_reply

ENDPOINT = "http://coach.test/v1"


def read(body: object) -> Reply:
    """Read a body given as data or as text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return read_reply(text.encode(), ENDPOINT)


def completion(message: object = None, **choice: object) -> dict[str, Any]:
    """Return a response body with one choice."""
    return {"choices": [{"message": message or {"content": "Yes"}, "finish_reason": "stop", **choice}]}


def test_text_reason_and_usage() -> None:
    """Text, finish reason and all three token counts are read."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}

    found = read({**completion(), "usage": usage}).completion

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
    assert read({**completion(), "usage": usage}).completion.usage == expected


def test_alternatives_of_the_first_token() -> None:
    """The first token's alternatives are read, with the chosen token when the server left it out."""
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.5}, {"token": "No", "logprob": -9}]
    first = {"token": "Maybe", "logprob": -3.0, "top_logprobs": top}
    second = {"token": "!", "logprob": 0, "top_logprobs": [{"token": "!", "logprob": 0}]}

    found = read(completion(logprobs={"content": [first, second]})).completion

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
    assert read(completion(logprobs=logprobs)).completion.first_token is None


def test_infinite_and_absent_numbers() -> None:
    """Minus infinity is a log-probability; NaN is none."""
    text = (
        '{"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": [{"token": "Yes", "logprob": 0,'
        '"top_logprobs": [{"token": "No", "logprob": -Infinity}, {"token": "Hm", "logprob": NaN}]}]}}]}'
    )

    assert read(text).completion.first_token == {"No": -math.inf, "Yes": 0.0}


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
    assert reply.completion.first_token is None


def test_refusal_is_kept_in_the_models_words() -> None:
    """A refusal is a completion with the model's own words."""
    found = read(completion({"content": None, "refusal": "I cannot help."})).completion

    assert (found.text, found.refusal) == ("", "I cannot help.")


def test_cut_off_reply_is_a_completion() -> None:
    """A reply that the limit cut keeps its text and says so."""
    found = read(completion({"content": '{"a":'}, finish_reason="length")).completion

    assert (found.text, found.finish_reason) == ('{"a":', "length")


def test_content_in_parts_is_joined() -> None:
    """The text parts of a reply in parts are joined, its thoughts are left out."""
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Ye"}, {"type": "text", "text": "s"}]

    assert read(completion({"content": parts})).completion.text == "Yes"


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

    assert read_reply(body, ENDPOINT).completion.text == "caf\ufffd"


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

    assert isinstance(reply.completion.text, str)
