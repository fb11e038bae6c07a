"""Reports on a terminal: rich text that also reads well without colour, in a pipe and in ASCII."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod

from rich.box import MINIMAL, SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from coach.report import document as doc
from coach.report import words
from coach.report.display_text import clean_lines
from coach.report.document import Document, Standing, spans

#: Longer lines are hard to read, however wide the window is.
_MAX_WIDTH = 100
_BAR_CELLS, _SHORT_BAR_CELLS = 24, 12
#: A narrower window has room for short bars only, and not for all columns of a table.
_ROOMY = 72
#: From this width on two texts stand side by side, each no wider than what is easy to read.
_SIDE_BY_SIDE_WIDTH, _MAX_COLUMN = 110, 80

_STYLES: dict[Standing | None, str] = {
    Standing.EARNED: "green",
    Standing.PARTLY: "yellow",
    Standing.AGAINST: "red",
}
_LOOKS = {"strong": "bold", "accent": "bold cyan", "marker": "bold", "code": "bold", "question": "italic"}
_DIFF_STYLES = {"removed": "red strike", "inserted": "green"}
_DIFF_BRACKETS = {"removed": ("[-", "-]"), "inserted": ("{+", "+}")}
_DIFF_LEGEND = {
    "removed": "[-removed-]",
    "inserted": "{+new+}",
    "moved": "<n moved n>",
    "marked": "[n] brought the change with this number",
}
#: What stands in where a terminal's encoding has few characters.
_PLAIN = str.maketrans("“”‘’·–—−│━─✓◐✗○", "\"\"''----|#-+~!o") | {ord("…"): "...", ord("→"): "->"}


@dataclass(frozen=True)
class TerminalReport:
    """A document as something that rich can print; it fits the width it is given, up to what is easy to read."""

    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report line by line."""
        page = _Page(console, min(options.max_width, _MAX_WIDTH), options.max_width, options.encoding)
        yield from page.blocks(self.document.blocks, 0)


