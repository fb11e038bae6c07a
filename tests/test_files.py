"""Files are written whole and private or not at all; the product finds its own files and folders."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from coach import files as module
from coach.errors import ConfigurationError, StorageError
from coach.files import cache_directory, keep_answer, replacing, require_statistics, resource, write_new, write_whole


def is_private(path: Path) -> bool:
    """Return whether nobody but the user can open the file."""
    return os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


def no_space(_descriptor: int) -> None:
    """Stand for ``os.fsync`` on a full disk."""
    raise OSError(28, "No space left on device")


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    """Until the end the old content is there, then the new one, private to the user, and nothing else."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)

    with replacing(path) as new:
        new.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"

    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]
    assert is_private(path)


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised inside or at the end, the old content stays and no part is left behind."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as new:
            new.write_text("half", encoding="utf-8")
            raise KeyError("row")

    with pytest.raises(KeyError):
        fail()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match="No space left") as caught:
        write_whole(path, "new")

    assert caught.value.hint
    assert [item.read_text() for item in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["folder", "missing/report.md", "/dev/null"])
def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """A folder, a device, or a file in a folder that does not exist gives an error that names it, with a hint."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(StorageError, match=name) as caught:
        write_whole(tmp_path / name, "text")

    assert caught.value.hint
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file behind a link is replaced; the link stays a link."""
    (tmp_path / "real.md").write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "real.md")

    write_whole(link, b"new")

    assert link.is_symlink()
    assert (tmp_path / "real.md").read_text() == "new"


def test_text_is_utf_8_and_half_a_character_does_not_cost_the_file(tmp_path: Path) -> None:
    """What is no Unicode is replaced; long names are no problem."""
    path = tmp_path / f"{'n' * 240}.md"

    write_whole(path, "Ünïcode\na\ud800b")

    assert path.read_bytes() == "Ünïcode\na?b".encode()


def test_each_new_file_is_private(tmp_path: Path) -> None:
    """Two files of the same kind stand beside each other, readable by the user only."""
    first = write_new(tmp_path, "draft-", ".md", b"one")
    second = write_new(tmp_path, "draft-", ".md", b"two")

    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert is_private(first)
    assert first.name.startswith("draft-")
    assert first.suffix == ".md"


def test_half_a_new_file_is_not_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the disk is full nothing stays that could be taken for the answer."""
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path, "draft-", ".md", b"one")

    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_kept_wherever_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It goes to the data directory, else to the temporary one, else the error says to copy it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    assert keep_answer(b"text", "id-", ".md", "drafts").parent == module.data_directory() / "drafts"
    monkeypatch.setenv("COACH_DATA_DIR", os.devnull)
    assert keep_answer(b"text", "id-", ".md", "drafts").parent == temporary
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match=r"dev/null.*temporary: No space left") as caught:
        keep_answer(b"text", "id-", ".md", "drafts")
    assert "Copy" in caught.value.hint


def test_the_cache_directory_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """COACH_CACHE_DIR names it, without it the system's own place is taken."""
    monkeypatch.setenv("COACH_CACHE_DIR", "~/models")
    assert cache_directory() == Path("~/models").expanduser()
    monkeypatch.setenv("COACH_CACHE_DIR", " ")
    assert "answer-feedback-coach" in str(cache_directory())


@pytest.mark.parametrize("name", ["questions.yaml", "rubrics", "prompts", "examples"])
def test_a_checkout_uses_the_files_at_its_top(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """They are found wherever the program is started."""
    monkeypatch.chdir(tmp_path)

    assert resource(name) == Path(__file__).resolve().parent.parent / name
    assert resource(name).exists()


def test_an_installed_package_uses_its_own_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Something of the same name beside the installed package is not ours; what is missing is named."""
    package = tmp_path / "coach"
    (package / "resources").mkdir(parents=True)
    monkeypatch.setattr(module, "PACKAGE", package)
    (package / "resources" / "questions.yaml").write_text("title: x", encoding="utf-8")
    (tmp_path / "questions.yaml").write_text("title: stranger", encoding="utf-8")

    assert resource("questions.yaml") == package / "resources" / "questions.yaml"
    with pytest.raises(StorageError, match="the installation lacks prompts") as caught:
        resource("prompts")
    assert "Install" in caught.value.hint


def test_missing_statistics_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is missing is named, with what needs it and how to install it."""
    monkeypatch.setattr(module, "STATISTICS", ("json", "no_such_package"))

    with pytest.raises(ConfigurationError, match="comparing a judge with human marks needs no_such_package,") as caught:
        require_statistics()

    assert caught.value.hint == "Install it with: pip install 'answer-feedback-coach[calibrate]'"
