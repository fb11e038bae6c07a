"""Tests of the openai client, on the requests that were really sent: what is asked and what is read."""

from __future__ import annotations

import httpx
import respx
from openai_endpoint import KEY, PLAIN, URL, WORD, MakeModel, reply, sent

from coach.model.completion import Usage
from coach.model.endpoints import OPENAI_URL

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
