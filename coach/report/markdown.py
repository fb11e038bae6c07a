"""Reports as Markdown (CommonMark with tables), in which foreign text cannot become structure."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch

from coach.report import document as doc
from coach.report import words
from coach.report.display_text import clean_lines
from coach.report.document import Document, spans

_BAR_CELLS = 20
#: What is cut off a piece before marks are put around it: emphasis needs words at its edges.
_BLANKS = " \n"
#: Characters that can start emphasis, code, links, HTML, entities, tables, math or mentions anywhere in a line.
_ANYWHERE = re.compile(r"[\\`*_\[\]<>|~&$]")
#: What makes a heading, list item, quote, rule or fence at the start of a line.
_AT_START = re.compile(r"(?m)^(\d{0,9})([#+=:.)-])")
#: What may stand beyond emphasis that begins or ends with punctuation: nothing, a blank, or punctuation.
_BEYOND = ("", *" \n", *string.punctuation)
_LOOKS = {"strong": "**", "italic": "*"}
_DIFF_LEGEND = "~~removed~~ · **new** · *moved* · \\[n\\] brought the change with this number"


def markdown_report(document: Document) -> str:
    """Return the report as Markdown that ends with a line feed."""
    return "\n\n".join(_blocks(document.blocks)) + "\n"


def escape(text: str) -> str:
    """Return text in which every character stands for itself; line breaks stay, indents go."""
    rows = (" ".join(row.split()) for row in text.split("\n"))
    shown = "\n".join(_ANYWHERE.sub(r"\\\g<0>", row) for row in rows)
    return _AT_START.sub(r"\1\\\2", shown)


def _emphasised(text: str, mark: str, before: str, after: str, brackets: tuple[str, str] = ("", "")) -> str:
    """Mark a piece that stands between others, paragraph by paragraph, as emphasis cannot cross a blank line.

    Emphasis needs a letter at its edge, or a blank or punctuation beyond it; elsewhere a piece gets brackets instead.
    """
    begins = text[:1].isalnum() or before[-1:] in _BEYOND
    ends = text[-1:].isalnum() or after[:1] in _BEYOND
    opening, closing = (mark, mark) if begins and ends and before[-1:] != mark[-1:] else brackets
    parts = []
    for part in text.split("\n\n"):
        body = part.strip(_BLANKS)
        # Marks stand inside the white space at the edges.
        parts.append(part.replace(body, f"{opening}{escape(body)}{closing}") if body else part)
    return "\n\n".join(parts)


def _line(text: doc.Words, look: str = "") -> str:
    """Return a text with its looks, or with one look for the whole."""
    shown = ""
    parts = list(spans(text))
    for span, following in zip(parts, [*parts[1:], None], strict=False):
        if span.look == "code":
            shown += f"`{span.text.replace('`', '')}`"
        else:
            mark = "" if look else _LOOKS.get(span.look, "")
            shown += _emphasised(span.text, mark, shown, following.text if following else "")
    line = shown.strip()
    return f"{look}{line}{look}" if line else ""


def _blocks(blocks: Iterable[doc.Block]) -> Iterator[str]:
    for block in blocks:
        yield from filter(None, _write(block))


@singledispatch
def _write(block: doc.Block) -> Iterator[str]:
    """Yield the paragraphs of one block."""
    raise TypeError(f"Markdown cannot show a {type(block).__name__}")


@_write.register
def _(block: doc.Heading) -> Iterator[str]:
    yield f"{'#' * block.level} {_line(block.text)}"
    # A file begins with its title.
    if block.above:
        yield _line(block.above)


@_write.register
def _(block: doc.Paragraph) -> Iterator[str]:
    if block.look == "question":
        yield f"> {_line(block.text)}"
    else:
        yield _line(block.text, "*" if block.look == "italic" else "")


@_write.register
def _(block: doc.Items) -> Iterator[str]:
    items = []
    for number, item in enumerate(block.items, 1):
        sign = f"{number}. " if block.numbered else "- "
        aside = _line((" · ", *item.aside) if isinstance(item.aside, tuple) else (" · ", item.aside))
        head = _line(item.text) + (f" {aside}" if item.aside else "")
        rows = "\n\n".join([head, *_blocks(item.blocks)]).split("\n")
        items.append(sign + "\n".join(f"{' ' * len(sign)}{row}".rstrip() for row in rows).strip())
    yield ("\n\n" if any("\n" in item for item in items) else "\n").join(items)


@_write.register
def _(block: doc.Quote) -> Iterator[str]:
    for number, text in enumerate(block.texts):
        marker = f"{_line(block.marker)} " if block.marker and not number else ""
        yield f"> {marker}{_line(text)}"


@_write.register
def _(block: doc.MarkedText) -> Iterator[str]:
    yield _pieces((piece.text, "**" if piece.standing else "", piece.markers) for piece in block.pieces)
    if block.legend:
        yield " · ".join(_line((marker, f" {meaning}")) for marker, meaning in block.legend)


@_write.register
def _(block: doc.TextDiff) -> Iterator[str]:
    marks = {"same": "", "removed": "~~", "inserted": "**"}
    parts = ((p.text, marks[p.kind] if p.moved is None else "*", p.markers) for p in block.in_one())
    yield _pieces(parts, {"~~": ("\\[-", "-\\]"), "**": ("{+", "+}"), "*": ("{", "}")})
    if block.kinds():
        yield _DIFF_LEGEND


def _pieces(
    parts: Iterable[tuple[str, str, tuple[doc.Span, ...]]], brackets: Mapping[str, tuple[str, str]] | None = None
) -> str:
    """Return pieces of a text as a quotation, each with its mark and what stands behind it."""
    shown = ""
    pieces = list(parts)
    for (raw, mark, markers), (following, _, _) in zip(pieces, [*pieces[1:], ("", "", ())], strict=False):
        text = clean_lines(raw)
        body = text.rstrip(_BLANKS) if mark else text
        behind = "".join(_line(marker) for marker in markers)
        after = "" if behind or body != text else following
        shown += _emphasised(body, mark, shown, after, (brackets or {}).get(mark, ("", "")))
        shown += behind + text[len(body) :]
    # Single line breaks were meant by the writer, so they are kept as hard breaks.
    quotation = re.sub(r"(?<=[^\n])\n(?=[^\n])", r"\\\n", shown.strip(_BLANKS))
    return "\n".join(f"> {row}".rstrip() for row in quotation.split("\n"))


@_write.register
def _(block: doc.Bar) -> Iterator[str]:
    yield f"{_drawn(block)} {_line(block.caption)}".rstrip()


def _drawn(bar: doc.Bar) -> str:
    filled = words.whole(bar.share * _BAR_CELLS)
    return f"`{'█' * filled}{'░' * (_BAR_CELLS - filled)}`"


@_write.register
def _(block: doc.Table) -> Iterator[str]:
    rows = [[_line(column.title) for column in block.columns], ["--:" if c.right else "---" for c in block.columns]]
    for number, row in enumerate(block.rows):
        look = "**" if number == block.best else ""
        rows.append([_drawn(cell) if isinstance(cell, doc.Bar) else _line(cell, look) for cell in row])
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


@_write.register
def _(block: doc.Card) -> Iterator[str]:
    aside = _line(block.aside)
    if block.headline:
        yield _line(block.title, "**") + (f" · {aside}" if aside else "")
    else:
        yield f"### {_line(block.title)}" + (f": {aside}" if aside else "")
    yield from _blocks(block.blocks)


@_write.register
def _(block: doc.Notice) -> Iterator[str]:
    rows = [f"> **{_line(block.title)}**", ">", *(f"> - {_line(line)}" for line in block.lines)]
    yield "\n".join(rows)


@_write.register
def _(block: doc.Chart) -> Iterator[str]:
    yield _line(block.caption)


@_write.register
def _(block: doc.Receipt) -> Iterator[str]:
    yield "---"
    yield "  \n".join(_line(" · ".join(parts)) for parts in block.lines)
