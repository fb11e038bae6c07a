"""Makes a server that keeps prompts' beginnings give the same reply to the same request, whatever it was asked before.

llama.cpp reuses as much of the last prompt as the next one shares with it, and computes the rest in one piece. Where
the piece begins changes the last digits of its results: on one answer the log-odds of a check moved by up to 0.09 when
the answer was judged a second time. So before the first request about an answer the server is brought to fixed points:
the system message, then all that is the same for every answer. What comes next begins there each time.
"""

from __future__ import annotations

from dataclasses import replace

from coach.models.completion import ChatModel, Completion, CompletionRequest, Message, Usage

#: Stands where no prompt goes on like this, so that nothing beyond the fixed part is shared.
_ELSEWHERE = "#"


class SettledChatModel:
    """Wraps the model of a server with a single slot; implements ``coach.models.completion.ChatModel``."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return self._model.endpoint

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request, the first about an answer after what settles the server; raises ModelError.

        The usage counts all of them.
        """
        used = Usage(0, 0, 0)
        if request.fixed_characters is not None:
            *before, last = request.messages
            for fixed in ("", last.content[: request.fixed_characters]):
                messages = (*before, Message(last.role, fixed + _ELSEWHERE))
                used += (await self._model.complete(CompletionRequest(messages, max_tokens=1))).usage
        completion = await self._model.complete(request)
        return replace(completion, usage=used + completion.usage)
