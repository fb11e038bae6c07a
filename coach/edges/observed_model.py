"""The chat model of a batch: the same requests with less work for each, and the response's headers told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coach.edges import openai_client
from coach.edges.openai_client import OpenAIChatModel
from coach.models.completion import CompletionRequest

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OnHeaders = Callable[[Mapping[str, str]], None]


class ObservedChatModel(OpenAIChatModel):
    """Tells the headers of each response, which say how much the server still takes (see ``core/rate_limits``)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._on_headers: OnHeaders | None = None

    def tell(self, on_headers: OnHeaders) -> None:
        """Call ``on_headers`` with the headers of every response from now on."""
        self._on_headers = on_headers

    def body(self, request: CompletionRequest) -> dict[str, Any]:
        """Return the JSON body of a request as it would be sent now, with what was learned about the endpoint."""
        return self._dialect.body(request)

    async def _post(self, body: dict[str, Any]) -> bytes:
        import httpx2

        # The general form of a call: building the typed one costs more time than sending it.
        response = await self._connected().post("/chat/completions", body=body, cast_to=httpx2.Response)
        if self._on_headers:
            self._on_headers(response.headers)
        content: bytes = response.content
        return content

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = openai_client._client(self._address, self._key, self._timeout, self._max_retries)
        return self._client
