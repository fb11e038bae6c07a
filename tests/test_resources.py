"""The files that people may edit are found in a checkout and in an installed wheel, from any directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from coach import resources as module
from coach.errors import StorageError
from coach.resources import resource

NAMES = ("questions.yaml", "rubrics", "prompts", "examples")


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_uses_the_files_at_its_top(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """They are found wherever the program is started."""
    monkeypatch.chdir(tmp_path)

    assert resource(name) == Path(__file__).resolve().parent.parent / name
    assert resource(name).exists()


def make_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that the package lies in a folder; return the package's directory."""
    package = folder / "coach"
    (package / "resources").mkdir(parents=True)
    monkeypatch.setattr(module, "PACKAGE", package)
    return package


def test_an_installed_package_uses_its_own_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Something of the same name beside the installed package is not ours."""
    package = make_package(tmp_path, monkeypatch)
    (package / "resources" / "questions.yaml").write_text("title: x", encoding="utf-8")
    (tmp_path / "questions.yaml").write_text("title: stranger", encoding="utf-8")

    assert resource("questions.yaml") == package / "resources" / "questions.yaml"


def test_a_missing_file_is_an_error_of_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the file and the way out."""
    make_package(tmp_path, monkeypatch)

    with pytest.raises(StorageError, match="the installation lacks prompts") as caught:
        resource("prompts")

    assert "Install" in caught.value.hint
