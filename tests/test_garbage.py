"""Garbage is collected seldom during a batch, and as before after it."""

from __future__ import annotations

import gc

import pytest

from coach.batch.garbage import SELDOM, collecting_seldom


@pytest.mark.parametrize("fails", [False, True])
def test_the_collector_is_as_before_at_the_end(fails: bool) -> None:
    """Whether the batch ends well or not."""
    before = gc.get_threshold()

    def run() -> None:
        with collecting_seldom():
            assert gc.get_threshold() == SELDOM
            assert gc.isenabled()
            assert gc.get_freeze_count() > 0
            if fails:
                raise KeyError

    if fails:
        with pytest.raises(KeyError):
            run()
    else:
        run()

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
