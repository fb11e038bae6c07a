"""What a terminal shows of a report, for tests of the reports."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def printed(report: RenderableType, width: int = 80, *, terminal: bool = False) -> str:
    """Return what a console of this width prints; with ``terminal`` also its styles."""
    output = io.StringIO()
    console = Console(
        file=output,
        width=width,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        legacy_windows=False,
        _environ={},
    )
    console.print(report)
    return output.getvalue()


def encoded(report: RenderableType, width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal of this width and encoding shows; a character that it lacks is an error."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    Console(file=file, width=width, force_terminal=False, legacy_windows=False, _environ={}).print(report)
    file.flush()
    return raw.getvalue().decode(encoding)


def words_of(text: str) -> str:
    """Return the words of a report without its line breaks and margins."""
    return " ".join(text.replace("│", " ").split())
