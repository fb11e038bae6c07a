"""The documentation that is made from the program."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coach.cli.app import app

ROOT = Path(__file__).resolve().parent.parent


def test_the_command_reference_is_up_to_date() -> None:
    """docs/commands.md is what scripts/write_docs.py writes."""
    module = runpy.run_path(str(ROOT / "scripts" / "write_docs.py"))

    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == module["command_reference"]()


def test_every_command_is_documented() -> None:
    """A command that the README and the reference do not know is a stale document."""
    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert names
    for name in names:
        assert f"coach {name}" in readme
        assert f"## coach {name}" in reference


@pytest.mark.parametrize("words", [(), ("batch",), ("history",)], ids=["coach", "batch", "history"])
def test_no_line_of_help_is_cut(words: tuple[str, ...]) -> None:
    """In a terminal of 80 columns every command says in one line what it is for."""
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})

    assert result.exit_code == 0
    assert "Commands:" in result.output
    assert "..." not in result.output.split("Commands:")[1]


def test_the_architecture_page_names_every_room_and_nothing_that_is_gone() -> None:
    """Whoever looks for a place by the page finds it: each path exists, and each name stands in some module."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w./-]+)`", page)
    paths = {name for name in named if "/" in name and not name.startswith("results/")}
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "coach").rglob("*.py"))

    assert {f"coach/{path.name}/" for path in (ROOT / "coach").iterdir() if (path / "__init__.py").exists()} <= paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for name in (
        "open_session",
        "AnswerAssessor",
        "Grader",
        "open_table",
        "Document",
        "ChatModel",
        "Judge",
        "make_assessor",
    ):
        assert name in page
        assert re.search(rf"^\s*(?:async )?(?:class|def) {name}\b", code, re.MULTILINE), name
    assert "docs/architecture.md" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
