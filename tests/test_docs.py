"""The documentation that is made from the program."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_command_reference_is_up_to_date() -> None:
    """docs/commands.md is what scripts/write_docs.py writes."""
    module = runpy.run_path(str(ROOT / "scripts" / "write_docs.py"))

    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == module["command_reference"]()


def test_every_command_is_documented() -> None:
    """A command that the README and the reference do not know is a stale document."""
    from coach.cli.app import app

    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert names
    for name in names:
        assert f"coach {name}" in readme
        assert f"## coach {name}" in reference
