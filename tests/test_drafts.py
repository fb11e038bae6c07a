"""A typed answer lies in a private file until it has its critique."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from coach.answer.answer_files import read_answer_file
from coach.answer.drafts import discard_draft, keep_draft
from coach.errors import StorageError

pytest_plugins = ("plain_user",)

TEXT = "I restored “the archive”.\r\nNothing was lost.\n"


def test_a_draft_is_private_and_comes_back_as_typed(tmp_path: Path) -> None:
    """Nobody else can read it, and it can be handed in as it is."""
    path = keep_draft("dicom-standard", TEXT)

    assert path.is_relative_to(tmp_path / "coach-data")
    assert path.name.startswith("dicom-standard-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_answer_file(path) == TEXT


def test_two_drafts_do_not_replace_each_other() -> None:
    """Each gets a file of its own."""
    first, second = keep_draft("dicom-standard", "one"), keep_draft("dicom-standard", "two")

    assert (read_answer_file(first), read_answer_file(second)) == ("one", "two")


def test_a_discarded_draft_is_gone() -> None:
    """Also when somebody else was quicker."""
    path = keep_draft("dicom-standard", TEXT)
    discard_draft(path)
    discard_draft(path)

    assert not path.exists()


def test_where_the_data_directory_cannot_be_used_the_temporary_one_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file in the way of the directory costs nobody the answer."""
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    assert keep_draft("dicom-standard", TEXT).parent == tmp_path / "tmp"

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StorageError, match="cannot be kept"):
        keep_draft("dicom-standard", TEXT)


def test_a_draft_that_cannot_be_deleted_is_named(
    monkeypatch: pytest.MonkeyPatch, open_directory: Path, as_plain_user: Callable[[], AbstractContextManager[None]]
) -> None:
    """The error says which file stays."""
    monkeypatch.setenv("COACH_DATA_DIR", str(open_directory))
    path = keep_draft("dicom-standard", TEXT)
    open_directory.joinpath("drafts").chmod(0o555)

    with as_plain_user(), pytest.raises(StorageError, match=path.name):
        discard_draft(path)
