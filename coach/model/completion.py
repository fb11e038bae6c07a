"""One request to a chat model and what came back: the border between the core and the model client."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
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
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Usage(*(left if right is None else right + (left or 0) for left, right in pairs))


@dataclass(frozen=True)
class Completion:
    """A reply that could be read.

    ``reasoned`` is true when the model thought before it: then the reply's tokens are not all the answer's.
    ``first_token`` maps the alternatives of the first reply token to their log-probabilities (natural
    logarithm), or is None when the endpoint gave none. ``refusal`` is the model's own words when it declined.
    """

    text: str
    finish_reason: str
    refusal: str | None = None
    first_token: dict[str, float] | None = None
    usage: Usage = field(default_factory=Usage)
    reasoned: bool = False


class ChatModel(Protocol):
    """A chat model at an endpoint. Every failure is a ModelError."""

    #: The model's id, as it appears in receipts, and where the request goes: a URL without credentials.
    name: str
    endpoint: str

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request; raises ModelError."""
