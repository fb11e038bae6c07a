"""The openai client, on the requests that were really sent: what is asked, read, learned and tried again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx
from openai_endpoint import KEY, OBJECT, PLAIN, URL, WORD, Handler, MakeModel, refusal, reply, sent, serve

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
from coach.model.choose import OPENAI_URL
from coach.model.completion import Usage
from coach.model.dialect import REASONING_ROOM
from coach.model.openai_client import Capabilities, detect_capabilities

pytest_plugins = ("openai_endpoint_fixtures",)


async def test_request_and_reply(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A request carries model, messages, limit, temperature 0, seed and the key; the reply is read."""
    route = httpx2_mock.post(URL).respond(json=reply())

    found = await make_model().complete(PLAIN)

    assert sent(route) == {
        "model": "gpt-x",
        "messages": [{"role": "system", "content": "Be fair."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 20,
        "temperature": 0,
        "seed": 7,
    }
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY}"
    assert (found.text, found.finish_reason, found.refusal, found.first_token) == ("Yes", "stop", None, None)
    assert found.usage == Usage(12, 8, 1)


async def test_request_to_openai(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """OpenAI is asked with its own parameters and told not to store the answer."""
    route = httpx2_mock.post(f"{OPENAI_URL}/chat/completions").respond(json=reply())

    await make_model(OPENAI_URL).complete(PLAIN)

    body = sent(route)
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["store"]) == (20, False)


async def test_first_token_alternatives(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """The alternatives of the first token are asked for and read."""
    top = [{"token": "Yes", "logprob": -0.2}, {"token": "No", "logprob": -1.7}]
    logprobs = {"content": [{"token": "Yes", "logprob": -0.2, "top_logprobs": top}]}
    route = httpx2_mock.post(URL).respond(json=reply(logprobs=logprobs))

    found = await make_model().complete(WORD)

    assert (sent(route)["logprobs"], sent(route)["top_logprobs"]) == (True, 5)
    assert found.first_token == {"Yes": -0.2, "No": -1.7}


async def test_missing_logprobs_and_usage(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A server that sends neither log-probabilities nor usage gives None for both, and the text."""
    httpx2_mock.post(URL).respond(json={"choices": [{"message": {"content": "Yes"}}]})

    found = await make_model().complete(WORD)

    assert (found.text, found.first_token, found.usage) == ("Yes", None, Usage())


async def test_refusal_and_cut_off(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A refusal and a cut-off reply are completions that say so."""
    httpx2_mock.post(URL).mock(
        side_effect=[
            httpx.Response(200, json=reply(message={"content": None, "refusal": "I cannot."})),
            httpx.Response(200, json=reply('{"a', finish_reason="length")),
        ]
    )
    model = make_model()

    refused, cut = await model.complete(PLAIN), await model.complete(PLAIN)

    assert (refused.text, refused.refusal) == ("", "I cannot.")
    assert (cut.text, cut.finish_reason) == ('{"a', "length")


@pytest.mark.parametrize(
    ("response", "kind", "tries"),
    [
        (httpx.Response(401, json={"error": {"message": f"Incorrect key {KEY}"}}), ModelAuthenticationError, 1),
        (httpx.Response(404, json={"error": {"code": "model_not_found"}}), ModelNotFoundError, 1),
        (httpx.Response(400, json={"error": {"code": "content_filter"}}), ModelContentFilterError, 1),
        (httpx.Response(400, json={"error": {"message": "exceeds the available context size"}}), ModelRequestError, 1),
        (httpx.Response(429, json={"error": {"code": "insufficient_quota"}}), ModelQuotaError, 1),
        (httpx.Response(429, text="slow down"), ModelRateLimitError, 3),
        (httpx.Response(500), ModelServerError, 3),
        (httpx.Response(502, text="<html>Bad gateway</html>"), ModelServerError, 3),
        (httpx.Response(200, json=reply(finish_reason="content_filter")), ModelContentFilterError, 1),
        (httpx.Response(200, text='{"choices": [{"mess'), ModelReplyError, 1),
        (httpx.Response(200, html="<html>Welcome</html>"), ModelReplyError, 1),
        (httpx.Response(200, json={}), ModelReplyError, 1),
        (httpx.Response(204), ModelReplyError, 1),
        (httpx.ConnectError("[Errno 111] Connection refused"), ModelConnectionError, 3),
        (httpx.ReadTimeout("too slow"), ModelTimeoutError, 3),
        (httpx.RemoteProtocolError("Server disconnected"), ModelConnectionError, 3),
    ],
)
async def test_failures(
    httpx2_mock: respx.Router,
    make_model: MakeModel,
    response: httpx.Response | Exception,
    kind: type[ModelError],
    tries: int,
) -> None:
    """Each failure becomes its ModelError with a hint, after as many tries as it deserves."""
    route = httpx2_mock.post(URL).mock(side_effect=lambda _: _again(response))

    with pytest.raises(ModelError) as caught:
        await make_model(max_retries=2).complete(PLAIN)

    assert type(caught.value) is kind
    assert caught.value.hint
    assert KEY not in caught.value.message
    assert route.call_count == tries


def _again(response: httpx.Response | Exception) -> httpx.Response:
    """Raise an exception, or return a fresh copy of a response, which can be read only once."""
    if isinstance(response, Exception):
        raise response
    return httpx.Response(response.status_code, headers=response.headers, content=response.content)


async def test_server_error_then_success(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A passing failure costs a retry, not the answer."""
    route = httpx2_mock.post(URL).mock(side_effect=[httpx.Response(500), httpx.Response(200, json=reply())])

    assert (await make_model().complete(PLAIN)).text == "Yes"
    assert route.call_count == 2


async def test_retry_after_is_obeyed(
    httpx2_mock: respx.Router, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait before a retry is the one that the server asked for."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)
    limited = httpx.Response(429, headers={"retry-after": "17"}, json={"error": {"code": "rate_limit_exceeded"}})
    httpx2_mock.post(URL).mock(side_effect=[limited, httpx.Response(200, json=reply())])

    assert (await make_model().complete(PLAIN)).text == "Yes"
    assert waits == [17.0]


async def test_long_retry_after_is_reported(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A wait of more than two minutes is not sat out but handed to the caller."""
    route = httpx2_mock.post(URL).respond(429, headers={"retry-after": "600"})

    with pytest.raises(ModelRateLimitError) as caught:
        await make_model().complete(PLAIN)

    assert caught.value.retry_after == 600.0
    assert route.call_count == 1


async def test_refused_parameters_are_left_out_and_remembered(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A reasoning model that refuses one parameter after the other still answers, and is asked right next time."""

    def reasoning_model(body: dict[str, Any]) -> httpx.Response:
        for name in ("max_tokens", "temperature", "seed", "logprobs"):
            if name in body:
                return refusal(name, f"Unsupported parameter: '{name}' is not supported with this model.")
        return httpx.Response(200, json=reply())

    route = serve(httpx2_mock, reasoning_model)
    model = make_model()

    first = await model.complete(WORD)
    second = await model.complete(PLAIN)

    assert (first.text, first.first_token, second.text) == ("Yes", None, "Yes")
    assert route.call_count == 6
    assert sent(route, 4).keys() == {"model", "messages", "max_completion_tokens"}
    assert model.body(WORD).keys() == {"model", "messages", "max_completion_tokens"}


async def test_schema_falls_back_step_by_step(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A strict schema becomes json_object and then nothing, and later requests start there."""

    def simple_server(body: dict[str, Any]) -> httpx.Response:
        if "response_format" in body:
            return httpx.Response(400, json={"error": "'response_format.type' must be 'text'"})
        return httpx.Response(200, json=reply("{}"))

    route = serve(httpx2_mock, simple_server)
    model = make_model()

    await model.complete(OBJECT)
    await model.complete(OBJECT)

    types = [sent(route, index).get("response_format", {}).get("type") for index in range(route.call_count)]
    assert types == ["json_schema", "json_object", None, None]


async def test_concurrent_lessons_add_up(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """What requests at the same time learn is all remembered."""

    def plain_server(body: dict[str, Any]) -> httpx.Response:
        for name in ("response_format", "logprobs"):
            if name in body:
                return refusal(name, f"{name} is not supported")
        return httpx.Response(200, json=reply())

    serve(httpx2_mock, plain_server)
    model = make_model()

    await asyncio.gather(model.complete(WORD), model.complete(OBJECT))

    both = replace(WORD, json_schema=OBJECT.json_schema)
    assert not {"logprobs", "response_format"} & model.body(both).keys()


async def test_a_lesson_that_did_not_help_is_forgotten(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """Leaving a parameter out counts as learned only when the request then succeeds."""
    route = httpx2_mock.post(URL).mock(side_effect=lambda _: refusal("", "temperature is invalid", code=""))
    model = make_model()

    with pytest.raises(ModelRequestError, match="temperature is invalid"):
        await model.complete(PLAIN)

    assert route.call_count == 2
    assert "temperature" in model.body(PLAIN)


async def test_reasoning_room(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A model that thinks through the whole limit gets more room, now and from then on, and all tokens count."""
    empty = reply("", finish_reason="length")
    empty["usage"] = {
        "prompt_tokens": 12,
        "completion_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 20},
    }

    def thinker(body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(200, json=reply() if body["max_tokens"] > 500 else empty)

    route = serve(httpx2_mock, thinker)
    model = make_model()

    first = await model.complete(PLAIN)
    second = await model.complete(PLAIN)

    assert [sent(route, index)["max_tokens"] for index in range(route.call_count)] == [
        20,
        20 + REASONING_ROOM,
        20 + REASONING_ROOM,
    ]
    assert (first.text, second.text) == ("Yes", "Yes")
    assert first.usage == Usage(24, 8, 21)


@pytest.mark.parametrize("message", [{"content": ""}, {"content": "{"}, {"content": "{", "reasoning": "hm"}])
async def test_no_room_without_reason(
    httpx2_mock: respx.Router, make_model: MakeModel, message: dict[str, str]
) -> None:
    """A cut-off reply is returned as it is when nothing was thought, or there is text."""
    route = httpx2_mock.post(URL).respond(json=reply(message=message, finish_reason="length"))

    found = await make_model().complete(PLAIN)

    assert (found.text, found.finish_reason, route.call_count) == (message["content"], "length", 1)


async def test_openai_refuses_to_think_without_room(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """OpenAI's refusal to think within a tiny limit is answered with more room."""
    words = "Could not finish the message because max_tokens or model output limit was reached."

    def thinker(body: dict[str, Any]) -> httpx.Response:
        enough = body["max_completion_tokens"] > 500
        return httpx.Response(200, json=reply()) if enough else refusal("", words, code="")

    serve(httpx2_mock, thinker, f"{OPENAI_URL}/chat/completions")

    assert (await make_model(OPENAI_URL).complete(PLAIN)).text == "Yes"


def capable(body: dict[str, Any]) -> httpx.Response:
    """Answer as a server that can do everything."""
    if "response_format" in body:
        key, value = next(iter(body["response_format"]["json_schema"]["schema"]["properties"].items()))
        return httpx.Response(200, json=reply(json.dumps({key: value["enum"][0]})))
    top = [{"token": "Yes", "logprob": -0.1}]
    return httpx.Response(200, json=reply(logprobs={"content": [{**top[0], "top_logprobs": top}]}))


def ignorant(_: dict[str, Any]) -> httpx.Response:
    """Answer as a server that ignores what it does not know and counts nothing."""
    return httpx.Response(200, json={"choices": [{"message": {"content": '{"animal": "cat"}'}}]})


def without_schema(body: dict[str, Any]) -> httpx.Response:
    """Answer as a server that refuses a reply format in unknown words."""
    return httpx.Response(400, text="no such field") if "response_format" in body else capable(body)


def without_logprobs(body: dict[str, Any]) -> httpx.Response:
    """Answer as a server that fails on log-probabilities in unknown words."""
    return httpx.Response(500) if "logprobs" in body else capable(body)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (capable, Capabilities(logprobs=True, json_schema=True, usage=True)),
        (ignorant, Capabilities(logprobs=False, json_schema=False, usage=False)),
        (without_logprobs, Capabilities(logprobs=False, json_schema=True, usage=True)),
        (without_schema, Capabilities(logprobs=True, json_schema=False, usage=True)),
    ],
)
async def test_capabilities(
    httpx2_mock: respx.Router, make_model: MakeModel, handler: Handler, expected: Capabilities
) -> None:
    """Two requests tell what an endpoint can do, also when it ignores or refuses parameters."""
    route = serve(httpx2_mock, handler)

    assert await detect_capabilities(make_model(max_retries=0)) == expected
    assert route.call_count == 2


async def test_capabilities_of_an_endpoint_that_does_not_answer(
    httpx2_mock: respx.Router, make_model: MakeModel
) -> None:
    """An endpoint that gives no reply at all is an error, not a lack of capabilities."""
    httpx2_mock.post(URL).respond(400, text="no")

    with pytest.raises(ModelRequestError):
        await detect_capabilities(make_model())


async def test_capabilities_with_a_bad_key(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A refused key is reported after the first request."""
    route = httpx2_mock.post(URL).respond(401)

    with pytest.raises(ModelAuthenticationError):
        await detect_capabilities(make_model())
    assert route.call_count == 1
