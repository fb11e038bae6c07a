"""What the openai client learns about an endpoint that refuses parameters or thinks before it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx
from openai_endpoint import OBJECT, PLAIN, URL, WORD, MakeModel, refusal, reply, sent, serve

from coach.errors import (
    ModelRequestError,
)
from coach.model.completion import Usage
from coach.model.endpoints import OPENAI_URL

pytest_plugins = ("openai_endpoint_fixtures",)


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
