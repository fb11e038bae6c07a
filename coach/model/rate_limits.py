"""What a server's headers say about its limits, and how long to wait because of them.

``x-ratelimit-remaining-requests``, ``-tokens`` and ``x-ratelimit-reset-requests``, ``-tokens`` are OpenAI's (its
guide "Rate limits"); many compatible services send the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d)?)+")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: A limit that says it is used up for longer than this is not waited for here; the server will say so with a 429.
LONGEST_PAUSE = 120.0


@dataclass(frozen=True)
class Allowance:
    """What is left of one kind of limit, and in how many seconds all of it is there again; None where not said."""

    remaining: int | None = None
    reset: float | None = None


@dataclass(frozen=True)
class RateLimits:
    """What one response said about requests and tokens."""

    requests: Allowance = Allowance()
    tokens: Allowance = Allowance()

    def pause(self, tokens_needed: int, in_flight: int = 0) -> float:
        """Return the seconds to wait before the next request of about this many tokens; 0.0 when it fits.

        ``in_flight`` requests were sent after the one that brought these headers, and use up what is left.
        """
        waits = [_wait(self.requests, 1 + in_flight), _wait(self.tokens, tokens_needed * (1 + in_flight))]
        return min(max(waits), LONGEST_PAUSE)


def read_rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """Read the headers of a response (names in small letters); what is missing or unreadable counts as not said."""
    return RateLimits(_allowance(headers, "requests"), _allowance(headers, "tokens"))


def seconds_of(text: str) -> float | None:
    """Return the seconds of a duration such as ``1s``, ``6m0s``, ``250ms``, ``1h2m`` or ``12.5``; else None."""
    text = text.strip()
    if not text or len(text) > 40 or not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit or ""] for number, unit in _PART.findall(text))


def _allowance(headers: Mapping[str, str], kind: str) -> Allowance:
    remaining = headers.get(f"x-ratelimit-remaining-{kind}", "").strip()
    count = int(remaining) if re.fullmatch(r"\d{1,12}", remaining) else None
    return Allowance(count, seconds_of(headers.get(f"x-ratelimit-reset-{kind}", "")))


def _wait(allowance: Allowance, needed: int) -> float:
    if allowance.remaining is None or allowance.reset is None or allowance.remaining >= needed:
        return 0.0
    return allowance.reset
