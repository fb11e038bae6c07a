"""How reports are laid out on a terminal, so that they also read well without colour, in a pipe and in ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from coach.report import words
from coach.report.document import Standing

#: Longer lines are hard to read, however wide the window is.
MAX_WIDTH = 100
BAR_CELLS, SHORT_BAR_CELLS = 24, 12

STYLES = {
    Standing.EARNED: "green",
    Standing.PARTLY: "yellow",
    Standing.AGAINST: "red",
    Standing.MISSING: "",
    Standing.UNJUDGED: "",
}
_PLAIN_SIGNS = {
    Standing.EARNED: "+",
    Standing.PARTLY: "~",
    Standing.AGAINST: "!",
    Standing.MISSING: "o",
    Standing.UNJUDGED: "?",
}
_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "·": "-",
        "…": "...",
        "–": "-",
        "—": "-",
        "→": "->",
        "│": "|",
        "━": "#",
        "─": "-",
    }
)


@dataclass(frozen=True)
class Page:
    """Lays out foreign and own text as lines of a fixed width, with hanging indents and no trailing blanks."""

    console: Console
    width: int
    encoding: str

    @classmethod
    def fitting(cls, console: Console, options: ConsoleOptions) -> Self:
        """Return a page as wide as the place it is printed in, up to MAX_WIDTH."""
        return cls(console, min(options.max_width, MAX_WIDTH), options.encoding)

    @property
    def plain(self) -> bool:
        """True when the terminal cannot show every character."""
        return not self.encoding.lower().startswith("utf")

    def text(self, text: str, style: str = "") -> Text:
        """Return text that the terminal's encoding can show; markup in it is shown, never obeyed."""
        if self.plain:
            text = text.translate(_PLAIN).encode(self.encoding, "replace").decode(self.encoding)
        return Text(text, style=style)

    def section(self, title: str) -> Iterator[Text]:
        """Yield a blank line and a heading."""
        yield Text()
        yield self.text(title, "bold")

    def sign(self, standing: Standing, indent: int) -> str:
        """Return the sign of a standing, indented and followed by a blank."""
        sign = _PLAIN_SIGNS[standing] if self.plain else standing.sign
        return f"{' ' * indent}{sign} "

    def block(
        self, body: str | Text, first: str | Text, *, style: str = "", first_style: str = "", rest: str | None = None
    ) -> Iterator[Text]:
        """Yield a paragraph: its first line starts with ``first``, the others with ``rest`` (default: blanks)."""
        body = body if isinstance(body, Text) else self.text(body, style)
        start = first if isinstance(first, Text) else self.text(first, first_style)
        following = self.text(rest, first_style) if rest is not None else Text(" " * start.cell_len)
        room = max(20, self.width - max(start.cell_len, following.cell_len))
        for number, line in enumerate(body.wrap(self.console, room, overflow="fold")):
            whole = Text.assemble(following if number else start, line)
            whole.rstrip()
            yield whole

    def joined(self, parts: tuple[str, ...], *, style: str = "") -> Iterator[Text]:
        """Yield parts joined by dots, broken between parts where that is enough."""
        line = ""
        for part in parts:
            longer = f"{line} · {part}" if line else part
            if line and cell_len(longer) > self.width:
                yield from self.block(line, "", style=style)
                longer = part
            line = longer
        yield from self.block(line, "", style=style)

    def quotation(self, body: Text) -> Iterator[Text]:
        """Yield a text by somebody else, with a line at its left."""
        yield from self.block(body, "  │ ", rest="  │ ", first_style="dim")

    def rule(self) -> Iterator[Text]:
        """Yield a blank line and a line across the page."""
        yield Text()
        yield self.text("─" * self.width, "dim")

    def bar(self, credit: float) -> Text:
        """Return a bar for a share of 0..1, shorter on a narrow terminal."""
        cells = BAR_CELLS if self.width >= 72 else SHORT_BAR_CELLS
        filled = words.whole(credit * cells)
        return Text.assemble(self.text("━" * filled, "cyan"), self.text("─" * (cells - filled), "dim"))
