"""Tests of coach.calibrate.gold_scale."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from gold_factory import gold_row
from hypothesis import given
from hypothesis import strategies as st

from coach.calibrate.gold_scale import find_scale, marks_of
from coach.errors import InputError


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([0, 1], (0, 1, 1)),
        ([0, 0.5, 1], (0, 1, 0.5)),
        ([0.25, 0.8], (0, 1, 0.05 * 2)),
        ([1, 2, 3, 4], (1, 4, 1)),
        ([1, 5], (1, 5, 1)),
        ([0, 5], (0, 5, 1)),
        ([0, 2.5, 5, 4.5], (0, 5, 0.5)),
        ([0, 2.125, 4.75], (0, 5, 1)),
        ([1, 2.5, 4], (0, 4, 0.5)),
        ([3, 11], (0, 12, 1)),
        ([55, 61, 88], (0, 100, 10)),
        ([0, 7, 143], (0, 143, 14.3)),
        ([0, 100], (0, 100, 100)),
        ([-1, 0, 1], (-1, 1, 1)),
        ([0, 0], (0, 1, 1)),
        ([0.1, 0.2, 0.1 + 0.2], (0, 1, 0.1)),
    ],
)
def test_the_scale_is_found_in_the_marks(marks: Sequence[float], expected: tuple[float, float, float]) -> None:
    """Ends and step follow the documented rule for whole, half, averaged and percentage marks."""
    scale = find_scale(marks)

    assert (scale.low, scale.high, scale.step) == pytest.approx(expected)


def test_a_given_scale_is_kept() -> None:
    """--scale decides when the best mark was never given."""
    scale = find_scale([1, 2, 3], (1, 6))

    assert (scale.low, scale.high, scale.step) == (1, 6, 1)


@pytest.mark.parametrize("given", [(5.0, 0.0), (2.0, 2.0), (0.0, float("nan")), (float("-inf"), 5.0)])
def test_a_scale_must_rise(given: tuple[float, float]) -> None:
    """Ends that are equal, turned round or no numbers are refused."""
    with pytest.raises(InputError, match="a scale cannot go from"):
        find_scale([2.0], given)


def test_marks_outside_a_given_scale_are_refused() -> None:
    """A wrong --scale is told instead of making every figure wrong."""
    with pytest.raises(InputError, match="marks from 1 to 7 do not fit a scale from 0 to 5"):
        find_scale([1, 7], (0, 5))


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20))
def test_every_scale_holds_its_marks(marks: list[float]) -> None:
    """Whatever the marks, the scale found holds them all and has at least one step."""
    scale = find_scale(marks)

    assert scale.low <= min(marks)
    assert max(marks) <= scale.high
    assert 0 < scale.step <= scale.high - scale.low


def test_raters_marks_count() -> None:
    """A rater may have used an end of the scale that the averaged score never reaches."""
    rows = [gold_row(1, 3.5, rater_1=2.0, rater_2=5.0), gold_row(2, 4.0)]

    assert marks_of(rows) == [3.5, 2.0, 5.0, 4.0]
