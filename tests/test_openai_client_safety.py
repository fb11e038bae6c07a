"""What the openai client must never do: show the key, follow a redirect, use a proxy for this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import respx
from openai_endpoint import BASE, KEY, PLAIN, URL, MakeModel, reply

from coach.errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelRequestError,
)
from coach.model.openai_client import OpenAIChatModel

pytest_plugins = ("openai_endpoint_fixtures",)


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
    """The module does not pay for the openai package; making a model does."""
    program = (
        "import sys\n"
        "from coach.model.openai_client import OpenAIChatModel\n"
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


async def test_leaving_the_context_closes_the_connections(httpx2_mock: respx.Router) -> None:
    """Nothing stays open behind a model that is done."""
    httpx2_mock.post(URL).respond(json=reply())

    async with OpenAIChatModel("gpt-x", BASE, KEY) as model:
        assert (await model.complete(PLAIN)).text == "Yes"
        assert (model.name, model.endpoint) == ("gpt-x", BASE)
    with pytest.raises(RuntimeError, match="closed"):
        await model.complete(PLAIN)
