"""Tests of coach.report.files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from coach.errors import StorageError
from coach.report.files import write_report


def test_a_report_is_written_for_its_owner_only(tmp_path: Path) -> None:
    """The file holds the text and nobody else may read it."""
    path = tmp_path / "report.md"

    write_report(path, "Ünïcode\n")

    assert path.read_bytes() == "Ünïcode\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_older_report_is_replaced_and_made_private(tmp_path: Path) -> None:
    """Writing again replaces the text, and an open file mode does not survive."""
    path = tmp_path / "report.html"
    path.write_text("old")
    path.chmod(0o644)

    write_report(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_older_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new report cannot be put in place, the old one stays and nothing else is left behind."""
    path = tmp_path / "report.md"
    path.write_text("old")

    def no_space(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(StorageError, match="No space left") as caught:
        write_report(path, "new")

    assert caught.value.hint
    assert [item.read_text() for item in tmp_path.iterdir()] == ["old"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file behind a link is replaced; the link stays a link."""
    (tmp_path / "real.md").write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "real.md")

    write_report(link, "new")

    assert link.is_symlink()
    assert (tmp_path / "real.md").read_text() == "new"


@pytest.mark.parametrize("name", ["folder", "missing/report.md"])
def test_a_place_that_cannot_hold_a_report_is_refused(tmp_path: Path, name: str) -> None:
    """A folder, or a file in a folder that does not exist, gives an error with a hint."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(StorageError) as caught:
        write_report(tmp_path / name, "text")

    assert caught.value.hint


def test_a_device_is_never_replaced() -> None:
    """What is no regular file is not overwritten."""
    with pytest.raises(StorageError, match="not a regular file"):
        write_report(Path("/dev/null"), "text")


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    """A half character in a text does not cost the report."""
    write_report(tmp_path / "report.md", "a\ud800b")

    assert (tmp_path / "report.md").read_text() == "a?b"
