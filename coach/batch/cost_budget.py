"""A budget that is never exceeded: every piece of work reserves the most that it can cost before it begins."""

from __future__ import annotations


class CostBudget:
    """US dollars that may be spent. ``spent`` is certain, ``reserved`` is what work in flight may still cost."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.spent = 0.0
        self.reserved = 0.0
        self._open = 0

    def fits(self, most: float) -> bool:
        """Return whether work that costs at most ``most`` may begin now."""
        return self.spent + self.reserved + most <= self.limit

    def ever_fits(self, most: float) -> bool:
        """Return whether it might begin once the work in flight has turned out to be free."""
        return self.spent + most <= self.limit

    def reserve(self, most: float) -> None:
        """Note that work has begun."""
        self._open += 1
        self.reserved += most

    def settle(self, most: float, cost: float | None) -> None:
        """Note what work did cost; what is not known counts as the most it can have cost."""
        self._open -= 1
        # Nothing is left of sums that were rounded, or the last piece of work would wait for nobody.
        self.reserved = self.reserved - most if self._open else 0.0
        self.spent += most if cost is None else cost
