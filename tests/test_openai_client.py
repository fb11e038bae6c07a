"""Tests of the openai client, on the requests that were really sent."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from coach.edges.endpoints import OPENAI_URL
from coach.edges.openai_client import Capabilities, OpenAIChatModel, detect_capabilities
from coach.errors import (
    ConfigurationError,
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
from coach.models.completion import CompletionRequest, JsonSchema, Message, Usage

BASE = "http://coach.test/v1"
URL = f"{BASE}/chat/completions"
KEY = "sk-test-0123456789abcdef"

PLAIN = CompletionRequest((Message("system", "Be fair."), Message("user", "Hello")), max_tokens=20)
WORD = replace(PLAIN, top_logprobs=5)
OBJECT = replace(PLAIN, json_schema=JsonSchema("critique", {"type": "object"}))

MakeModel = Callable[..., OpenAIChatModel]
Handler = Callable[[dict[str, Any]], httpx.Response]


@pytest.fixture(autouse=True)
def quick_and_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between retries, and take no setting from the environment."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.0)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def make_model() -> AsyncIterator[MakeModel]:
    """Return a maker of models that are closed after the test."""
    made: list[OpenAIChatModel] = []

    def make(base_url: str = BASE, api_key: str | None = KEY, **settings: Any) -> OpenAIChatModel:
        made.append(OpenAIChatModel("gpt-x", base_url, api_key, **settings))
        return made[-1]

    yield make
    for model in made:
        await model.aclose()


def reply(content: str | None = "Yes", **changes: Any) -> dict[str, Any]:
    """Return a chat completion as OpenAI sends it; keyword arguments change its only choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop", **changes}
    usage = {"prompt_tokens": 12, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 8}}
    return {"id": "x", "object": "chat.completion", "model": "gpt-x", "choices": [choice], "usage": usage}


def refusal(parameter: str, message: str, status: int = 400, code: str = "unsupported_parameter") -> httpx.Response:
    """Return the response to a parameter that is not taken."""
    return httpx.Response(status, json={"error": {"message": message, "param": parameter, "code": code}})


def sent(route: respx.Route, index: int = -1) -> dict[str, Any]:
    """Return the JSON body of a request that was sent."""
    body: dict[str, Any] = json.loads(route.calls[index].request.content)
    return body


def serve(mock: respx.Router, handler: Handler, url: str = URL) -> respx.Route:
    """Let a function answer the requests, given their JSON body."""
    return mock.post(url).mock(side_effect=lambda request: handler(json.loads(request.content)))


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

    await make_model(OPENAI_URL, prompt_cache_key="coach").complete(PLAIN)

    body = sent(route)
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["store"], body["prompt_cache_key"]) == (20, False, "coach")


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
    assert model.refused == ("logprobs", "max_tokens", "seed", "temperature")


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

    assert model.refused == ("json_object", "json_schema", "logprobs")


