"""Tests of coach.atomic_files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from coach.atomic_files import replacing
from coach.errors import StorageError


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    """Until the end the old content is there, then the new one, private to the user, and nothing else."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    with replacing(path) as new:
        new.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"

    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """Whatever is raised inside, the old content stays and no part is left behind."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as new:
            new.write_text("half", encoding="utf-8")
            raise KeyError("row")

    with pytest.raises(KeyError):
        fail()

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_system_is_a_storage_error(tmp_path: Path) -> None:
    """A missing directory and a full disk are named with the file."""
    with (
        pytest.raises(StorageError, match=r"missing.a\.txt: cannot be written"),
        replacing(tmp_path / "missing" / "a.txt"),
    ):
        pass
    with pytest.raises(StorageError, match="No space left"), replacing(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")

    assert list(tmp_path.iterdir()) == []