@dataclass(frozen=True)
class _Page:
    """Lays out text as lines of a fixed width, with hanging indents and no trailing blanks."""

    console: Console
    width: int
    #: How wide what need not be read line by line may be.
    whole_width: int
    encoding: str

    @property
    def plain(self) -> bool:
        """True when the terminal cannot show every character."""
        return not self.encoding.lower().startswith("utf")

    def text(self, text: str, style: str = "") -> Text:
        """Return text that the terminal's encoding can show; markup in it is shown, never obeyed."""
        if self.plain:
            text = text.translate(_PLAIN).encode(self.encoding, "replace").decode(self.encoding)
        return Text(text, style=style)

    def line(self, text: doc.Words, style: str = "") -> Text:
        """Return a text with its looks, without blanks at its edges."""
        styled = [
            self.text(span.text, f"{_LOOKS.get(span.look, span.look)} {_STYLES.get(span.tone, '')}".strip())
            for span in spans(text)
        ]
        line = Text(style=_LOOKS.get(style, style)).join(styled)
        line.rstrip()
        return line

    def beside(self, line: Text, aside: doc.Words) -> Text:
        """Return a line with what stands at its right."""
        return Text.assemble(line, self.text(" · "), self.line(aside)) if aside else line

    def bar(self, share: float) -> Text:
        """Return a bar for a share of 0..1, shorter on a narrow terminal."""
        cells = _BAR_CELLS if self.width >= _ROOMY else _SHORT_BAR_CELLS
        filled = words.whole(share * cells)
        return Text.assemble(self.text("━" * filled, "cyan"), self.text("─" * (cells - filled), "dim"))

    def block(self, body: Text | doc.Words, first: Text | str = "", rest: Text | None = None) -> Iterator[Text]:
        """Yield a paragraph: its first line starts with ``first``, the others with ``rest`` (default: blanks)."""
        body = body if isinstance(body, Text) else self.line(body)
        first = first if isinstance(first, Text) else Text(first)
        following = Text(" " * first.cell_len) if rest is None else rest
        room = max(20, self.width - first.cell_len)
        for number, line in enumerate(body.wrap(self.console, room, overflow="fold")):
            yield _stripped(following if number else first, line)

    def table(self, table: RichTable, indent: int = 0) -> Iterator[Text]:
        """Yield the lines of a table, which may be as wide as the window."""
        options = self.console.options.update(width=self.whole_width - indent)
        for segments in self.console.render_lines(table, options, pad=False):
            yield _stripped(" " * indent, *((segment.text, segment.style or "") for segment in segments))

    def blocks(self, blocks: Iterable[doc.Block], indent: int) -> Iterator[Text]:
        """Yield blocks, those below a heading of a section indented by two."""
        before: doc.Block | None = None
        for block in blocks:
            below_title = isinstance(before, doc.Heading) and before.level == 1
            if isinstance(block, doc.Paragraph | doc.Items) and (below_title or isinstance(before, doc.Table)):
                yield Text()
            before = block
            yield from self.write(block, indent)
            if isinstance(block, doc.Heading) and block.level == 2:
                indent = 2

    @singledispatchmethod
    def write(self, block: doc.Block, indent: int) -> Iterator[Text]:
        """Yield the lines of one block."""
        raise TypeError(f"a terminal cannot show a {type(block).__name__}")

    @write.register
    def _(self, block: doc.Heading, indent: int) -> Iterator[Text]:
        if block.level == 2:
            yield Text()
        if block.above:
            yield from self.block(self.line(block.above, "dim"))
        yield from self.block(self.line(block.text, "bold"))

    @write.register
    def _(self, block: doc.Paragraph, indent: int) -> Iterator[Text]:
        line = self.line(block.text, block.look)
        if block.look == "question":
            line = Text.assemble(self.text("“", "italic"), line, self.text("”", "italic"))
        yield from self.block(line, " " * indent)

    @write.register
    def _(self, block: doc.Items, indent: int) -> Iterator[Text]:
        for number, item in enumerate(block.items, 1):
            style = _STYLES.get(item.standing, "bold cyan" if block.numbered else "")
            sign = item.standing.sign if item.standing else str(number) if block.numbered else "-"
            first = Text.assemble(" " * max(indent, 2), self.text(sign, style), " ")
            line = self.line(item.text, "accent" if block.numbered else "")
            yield from self.block(self.beside(line, item.aside), first)
            yield from self.blocks(item.blocks, first.cell_len)

    @write.register
    def _(self, block: doc.Quote, indent: int) -> Iterator[Text]:
        first = Text(" " * indent)
        if block.marker:
            first = Text.assemble(first, self.line(block.marker), " ")
        for number, text in enumerate(block.texts):
            start = " " * first.cell_len if number else first
            yield from self.block(self.line(text, _STYLES.get(block.standing, "")), start)

    @write.register
    def _(self, block: doc.MarkedText, indent: int) -> Iterator[Text]:
        body = Text()
        for piece in block.pieces:
            style = f"underline {_STYLES.get(piece.standing, '')}" if piece.standing else ""
            body.append_text(self.text(clean_lines(piece.text), style))
            for marker in piece.markers:
                body.append_text(self.line(marker))
        yield from self._beside_a_line(body, [(marker.text, f" {meaning}") for marker, meaning in block.legend])

    def _beside_a_line(self, body: Text, legend: Sequence[doc.Words]) -> Iterator[Text]:
        edge = self.text("  │ ", "dim")
        yield from self.block(body, edge, edge)
        yield from self._legend(legend)

    def _legend(self, meanings: Sequence[doc.Words]) -> Iterator[Text]:
        if meanings:
            yield Text()
            line = self.text(" · ").join(self.line(meaning) for meaning in meanings)
            line.stylize("dim")
            yield from self.block(line, "  ")

    @write.register
    def _(self, block: doc.TextDiff, indent: int) -> Iterator[Text]:
        legend = [_DIFF_LEGEND[kind] for kind in block.kinds()]
        if self.whole_width < _SIDE_BY_SIDE_WIDTH:
            one = Text.assemble(*(self._diff_piece(piece, piece.text) for piece in block.in_one()))
            yield from self._beside_a_line(one, legend)
            return
        width = min(_MAX_COLUMN, (self.whole_width - 5) // 2)
        table = RichTable(box=MINIMAL, show_header=False, show_edge=False, pad_edge=False)
        table.add_column(width=width, overflow="fold")
        table.add_column(width=width, overflow="fold")
        table.add_row(*(self.line(title, "bold") for title in block.titles))
        for left, right in block.rows():
            table.add_row(
                Text.assemble(*(self._diff_piece(piece, piece.old) for piece in left)),
                Text.assemble(*(self._diff_piece(piece, piece.new) for piece in right)),
            )
        yield from self.table(table, 2)
        yield from self._legend(legend)

    def _diff_piece(self, piece: doc.DiffPiece, text: str) -> Text:
        """Return a piece of one text with brackets that need no colour, inside the white space at its edges."""
        text = clean_lines(text)
        body = text.strip(" \n")
        if piece.kind == "same" or not body:
            return self.text(text)
        opening, closing = _DIFF_BRACKETS[piece.kind]
        style = _DIFF_STYLES[piece.kind]
        if piece.moved is not None:
            opening, closing, style = f"<{piece.moved} ", f" {piece.moved}>", "dim"
        start = text.index(body)
        return Text.assemble(
            self.text(text[:start]),
            self.text(f"{opening}{body}{closing}", style),
            *(self.line(marker) for marker in piece.markers),
            self.text(text[start + len(body) :]),
        )

    @write.register
    def _(self, block: doc.Bar, indent: int) -> Iterator[Text]:
        yield from self.block(block.caption, Text.assemble(" " * indent, self.bar(block.share), "  "))

    @write.register
    def _(self, block: doc.Table, indent: int) -> Iterator[Text]:
        shown = [place for place, column in enumerate(block.columns) if self.width >= _ROOMY or not column.spare]
        headed = any(column.title for column in block.columns)
        table = RichTable(box=SIMPLE_HEAD if headed else None, pad_edge=False, show_edge=False, show_header=headed)
        for column in (block.columns[place] for place in shown):
            table.add_column(
                self.line(column.title),
                justify="right" if column.right else "left",
                no_wrap=not column.wraps,
                # rich's own sign for what was cut is no ASCII.
                overflow="fold" if column.wraps else "crop" if self.plain else "ellipsis",
            )
        for number, row in enumerate(block.rows):
            cells = (row[place] for place in shown)
            table.add_row(
                *(self.bar(cell.share) if isinstance(cell, doc.Bar) else self.line(cell) for cell in cells),
                style="bold" if number == block.best else "",
            )
        yield from self.table(table, 0 if headed else indent)

    @write.register
    def _(self, block: doc.Card, indent: int) -> Iterator[Text]:
        yield Text()
        yield from self.block(self.beside(self.line(block.title, "bold"), block.aside), "  ")
        for inner in block.blocks:
            yield from self.blocks([inner], 4 if isinstance(inner, doc.Items) else 2)

    @write.register
    def _(self, block: doc.Notice, indent: int) -> Iterator[Text]:
        yield from self.write(doc.Heading(block.title), indent)
        for line in block.lines:
            yield from self.block(line, Text.assemble("  ", self.text("!", "yellow"), " "))

    @write.register
    def _(self, block: doc.Chart, indent: int) -> Iterator[Text]:
        yield from self.block(self.line(block.caption, "dim"), " " * indent)

    @write.register
    def _(self, block: doc.Receipt, indent: int) -> Iterator[Text]:
        yield Text()
        yield self.text("─" * self.width, "dim")
        for parts in block.lines:
            line = ""
            # A line is broken between its parts where that is enough.
            for part in parts:
                longer = f"{line} · {part}" if line else part
                if line and cell_len(longer) > self.width:
                    yield from self.block(self.line(line, "dim"))
                    longer = part
                line = longer
            yield from self.block(self.line(line, "dim"))


def _stripped(*parts: Text | str | tuple[str, str | Style]) -> Text:
    line = Text.assemble(*parts)
    line.rstrip()
    return line
