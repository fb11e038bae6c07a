"""Tests of coach.batch.cost_budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.batch.cost_budget import CostBudget


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=50), st.floats(0, 5))
def test_what_fits_is_never_too_much(work: list[tuple[float, float]], limit: float) -> None:
    """When no work costs more than it reserved, the limit holds, whatever order things end in."""
    budget = CostBudget(limit)
    for most, share in work:
        if budget.fits(most):
            budget.reserve(most)
            budget.settle(most, most * share)

    assert budget.spent <= limit
    assert budget.reserved == 0.0


def test_work_in_flight_counts_at_its_most() -> None:
    """Two pieces of work that would exceed the limit together do not both begin."""
    budget = CostBudget(1.0)
    budget.reserve(0.6)
    assert not budget.fits(0.6)
    assert budget.ever_fits(0.6)
    budget.settle(0.6, 0.1)
    assert budget.fits(0.6)


def test_an_unknown_cost_counts_at_its_most() -> None:
    """What is not known is assumed to be as dear as it can be."""
    budget = CostBudget(1.0)
    budget.reserve(0.6)
    budget.settle(0.6, None)

    assert not budget.ever_fits(0.6)
