"""A private file is new, whole on the disk, and nobody else's to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coach.private_files import write_private_file


def test_each_file_is_new_and_private(tmp_path: Path) -> None:
    """Two files of the same kind stand beside each other, readable by the user only."""
    first = write_private_file(tmp_path, "draft-", ".md", b"one")
    second = write_private_file(tmp_path, "draft-", ".md", b"two")

    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert first.stat().st_mode & 0o077 == 0
    assert first.name.startswith("draft-")
    assert first.suffix == ".md"


def test_half_a_file_is_not_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the disk is full nothing stays that could be taken for the answer."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private_file(tmp_path, "draft-", ".md", b"one")

    assert list(tmp_path.iterdir()) == []
