"""The embedded model judges one answer at a time: two in one piece of work would change each other's last digits."""

from __future__ import annotations

import os

from coach.cli.console import say


def embedded_is_chosen(model: str | None) -> bool:
    """Return whether this choice of a model, with the environment, means the embedded one; raises CoachError."""
    from coach.model.choose import choose_model

    return choose_model(model, os.environ).embedded


def say_when_ignored(model: str | None, wanted: int | None, option: str, quiet: bool) -> None:
    """Say that an option for more answers at a time changes nothing, where it does not."""
    if wanted is not None and wanted > 1 and not quiet and embedded_is_chosen(model):
        say(f"{option} is for models on a server: the embedded one judges one answer at a time, so scores repeat.")
