"""A chat model that follows a script, for tests of the judges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from coach.model.completion import Completion, CompletionRequest


@dataclass
class ScriptedModel:
    """Implements ``coach.model.completion.ChatModel``: gives the replies in order, remembers the requests.

    An exception in the script is raised in its turn.
    """

    replies: list[Completion | Exception]
    name: str = "scripted-model"
    endpoint: str = "http://127.0.0.1:1/v1"
    requests: list[CompletionRequest] = field(default_factory=list)

    @classmethod
    def saying(cls, *texts: str) -> ScriptedModel:
        """Return a model that says these texts, each with a usual end."""
        return cls([Completion(text, "stop") for text in texts])

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the next reply of the script."""
        self.requests.append(request)
        reply = self.replies[len(self.requests) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def said_to_it(self) -> str:
        """Return everything that was sent, as one text."""
        return "\n".join(_contents(self.requests))


def _contents(requests: Iterable[CompletionRequest]) -> list[str]:
    return [message.content for request in requests for message in request.messages]
