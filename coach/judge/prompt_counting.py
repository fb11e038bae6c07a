"""Counting the tokens of very many prompts that begin alike: what repeats is counted once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coach.model.completion import CompletionRequest, Message

#: A request that is sent again to the letter (a baseline) is sent once; so many are remembered.
_REMEMBERED = 50_000


@dataclass
class PromptTokens:
    """Tokens of prompts: all of them, and those that repeat the beginning of the request before."""

    requests: int = 0
    input_tokens: int = 0
    repeated_tokens: int = 0
    max_output_tokens: int = 0


class PromptCounter:
    """Counts the requests of a judge in the order in which they are sent.

    ``count`` counts the tokens of a text; ``per_message`` and ``per_request`` are added for the framing. A cut is
    only made at a line's end before a character that begins a new token, so the sum is that of the whole text.
    """

    def __init__(self, count: Callable[[str], int], per_message: int, per_request: int) -> None:
        self._count = count
        self._per_message = per_message
        self._per_request = per_request
        self._before: dict[str, Sequence[Message]] = {}
        self._known: dict[str, int] = {}
        self._sent: set[bytes] = set()
        self.total = PromptTokens()

    def add(self, group: str, request: CompletionRequest) -> None:
        """Take note of a request; those of one ``group`` begin alike."""
        if self._sent_before(request):
            return
        before = self._before.get(group, ())
        self._before[group] = request.messages
        total = self.total
        total.requests += 1
        total.input_tokens += self._per_request
        total.max_output_tokens += request.max_tokens
        alike = True
        for place, message in enumerate(request.messages):
            other = before[place].content if alike and place < len(before) else ""
            cut = _common(other, message.content)
            tokens = self._cached(message.content[:cut])
            alike = cut == len(message.content) == len(other)
            total.input_tokens += self._per_message + tokens + self._count(message.content[cut:])
            total.repeated_tokens += tokens + (self._per_message if alike else 0)

    def _cached(self, text: str) -> int:
        if text not in self._known:
            if len(self._known) > 500:
                self._known.clear()
            self._known[text] = self._count(text) if text else 0
        return self._known[text]

    def _sent_before(self, request: CompletionRequest) -> bool:
        text = "\0".join(message.content for message in request.messages)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._sent:
            return True
        if len(self._sent) < _REMEMBERED:
            self._sent.add(digest)
        return False


def _common(left: str, right: str) -> int:
    """Return the length of the common beginning, cut back to where a line begins (or the whole, when equal)."""
    if left == right:
        return len(right)
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left.startswith(right[:middle]):
            low = middle
        else:
            high = middle - 1
    while low > 0 and not (
        right[low - 1] == "\n" and low < len(right) and not right[low].isspace() and right[low] != "/"
    ):
        low -= 1
    return low
