"""The scale of human marks, found in the marks themselves.

* low end: 0, or the lowest mark when that is negative; 1 when the lowest mark is 1, no mark is above 10, and all are
  whole numbers (a scale such as 1 to 5).
* high end: 1 when no mark is above 1; else the highest mark rounded up, above 10 to the next usual end (12, 15 ...).
* step: the greatest step that fits all marks when that gives at most 11 possible marks; else (averages of raters,
  percentages) 1 on scales of at most 20, and a tenth of the scale on longer ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from coach.calibrate.calibration import Scale
from coach.calibrate.gold import GoldRow
from coach.errors import InputError

_USUAL_ENDS = (12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
_SMALL = 10
_MOST_STEPS = 10
_LONG = 20
#: Marks are compared in millionths, so that 0.1 + 0.2 is 0.3.
_UNIT = 1_000_000


def marks_of(rows: Iterable[GoldRow]) -> list[float]:
    """Return every mark of the rows: scores and both raters' marks."""
    return [mark for row in rows for mark in (row.score, row.rater_1, row.rater_2) if mark is not None]


def find_scale(marks: Sequence[float], given: tuple[float, float] | None = None) -> Scale:
    """Return the scale of the marks, with the ends that are ``given`` or else found as described above.

    Raises InputError when a given scale does not rise or does not hold all marks.
    """
    low, high = given or _ends(marks)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"a scale cannot go from {low:g} to {high:g}", "Give the lowest mark first: --scale 0 5.")
    lowest, highest = min(marks, default=low), max(marks, default=high)
    if lowest < low or highest > high:
        raise InputError(
            f"marks from {lowest:g} to {highest:g} do not fit a scale from {low:g} to {high:g}",
            "Correct --scale or the marks.",
        )
    return Scale(low=low, high=high, step=_step(marks, low, high))


def _ends(marks: Sequence[float]) -> tuple[float, float]:
    lowest, highest = min(marks), max(marks)
    low = min(0.0, float(math.floor(lowest)))
    high = 1.0 if highest <= 1 else float(math.ceil(highest))
    if high > _SMALL:
        high = float(next((end for end in _USUAL_ENDS if end >= high), high))
    if lowest == 1 and 1 < high <= _SMALL and all(mark == int(mark) for mark in marks):
        low = 1.0
    return low, high


def _step(marks: Sequence[float], low: float, high: float) -> float:
    whole = round((high - low) * _UNIT)
    common = math.gcd(whole, *(round((mark - low) * _UNIT) for mark in marks))
    if common and whole // common <= _MOST_STEPS:
        # A few marks can share a step that is far too wide, such as only 0 and 5.
        return 1.0 if common > _UNIT and whole % _UNIT == 0 and whole <= _MOST_STEPS * _UNIT else common / _UNIT
    if high - low > _LONG or high - low < 2:
        return (high - low) / _MOST_STEPS
    return 1.0
