"""Where a report cannot be written is found out before anything else happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from coach.cli.options import ReportOptions, check_writable
from coach.errors import InputError

pytest_plugins = ("plain_user",)


def test_a_file_in_a_folder_of_ones_own_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New or old, named in full or not, or through a link; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.html").touch()
    (tmp_path / "link.html").symlink_to(tmp_path / "old.html")

    ReportOptions().check()
    ReportOptions(markdown=Path("new.html"), html=tmp_path / "old.html").check()
    check_writable(tmp_path / "link.html")

    assert {path.name for path in tmp_path.iterdir()} == {"old.html", "link.html"}


def test_folders_and_devices_are_refused(tmp_path: Path) -> None:
    """The error names the path and what to name instead."""
    for path in (tmp_path, tmp_path / "missing" / "report.html", Path("/dev/null")):
        with pytest.raises(InputError, match="cannot be written there") as caught:
            check_writable(path)
        assert str(path) in caught.value.message
        assert "Name a" in caught.value.hint


def test_permissions_count(open_directory: Path, as_plain_user: Callable[[], AbstractContextManager[None]]) -> None:
    """A folder of somebody else is refused, with the system's reason."""
    check_writable(open_directory / "report.html")

    with as_plain_user(), pytest.raises(InputError, match="Permission denied"):
        check_writable(open_directory / "report.html")
