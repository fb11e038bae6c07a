"""Optional packages: what to install when one is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from coach.errors import ConfigurationError

#: Import names of the packages of the extra ``calibrate``.
STATISTICS = ("numpy", "scipy")
CHARTS = ("pygal",)


def require(packages: Sequence[str], extra: str, purpose: str) -> None:
    """Raise ConfigurationError with the pip command when one of the packages is missing; imports none of them."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"{purpose} needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            f"Install it with: pip install 'answer-feedback-coach[{extra}]'",
        )


def require_statistics() -> None:
    """Raise ConfigurationError unless statistics can be computed."""
    require(STATISTICS, "calibrate", "comparing a judge with human marks")


def require_charts() -> None:
    """Raise ConfigurationError unless charts can be drawn."""
    require(CHARTS, "calibrate", "the HTML report")
