"""Running the program as its entry point does, within the test's process, and what a chat endpoint replies to it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
import respx
from assessment_factory import shipped_bank

from coach.model.choose import OPENAI_URL

KEY = "sk-test-0123456789abcdef"
CHAT_URL = f"{OPENAI_URL}/chat/completions"
#: A server of somebody's own, and the address that its users put into OPENAI_BASE_URL.
SERVER = "http://coach.test/v1"
SERVER_URL = f"{SERVER}/chat/completions"

FIRST_SENTENCE = "DICOM is the standard that scanners and the PACS use to exchange images."
#: An answer to ``dicom-standard``; none of its words needs to be right.
ANSWER = (
    f"{FIRST_SENTENCE} Every file has a header with the patient ID next to the pixels. "
    "A CT sends its images with C-STORE. Last year I added three ultrasound units myself."
)

Body = dict[str, Any]
Handler = Callable[[Body], httpx.Response]


@dataclass(frozen=True)
class Outcome:
    """What one run of the program left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as the one JSON document that it must be."""
        return json.loads(self.out)


class _Bytes(io.BytesIO):
    """Bytes that can still be read when the program has closed its stream."""

    def close(self) -> None:
        pass


class _Stream(io.TextIOWrapper):
    """A standard stream that says whether it is a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        self.bytes = _Bytes(data)
        super().__init__(self.bytes, encoding="utf-8", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        """Return what was written."""
        return self.bytes.getvalue().decode()


def coach(*arguments: str | Path, stdin: str | bytes = b"", typed: bool = False) -> Outcome:
    """Run the program; ``typed`` says that standard input is a terminal. A traceback is the test's error."""
    from coach.cli.app import main

    given = _Stream(stdin.encode() if isinstance(stdin, str) else stdin, terminal=typed)
    out, err = _Stream(), _Stream()
    argv = ["coach", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdin", given),
        mock.patch.object(sys, "stdout", out),
        mock.patch.object(sys, "stderr", err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    code = end.value.code
    assert isinstance(code, int)
    return Outcome(code, out.text(), err.text())


def serve(route: respx.Route, handler: Handler) -> respx.Route:
    """Let a function answer the requests, given their JSON body; returns the route."""
    route.mock(side_effect=lambda request: handler(json.loads(request.content)))
    return route


def bodies(route: respx.Route) -> list[Body]:
    """Return the JSON bodies of all requests that were sent."""
    return [json.loads(call.request.content) for call in route.calls]


def prompt_of(body: Body) -> str:
    """Return everything that the model reads."""
    return "\n".join(message["content"] for message in body["messages"])


def completion(body: Body, content: str | None, **changes: Any) -> Body:
    """Return a chat completion as OpenAI sends it; keyword arguments change its only choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop", **changes}
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    return {"id": "x", "object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}


def asked_checks(body: Body) -> list[str]:
    """Return the ids of the checks that a structured request asks about."""
    schema = body["response_format"]["json_schema"]["schema"]
    return list(schema["properties"]["checks"]["properties"])


def verdicts(checks: list[str]) -> str:
    """Return a structured reply that finds these checks met by the first sentence, and no harm of the whole bank."""
    entry = {"reason": "It says so.", "sentences": [1], "verdict": "met"}
    harmless = {flag.id: {**entry, "verdict": "not_met"} for flag in shipped_bank().red_flags if flag.id in checks}
    return json.dumps(
        {"checks": dict.fromkeys(checks, entry) | harmless, "follow_up": "What came of it?", "outline": "Say [when]."}
    )


def all_met(body: Body) -> Body:
    """Return the completion of a judge that is easily pleased."""
    return completion(body, verdicts(asked_checks(body)))


def one_token(body: Body) -> Body:
    """Return the completion of a server with log-probabilities; the two questions about its abilities included."""
    top = [{"token": "Yes", "logprob": -0.3}, {"token": "No", "logprob": -1.4}]
    logprobs = {"content": [{"token": "Yes", "logprob": -0.3, "top_logprobs": top}]}
    return completion(body, "Yes", logprobs=logprobs if body.get("logprobs") else None)
