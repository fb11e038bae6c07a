"""Write docs/commands.md from the --help of every command; ``--check`` only says whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

from coach.cli.app import app

TARGET = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
COMMANDS = [
    "questions",
    "submit",
    "batch",
    "batch grade",
    "batch report",
    "batch submit",
    "batch status",
    "batch collect",
    "compare",
    "history",
    "history delete",
    "next",
    "web",
    "calibrate",
    "doctor",
]


def command_reference() -> str:
    """Return the reference: one section per command."""
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    parts = ["# Commands\n\nMade from `--help` by `scripts/write_docs.py`.\n"]
    for command in COMMANDS:
        result = runner.invoke(app, [*command.split(), "--help"], prog_name="coach")
        lines = "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())
        parts.append(f"## coach {command}\n\n```\n{lines}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write the file, or compare with it."""
    text = command_reference()
    if "--check" in sys.argv:
        return int(TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
