"""Where the files that people may edit lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from coach.errors import StorageError

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the path of ``questions.yaml``, ``rubrics``, ``prompts`` or ``examples``.

    Raises StorageError when the installation lacks it.
    """
    for root in (PACKAGE.parent, PACKAGE / "resources"):
        path = root / name
        if path.exists() and (root != PACKAGE.parent or (root / "pyproject.toml").exists()):
            return path
    raise StorageError(f"the installation lacks {name}", "Install the package again.")
