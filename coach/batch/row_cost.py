"""The most that judging an answer can cost, for a budget that must not be exceeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coach.model.completion import CompletionRequest, Message, Usage

#: Counts the tokens of a prompt.
CountTokens = Callable[[Sequence[Message]], int]
#: US dollars for a usage, or None when the price is not known.
PriceOf = Callable[[Usage], float | None]

#: Other models cut text differently from the vocabulary that is counted with.
_MARGIN = 1.1


def most_tokens(requests: Sequence[CompletionRequest], count: CountTokens, schema_tokens: int, room: int) -> Usage:
    """Return the most tokens that these first requests of a judge can lead to.

    A structured request may be followed by a repair, whose prompt is a little longer and whose reply is as long.
    ``room`` is what a reasoning model may think beside each reply; a schema is part of the prompt.
    """
    inputs = outputs = 0
    for request in requests:
        tries = 2 if request.json_schema else 1
        prompt = count(request.messages) + (schema_tokens if request.json_schema else 0)
        inputs += tries * (prompt + request.max_tokens * (tries - 1))
        outputs += tries * (request.max_tokens + room)
    return Usage(round(inputs * _MARGIN), 0, round(outputs * _MARGIN))
