"""Reading a Yes/No decision from the alternatives of one token."""

from __future__ import annotations

import math
from collections.abc import Mapping

_YES = frozenset({"yes"})
_NO = frozenset({"no"})


def yes_log_odds(first_token: Mapping[str, float]) -> float | None:
    """Return log P(Yes) - log P(No), each summed over spellings; None when neither is among the alternatives.

    An answer that is not listed gets half the probability of the least likely alternative: it is at most that.
    """
    yes, no = _mass(first_token, _YES), _mass(first_token, _NO)
    if yes == 0.0 and no == 0.0:
        return None
    floor = min((math.exp(value) for value in first_token.values()), default=0.0) / 2
    floor = max(floor, 1e-12)
    return math.log(max(yes, floor)) - math.log(max(no, floor))


def _mass(first_token: Mapping[str, float], spellings: frozenset[str]) -> float:
    return sum(math.exp(value) for token, value in first_token.items() if token.strip().casefold() in spellings)
