"""How many requests may be in flight: grows until the server pushes back, then halves (AIMD, as TCP does).

Source of the method: Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance",
1989; the doubling at the start is TCP's slow start (RFC 5681, section 3.1).
"""

from __future__ import annotations

START = 4
MAXIMUM = 64


class AdaptiveLimit:
    """The number of requests in flight that the server seems to bear. Pure: time comes in as an argument.

    It doubles with every round of successes until the first push-back, and grows by one a round afterwards. A round
    is as many successes as requests may be in flight. Push-backs of requests that were sent before the last
    decrease say nothing new, so they count once.
    """

    def __init__(self, maximum: int = MAXIMUM, start: int = START) -> None:
        self.maximum = max(1, maximum)
        self._limit = float(min(max(1, start), self.maximum))
        self._doubling = True
        self._decreased_at = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight now, from 1."""
        return int(self._limit)

    def succeeded(self) -> None:
        """Note that a request was answered."""
        grown = self._limit + (1.0 if self._doubling else 1.0 / self._limit)
        self._limit = min(float(self.maximum), grown)

    def pushed_back(self, sent_at: float, now: float) -> None:
        """Note that the request sent at ``sent_at`` met a rate limit, a time-out or an overloaded server."""
        if sent_at < self._decreased_at:
            return
        self._doubling = False
        self._decreased_at = now
        self._limit = max(1.0, self._limit / 2)


class FixedLimit:
    """A number of requests in flight that nothing changes."""

    def __init__(self, limit: int) -> None:
        self.limit = self.maximum = max(1, limit)

    def succeeded(self) -> None:
        """Nothing changes."""

    def pushed_back(self, sent_at: float, now: float) -> None:
        """Nothing changes."""


Limit = AdaptiveLimit | FixedLimit
