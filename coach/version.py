"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """Return the installed version, or ``0+unknown`` when run from a tree that was never installed."""
    try:
        return installed_version("answer-feedback-coach")
    except PackageNotFoundError:
        return "0+unknown"
