"""One request to a chat model and what came back: the border between the core and the model client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Message:
    """One message of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class JsonSchema:
    """A JSON schema that the reply must follow; ``name`` matches ``[a-zA-Z0-9_-]{1,64}``."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class CompletionRequest:
    """What to ask: messages, the longest reply in tokens, and in which form the reply is wanted.

    ``top_logprobs`` (1-20) asks for the alternatives of the first reply token, ``json_schema`` for
    constrained JSON; None leaves either out. ``fixed_characters`` stands on the first request about an answer: so
    many characters at the start of the last message are the same for every answer to the question.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    top_logprobs: int | None = None
    json_schema: JsonSchema | None = None
    fixed_characters: int | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens as the endpoint counted them; None where it did not say."""

    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Add two usages; what only one of them knows is kept."""
        return Usage(
            _plus(self.input_tokens, other.input_tokens),
            _plus(self.cached_tokens, other.cached_tokens),
            _plus(self.output_tokens, other.output_tokens),
        )


def _plus(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left if right is None else left + right


@dataclass(frozen=True)
class Completion:
    """A reply that could be read.

    ``first_token`` maps the alternatives of the first reply token to their log-probabilities (natural
    logarithm), or is None when the endpoint gave none. ``refusal`` is the model's own words when it declined.
    """

    text: str
    finish_reason: str
    refusal: str | None = None
    first_token: dict[str, float] | None = None
    usage: Usage = field(default_factory=Usage)


class ChatModel(Protocol):
    """A chat model at an endpoint. Every failure is a ModelError."""

    @property
    def name(self) -> str:
        """The model's id, as it appears in receipts."""
        ...

    @property
    def endpoint(self) -> str:
        """Where the request goes, for people: a URL without credentials."""
        ...

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request; raises ModelError."""
        ...
