"""The version of the installed package."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


@cache
def version() -> str:
    """Return the installed version, or ``0+unknown`` when run from a tree that was never installed."""
    try:
        return installed_version("answer-feedback-coach")
    except PackageNotFoundError:
        return "0+unknown"
