"""An OpenAI-compatible endpoint for tests: requests and replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import respx

from coach.model.completion import CompletionRequest, JsonSchema, Message
from coach.model.openai_client import OpenAIChatModel

BASE = "http://coach.test/v1"
URL = f"{BASE}/chat/completions"
KEY = "sk-test-0123456789abcdef"

PLAIN = CompletionRequest((Message("system", "Be fair."), Message("user", "Hello")), max_tokens=20)
WORD = replace(PLAIN, top_logprobs=5)
OBJECT = replace(PLAIN, json_schema=JsonSchema("critique", {"type": "object"}))

MakeModel = Callable[..., OpenAIChatModel]
Handler = Callable[[dict[str, Any]], httpx.Response]


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
