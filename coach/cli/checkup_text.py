"""The findings of ``coach doctor`` on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from coach.cli.checkup_result import Checkup, Finding
from coach.report.display_text import lines

_SIGNS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "failed": ("FAILED", "bold red")}
_INDENT = 4


def checkup_page(checkup: Checkup) -> RenderableType:
    """Return the findings one below the other, each with its hint; paths and hashes get the whole width."""
    title = Text(f"answer feedback coach {checkup.coach_version}", style="bold")
    return Group(title, *(part for finding in checkup.findings for part in _finding(finding)))


def _finding(finding: Finding) -> list[RenderableType]:
    sign, style = _SIGNS[finding.state]
    head = Text.assemble("\n", (finding.name, "bold"), "  ", (sign, style))
    rows = [Text(row) for row in lines(finding.detail).split("\n")]
    rows += [Text(row, style="italic") for row in lines(finding.hint).split("\n") if row]
    return [head, *(Padding(row, (0, 0, 0, _INDENT), expand=False) for row in rows)]
