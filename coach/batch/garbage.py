"""Looking for garbage seldom while many rows are graded.

A batch makes thousands of small objects for each row and hardly any of them in circles, so Python's collector finds
nothing to do and still takes a tenth of the time (`benchmarks/batch_throughput.py`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects before the youngest are looked at, and how often before older ones are; Python's own are 700, 10, 10.
SELDOM = (20_000, 10, 10)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Collect garbage seldom, and leave out what is there already; all is as before at the end."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
