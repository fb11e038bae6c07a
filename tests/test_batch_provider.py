"""The Batch API is reached as carefully as the chat: nothing goes anywhere but to the endpoint that was asked for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from batch_api_server import batch_provider
from openai_endpoint import KEY

from coach.batch.jobs import batch_api
from coach.errors import ConfigurationError, ModelRequestError

FILES = "http://coach.test/v1/files"
UPLOADED = {"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch",
            "status": "processed"}  # fmt: skip


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """Return a request file."""
    path = tmp_path / "requests.jsonl"
    path.write_text('{"custom_id": "1", "body": "my answer"}\n', encoding="utf-8")
    return path


async def test_answers_do_not_follow_a_redirect(httpx2_mock: respx.Router, requests: Path) -> None:
    """A server that sends the request file on to another host gets an error, and the other host gets nothing."""
    httpx2_mock.post(FILES).respond(307, headers={"location": "http://elsewhere.test/v1/files"})

    with pytest.raises(ModelRequestError, match="redirects"):
        async with batch_api("http://coach.test/v1", KEY) as client:
            await client.files.create(file=requests, purpose="batch")


async def test_a_server_gets_its_own_login_and_nothing_of_openais(
    httpx2_mock: respx.Router, requests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Login and api-version of the base URL are kept; organisation and project of the environment are not sent."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
    route = httpx2_mock.post(f"{FILES}?api-version=preview").mock(httpx.Response(200, json=UPLOADED))

    async with batch_api("http://me:pw@coach.test/v1?api-version=preview", KEY) as client:
        assert (await client.files.create(file=requests, purpose="batch")).id == "file-1"

    headers = route.calls.last.request.headers
    assert headers["authorization"].startswith("Basic ")
    assert not any(secret in str(headers.multi_items()) for secret in ("org-private", "proj-private", KEY))
    assert "pw" not in str(client.base_url)


async def test_loopback_is_never_reached_through_a_proxy(requests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a proxy in the environment, a batch server on this machine is still asked directly."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with batch_provider() as provider:
        async with batch_api(provider.url, None) as client:
            assert (await client.files.create(file=requests, purpose="batch")).id == "file-1"


async def test_an_impossible_key_is_refused_at_once() -> None:
    """A key that no header can hold is a configuration error that does not repeat it."""
    with pytest.raises(ConfigurationError) as caught:
        async with batch_api("http://coach.test/v1", "sk-two words"):
            pass

    assert "sk-" not in caught.value.message + caught.value.hint
