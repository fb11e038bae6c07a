"""Tests of permissions that also hold for root, which passes over all permissions.

Use it in a test module with ``pytest_plugins = ("plain_user",)`` and its two fixtures.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def as_plain_user() -> Callable[[], AbstractContextManager[None]]:
    """Return a block in which root has given up its right to pass over permissions; for others it does nothing."""

    @contextmanager
    def block() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return block


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Return a new directory that every user may enter, which tmp_path is not."""
    directory = Path(tempfile.mkdtemp(prefix="coach-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)
