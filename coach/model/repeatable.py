"""Makes a server that keeps prompts' beginnings give the same reply to the same request, whatever it was asked before.

llama.cpp reuses as much of the last prompt as the next one shares with it, and computes the rest in one piece. Where
the piece begins changes the last digits of its results: on one answer the log-odds of a check moved by up to 0.09 when
the answer was judged a second time. So before the first request about an answer the server is brought to fixed points:
the system message, then all that is the same for every answer. What comes next begins there each time. From one answer
to the next one to the same question the server still holds all that, as computed then, and just goes back to its end.
"""

from __future__ import annotations

from dataclasses import replace

from coach.model.completion import ChatModel, Completion, CompletionRequest, Message, Usage

#: Stands where no prompt goes on like this, so that nothing beyond the fixed part is shared.
_ELSEWHERE = "#"


class SettledChatModel:
    """Wraps the model of a server with a single slot, asked one request at a time; implements ``ChatModel``."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        #: The messages up to the end of the fixed part that the server holds; None where that is not sure.
        self._held: tuple[Message, ...] | None = None

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
        held, self._held = self._held, None
        used = Usage(0, 0, 0)
        if request.fixed_characters is not None:
            fixed = _cut(request.messages, request.fixed_characters)
            for messages in (fixed,) if fixed == held else (_cut(request.messages, 0), fixed):
                used += (await self._model.complete(_elsewhere(messages))).usage
            held = fixed
        completion = await self._model.complete(request)
        # After a failure nobody knows what the server holds.
        self._held = held if held is not None and _goes_on_from(request.messages, held) else None
        return replace(completion, usage=used + completion.usage)


def _cut(messages: tuple[Message, ...], characters: int) -> tuple[Message, ...]:
    """Return the messages with the first characters of the last one."""
    *before, last = messages
    return (*before, Message(last.role, last.content[:characters]))


def _elsewhere(messages: tuple[Message, ...]) -> CompletionRequest:
    """Return a request that goes on from messages as no other does."""
    *before, last = messages
    return CompletionRequest((*before, Message(last.role, last.content + _ELSEWHERE)), max_tokens=1)


def _goes_on_from(messages: tuple[Message, ...], held: tuple[Message, ...]) -> bool:
    return _cut(messages, len(held[-1].content)) == held
