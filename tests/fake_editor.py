"""An editor for tests that open one. Use it in a test module with ``pytest_plugins = ("fake_editor",)``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: Makes EDITOR a program that runs Python code with ``path`` bound to the file.
MakeEditor = Callable[[str], None]


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeEditor:
    """Return a way to make an editor."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def make(code: str) -> None:
        script = tmp_path / "my editor.py"
        script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{code}\n", encoding="utf-8")
        monkeypatch.setenv("EDITOR", f"{sys.executable} '{script}' --wait")

    return make
