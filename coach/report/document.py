"""A report as a document: blocks that say what is told and in which order, and that every writer can show.

A builder (``coach.report.assessment``, ``coach.report.question``, ``coach.compare.report``, ``coach.history.report``)
turns a result into a ``Document``; a writer shows any document: ``terminal.TerminalReport(document)`` for rich,
``markdown.markdown_report(document)``, ``html.html_report(document)`` (a whole page) and ``html.html_body(document)``
(its content, to stand in another page).

=============  ======================================================================================================
Heading        a title: level 1 with the small line above it, or 2
Paragraph      a text, plain, dim, italic or as somebody's question
Items          a list of ``Item``: a text with a sign, a number or a bullet, and blocks that belong to it
Quote          sentences of somebody else, with the marker of the point that they carry
MarkedText     a text of several lines, pieces of which are marked, with a legend
TextDiff       two texts with what was removed, inserted and moved
Bar            a share of 0 to 1 in words and as a bar, perhaps with an interval
Table          columns and rows of texts and bars
Card           a part with a title and something at its right; the headline of a report is one
Notice         something to know about the result
Chart          a drawing with its caption
Receipt        lines of small print at the end
=============  ======================================================================================================

A text is a string, a ``Span`` or a tuple of both; ``spans`` makes it fit for display (see ``display_text``), so that
builders hand on foreign text as it is. Escaping is each writer's own. A span or item may have an ``id``, and a span
may lead ``to`` one: the marker behind the sentence that carries the check C is ``quote-C``, the point about it
``point-C``, the step about it ``step-C``. A writer gives each id once, to the first that claims it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from coach.report.display_text import clean


class Standing(StrEnum):
    """How something stands, such as a check in an answer: gives its sign and colour. In the order of a criterion."""

    EARNED = "earned"
    PARTLY = "partly"
    AGAINST = "against"
    MISSING = "missing"
    UNJUDGED = "unjudged"

    @property
    def rank(self) -> int:
        """Its place in that order, from 0."""
        return list(Standing).index(self)

    @property
    def sign(self) -> str:
        """What stands in front of it; each has another shape, so that none is told by its colour alone."""
        return "✓◐✗○?"[self.rank]


@dataclass(frozen=True)
class Span:
    """A piece of a line that looks or leads otherwise than the rest.

    ``accent`` is for levels and the like, ``marker`` for the number of a point. ``hint`` says where a link leads to
    those who only hear it.
    """

    text: str
    look: Literal["", "strong", "dim", "italic", "code", "accent", "marker"] = ""
    tone: Standing | None = None
    id: str = ""
    to: str = ""
    hint: str = ""


Words = str | Span | tuple[str | Span, ...]


def spans(words: Words) -> Iterator[Span]:
    """Yield the spans of a text, fit for display and on one line; empty ones are left out."""
    for part in words if isinstance(words, tuple) else (words,):
        span = part if isinstance(part, Span) else Span(part)
        text = re.sub(r"\s+", " ", clean(span.text))
        if text:
            yield replace(span, text=text)


def joined(between: str, *parts: str | Span) -> tuple[str | Span, ...]:
    """Return the parts that are not empty with a text between them."""
    kept = [part for part in parts if (part.text if isinstance(part, Span) else part)]
    return tuple(item for part in kept for item in (between, part))[1:]


@dataclass(frozen=True)
class Heading:
    """A title; ``above`` is a small line over it."""

    text: Words
    level: Literal[1, 2] = 2
    above: Words = ""


@dataclass(frozen=True)
class Paragraph:
    """A text; a ``question`` is shown as one that somebody asks."""

    text: Words
    look: Literal["", "dim", "italic", "question"] = ""


@dataclass(frozen=True)
class Quote:
    """Sentences of somebody else, each with its quotation marks; the marker stands in front of the first."""

    texts: tuple[Words, ...]
    standing: Standing
    marker: Span | None = None


@dataclass(frozen=True)
class Item:
    """A text in a list with what belongs to it; ``aside`` is a word or two at its right."""

    text: Words
    standing: Standing | None = None
    blocks: tuple[Block, ...] = ()
    aside: Words = ""
    id: str = ""


@dataclass(frozen=True)
class Items:
    """A list; without a standing an item has a bullet, or its number in a ``numbered`` list of steps."""

    items: tuple[Item, ...]
    numbered: bool = False


def section(title: str, items: Sequence[Item], before: str = "", *, numbered: bool = False) -> tuple[Block, ...]:
    """Return items below a heading, with a word before them if there is one; nothing where there are no items."""
    word = [Paragraph(before, "dim")] if before else []
    return (Heading(title), *word, Items(tuple(items), numbered)) if items else ()


@dataclass(frozen=True)
class Piece:
    """A piece of a marked text; ``standing`` is None where nothing is marked.

    ``markers`` belong to the quotes that end with this piece, ``points`` are the ids of all checks that it carries.
    """

    text: str
    standing: Standing | None = None
    markers: tuple[Span, ...] = ()
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkedText:
    """A text with marked pieces, and what its marks mean; a ``draft`` is one that is yet to be filled in."""

    pieces: tuple[Piece, ...]
    legend: tuple[tuple[Span, str], ...] = ()
    draft: bool = False


@dataclass(frozen=True)
class DiffPiece:
    """A piece of both texts: ``old`` is empty for an inserted piece, ``new`` for a removed one.

    ``markers`` belong to the changes that this piece brought, ``moved`` is the number of the moved sentence it is.
    """

    kind: Literal["same", "removed", "inserted"]
    old: str
    new: str
    moved: int | None = None
    markers: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        """The piece as a text of both versions shows it."""
        return self.new or self.old


_ENDS_SENTENCE = re.compile(r"(?:[.!?…:][\"'”’)\]]*\s+|\n\s*)")


@dataclass(frozen=True)
class TextDiff:
    """Two texts, named by their titles, with what was removed, inserted and moved between them."""

    titles: tuple[Words, Words]
    pieces: tuple[DiffPiece, ...]

    def kinds(self) -> list[str]:
        """Return which of removed, inserted, moved and marked pieces there are."""
        return [
            *(
                kind
                for kind in ("removed", "inserted")
                if any(piece.kind == kind and piece.moved is None for piece in self.pieces)
            ),
            *(["moved"] if any(piece.moved is not None for piece in self.pieces) else []),
            *(["marked"] if any(piece.markers for piece in self.pieces) else []),
        ]

    def in_one(self) -> Iterator[DiffPiece]:
        """Yield the pieces for one text of both versions: what stood at the ends of two texts gets a blank between."""
        before: DiffPiece | None = None
        for piece in self.pieces:
            ends = before and (before.kind, piece.kind) == ("removed", "inserted")
            if before and ends and not (before.text[-1:].isspace() or piece.text[:1].isspace()):
                yield DiffPiece("same", " ", " ")
            yield piece
            before = piece

    def rows(self) -> list[tuple[tuple[DiffPiece, ...], tuple[DiffPiece, ...]]]:
        """Cut the texts into rows for two columns, old and new, at ends of sentences that both have."""
        rows: list[tuple[list[DiffPiece], list[DiffPiece]]] = [([], [])]
        for piece in self.pieces:
            for number, part in enumerate(_cut(piece)):
                if number:
                    rows.append(([], []))
                left, right = rows[-1]
                if part.old:
                    left.append(part)
                if part.new:
                    right.append(part)
        return [(tuple(left), tuple(right)) for left, right in rows if left or right]


def _cut(piece: DiffPiece) -> list[DiffPiece]:
    """Cut a piece that is the same in both texts behind its last full sentence."""
    ends = [[match.end() for match in _ENDS_SENTENCE.finditer(text)] for text in (piece.old, piece.new)]
    if piece.kind != "same" or not ends[0] or len(ends[0]) != len(ends[1]):
        return [piece]
    old, new = ends[0][-1], ends[1][-1]
    head, tail = (piece.old[:old], piece.new[:new]), (piece.old[old:], piece.new[new:])
    return [replace(piece, old=head[0], new=head[1]), replace(piece, old=tail[0], new=tail[1])]


@dataclass(frozen=True)
class Bar:
    """A share of 0 to 1; ``label`` says it to those who do not see the bar, ``caption`` stands beside it."""

    share: float
    label: str
    caption: Words = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Column:
    """A column of a table; a ``spare`` one is left out where the page is too narrow for all."""

    title: str = ""
    right: bool = False
    wraps: bool = True
    spare: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells, one for each column; without any title there is no head. The ``best`` row stands out."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Words | Bar, ...], ...]
    best: int | None = None


@dataclass(frozen=True)
class Card:
    """A part with a title, and at its right what that part comes to; ``headline`` is the one at the top."""

    title: Words
    aside: Words = ""
    blocks: tuple[Block, ...] = ()
    headline: bool = False


@dataclass(frozen=True)
class Notice:
    """Something to know about the result or how it was found: a heading and kind sentences."""

    title: str
    lines: tuple[Words, ...]


@dataclass(frozen=True)
class Chart:
    """A drawing, which only an HTML page shows; ``svg`` is our own, escaped by ``charts.bare_svg``."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Receipt:
    """Small print: lines, each as parts that a writer joins and breaks between."""

    lines: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Items | Quote | MarkedText | TextDiff | Bar | Table | Card | Notice | Chart | Receipt


@dataclass(frozen=True)
class Document:
    """A whole report; ``title`` names its page, ``wide`` is for one of tables and charts."""

    title: str
    blocks: tuple[Block, ...]
    wide: bool = False
