"""Counting the tokens of very many prompts that begin alike: what repeats is counted once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from coach.model.completion import CompletionRequest

#: A line ends a piece where the next one begins with a new token: the tokens of the pieces are those of the text.
_PIECES = re.compile(r"(?<=\n)(?=[^\s/])")
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

    ``count`` counts the tokens of a text; ``per_message`` and ``per_request`` are added for the framing.
    """

    def __init__(self, count: Callable[[str], int], per_message: int, per_request: int) -> None:
        self._count = lru_cache(maxsize=10_000)(count)
        self._per_message = per_message
        self._per_request = per_request
        self._before: dict[str, list[list[str]]] = {}
        self._sent: set[bytes] = set()
        self.total = PromptTokens()

    def add(self, group: str, request: CompletionRequest) -> None:
        """Take note of a request; those of one ``group`` begin alike."""
        text = "\0".join(message.content for message in request.messages)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._sent:
            return
        if len(self._sent) < _REMEMBERED:
            self._sent.add(digest)
        before = self._before.get(group, [])
        messages = self._before[group] = [_PIECES.split(message.content) for message in request.messages]
        total = self.total
        total.requests += 1
        total.input_tokens += self._per_request
        total.max_output_tokens += request.max_tokens
        alike = True
        for place, pieces in enumerate(messages):
            other = before[place] if alike and place < len(before) else []
            tokens = [self._count(piece) for piece in pieces]
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(pieces, other, strict=False)))
            alike = same == len(pieces) == len(other)
            total.input_tokens += self._per_message + sum(tokens)
            total.repeated_tokens += sum(tokens[:same]) + (self._per_message if alike else 0)
