"""The openai client when the endpoint fails: translated errors, and retries as the server wants them."""

from __future__ import annotations

import httpx
import pytest
import respx
from openai_endpoint import KEY, PLAIN, URL, MakeModel, reply

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

pytest_plugins = ("openai_endpoint_fixtures",)


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
