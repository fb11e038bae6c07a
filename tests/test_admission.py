"""Tests of coach.model.admission."""

from __future__ import annotations

import asyncio

from coach.model.admission import Admission
from coach.model.concurrency import AdaptiveLimit, FixedLimit


async def test_no_more_are_inside_than_the_limit_allows() -> None:
    """Whoever comes later waits until somebody leaves, in the order of coming."""
    admission = Admission(FixedLimit(2))
    order: list[int] = []
    most = 0

    async def visit(number: int) -> None:
        nonlocal most
        assert await admission.enter()
        order.append(number)
        most = max(most, admission.inside)
        await asyncio.sleep(0)
        admission.leave()

    await asyncio.gather(*(visit(number) for number in range(6)))

    assert (order, most, admission.inside) == ([0, 1, 2, 3, 4, 5], 2, 0)


async def test_growth_lets_more_in() -> None:
    """When the limit has grown, one who leaves lets in two."""
    limit = AdaptiveLimit(maximum=4, start=1)
    admission = Admission(limit)
    assert await admission.enter()
    waiting = [asyncio.create_task(admission.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    limit.succeeded()
    admission.leave()
    await asyncio.sleep(0)

    assert admission.inside == 2
    admission.close()
    assert await asyncio.gather(*waiting) == [True, True, False]


async def test_closing_turns_away_who_waits_and_who_comes() -> None:
    """After closing nobody gets in, and those inside can still leave."""
    admission = Admission(FixedLimit(1))
    assert await admission.enter()
    waiting = asyncio.create_task(admission.enter())
    await asyncio.sleep(0)
    admission.close()

    assert not await waiting
    assert not await admission.enter()
    admission.leave()
    assert admission.inside == 0


async def test_one_who_gives_up_waiting_takes_no_place() -> None:
    """A cancelled wait, even one cancelled just when it was its turn, leaves the place to the next."""
    admission = Admission(FixedLimit(1))
    assert await admission.enter()
    first, second = (asyncio.create_task(admission.enter()) for _ in range(2))
    await asyncio.sleep(0)
    admission.leave()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    assert await second
    assert admission.inside == 1
