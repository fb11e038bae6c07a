"""Finding out what an endpoint can do."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx
from openai_endpoint import URL, Handler, MakeModel, reply, serve

from coach.errors import (
    ModelAuthenticationError,
    ModelRequestError,
)
from coach.model.openai_client import Capabilities, detect_capabilities

pytest_plugins = ("openai_endpoint_fixtures",)


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