async def test_a_lesson_that_did_not_help_is_forgotten(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """Leaving a parameter out counts as learned only when the request then succeeds."""
    route = httpx2_mock.post(URL).mock(side_effect=lambda _: refusal("", "temperature is invalid", code=""))
    model = make_model()

    with pytest.raises(ModelRequestError, match="temperature is invalid"):
        await model.complete(PLAIN)

    assert route.call_count == 2
    assert model.refused == ()


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
    model = make_model(reasoning_room=1000)

    first = await model.complete(PLAIN)
    second = await model.complete(PLAIN)

    assert [sent(route, index)["max_tokens"] for index in range(route.call_count)] == [20, 1020, 1020]
    assert (first.text, second.text) == ("Yes", "Yes")
    assert first.usage == Usage(24, 8, 21)


@pytest.mark.parametrize(
    ("room", "message"), [(0, {"content": "", "reasoning": "hm"}), (1000, {"content": ""}), (1000, {"content": "{"})]
)
async def test_no_room_without_reason(
    httpx2_mock: respx.Router, make_model: MakeModel, room: int, message: dict[str, str]
) -> None:
    """A cut-off reply is returned as it is when room is off, nothing was thought, or there is text."""
    route = httpx2_mock.post(URL).respond(json=reply(message=message, finish_reason="length"))

    found = await make_model(reasoning_room=room).complete(PLAIN)

    assert (found.text, found.finish_reason, route.call_count) == (message["content"], "length", 1)


async def test_openai_refuses_to_think_without_room(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """OpenAI's refusal to think within a tiny limit is answered with more room."""
    words = "Could not finish the message because max_tokens or model output limit was reached."

    def thinker(body: dict[str, Any]) -> httpx.Response:
        enough = body["max_completion_tokens"] > 500
        return httpx.Response(200, json=reply()) if enough else refusal("", words, code="")

    serve(httpx2_mock, thinker, f"{OPENAI_URL}/chat/completions")

    assert (await make_model(OPENAI_URL).complete(PLAIN)).text == "Yes"


async def test_key_is_neither_logged_nor_shown(
    httpx2_mock: respx.Router, make_model: MakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    """No log record at any level holds the key or a password, nor does an error that the server filled with it."""
    caplog.set_level(logging.DEBUG)
    httpx2_mock.post(URL).mock(
        side_effect=[
            httpx.Response(200, json=reply()),
            httpx.Response(500),
            httpx.Response(401, json={"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        ]
    )
    model = make_model("http://me:pass-word-1@coach.test/v1")

    await model.complete(PLAIN)
    with pytest.raises(ModelAuthenticationError) as caught:
        await model.complete(PLAIN)

    shown = caplog.text + "".join(str(vars(record)) for record in caplog.records) + caught.value.message
    assert "HTTP" in caplog.text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert not any(secret in shown for secret in (KEY, "pass-word-1"))
    assert model.endpoint == BASE


async def test_keyless_server_gets_no_foreign_key(
    httpx2_mock: respx.Router, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without a key is not sent the OpenAI key or organisation of the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
    route = httpx2_mock.post(URL).respond(json=reply())

    await make_model(api_key=None).complete(PLAIN)

    headers = str(route.calls.last.request.headers.multi_items())
    assert not any(secret in headers for secret in (KEY, "org-private", "proj-private"))


async def test_login_and_version_of_the_address(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """A login in the address becomes basic authentication, and Azure's api-version is sent."""
    route = httpx2_mock.post(f"{URL}?api-version=preview").respond(json=reply())

    await make_model("http://me:pw@coach.test/v1?api-version=preview").complete(PLAIN)

    assert route.calls.last.request.headers["authorization"].startswith("Basic ")


async def test_redirect_is_not_followed(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """An answer is not carried to another address by a redirect."""
    httpx2_mock.post(URL).respond(307, headers={"location": "http://elsewhere.test/v1/chat/completions"})

    with pytest.raises(ModelRequestError, match="redirects"):
        await make_model().complete(PLAIN)


async def test_loopback_is_never_reached_through_a_proxy(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a proxy in the environment, a local server is still asked directly."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    body = json.dumps(reply()).encode()
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await make_model(f"http://127.0.0.1:{port}/v1", max_retries=0).complete(PLAIN)

    assert found.text == "Yes"
    assert received[0].startswith(b"POST /v1/chat/completions HTTP/1.1")


async def test_time_limits(httpx2_mock: respx.Router, make_model: MakeModel) -> None:
    """The time-out holds for the reply; a connection is given up sooner."""
    route = httpx2_mock.post(URL).respond(json=reply())

    await make_model(timeout=300.0).complete(PLAIN)

    limits = route.calls.last.request.extensions["timeout"]
    assert (limits["read"], limits["connect"]) == (300.0, 10.0)


def test_openai_is_imported_only_when_needed() -> None:
    """Making a model does not pay for the openai package; the first request does."""
    program = (
        "import sys\n"
        "from coach.edges.openai_client import OpenAIChatModel\n"
        "OpenAIChatModel('gpt-x', 'http://coach.test/v1', 'key')\n"
        "print([name for name in ('openai', 'httpx2', 'tiktoken', 'genai_prices') if name in sys.modules])\n"
    )

    root = Path(__file__).resolve().parent.parent
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root)

    assert (result.stdout.strip(), result.stderr) == ("[]", "")


@pytest.mark.parametrize("key", ["sk-two words", "sk-ключ", "sk-a\nb"])
def test_impossible_key_is_refused_at_once(key: str) -> None:
    """A key that no header can hold is a configuration error that does not repeat it."""
    with pytest.raises(ConfigurationError) as caught:
        OpenAIChatModel("gpt-x", BASE, key)

    assert "sk-" not in caught.value.message + caught.value.hint


async def test_model_can_be_used_again_after_closing(httpx2_mock: respx.Router) -> None:
    """Leaving the context closes the connections; a later request opens new ones."""
    httpx2_mock.post(URL).respond(json=reply())

    async with OpenAIChatModel("gpt-x", BASE, KEY) as model:
        assert (await model.complete(PLAIN)).text == "Yes"
    assert (await model.complete(PLAIN)).text == "Yes"
    await model.aclose()
    await model.aclose()
    assert (model.name, model.endpoint) == ("gpt-x", BASE)


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
