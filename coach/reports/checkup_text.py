"""The findings of ``coach doctor`` on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coach.models.checkup import Checkup
from coach.reports.display_text import lines

_SIGNS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "failed": ("FAILED", "bold red")}


def checkup_page(checkup: Checkup) -> RenderableType:
    """Return the findings as one table, with the hints below those that need one."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in checkup.findings:
        sign, style = _SIGNS[finding.state]
        text = Text(lines(finding.detail))
        if finding.hint:
            text.append(f"\n{lines(finding.hint)}", style="dim")
        table.add_row(Text(sign, style=style), finding.name, text)
    return Group(Text(f"answer feedback coach {checkup.coach_version}\n", style="bold"), table)
