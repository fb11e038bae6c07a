"""The text diff made fit for display: pieces with the numbers of the changes they brought, and rows side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.compare.comparison import DiffSegment, SegmentKind, TextDiff
from coach.report.display_text import reflow, visible_part

_ENDS_SENTENCE = re.compile(r"(?:[.!?…:][\"'”’)\]]*\s+|\n\s*)")


@dataclass(frozen=True)
class DiffPiece:
    """A piece of both texts: ``old`` is empty for an inserted piece, ``new`` for a removed one.

    ``numbers`` are those of the changes that this piece brought, ``moved`` that of the moved sentence it is.
    """

    kind: SegmentKind
    old: str
    new: str
    moved: int | None = None
    numbers: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The piece as a text of both versions shows it."""
        return self.new or self.old


def needs_gap(before: DiffPiece | None, piece: DiffPiece) -> bool:
    """Return whether a blank must stand between two pieces in one text: they come from the ends of two texts."""
    if before is None or (before.kind, piece.kind) != ("removed", "inserted"):
        return False
    return not (before.text[-1:].isspace() or piece.text[:1].isspace())


#: Pieces of the old and of the new text that stand side by side.
DiffRow = tuple[tuple[DiffPiece, ...], tuple[DiffPiece, ...]]


def diff_pieces(diff: TextDiff, old: str, new: str, numbers: Mapping[str, int]) -> tuple[DiffPiece, ...]:
    """Return the pieces; ``numbers`` gives the number of a change by its check."""
    shown_old, shown_new = reflow(old), reflow(new)
    pieces = [
        DiffPiece(
            kind=segment.kind,
            old=visible_part(shown_old[segment.old_start : segment.old_end]),
            new=visible_part(shown_new[segment.new_start : segment.new_end]),
            moved=segment.moved,
            numbers=marked,
        )
        for segment, marked in _marked(diff.segments, numbers)
    ]
    return tuple(piece for piece in pieces if piece.old or piece.new)


def _marked(
    segments: Sequence[DiffSegment], numbers: Mapping[str, int]
) -> Iterator[tuple[DiffSegment, tuple[int, ...]]]:
    """Give each change its number at the last piece of either text that brought it."""
    last = {(s.kind, check_id): place for place, s in enumerate(segments) for check_id in s.check_ids}
    for place, segment in enumerate(segments):
        own = [check_id for check_id in segment.check_ids if last[segment.kind, check_id] == place]
        yield segment, tuple(sorted(numbers[check_id] for check_id in own if check_id in numbers))


def diff_rows(pieces: Sequence[DiffPiece]) -> tuple[DiffRow, ...]:
    """Cut the texts into rows for two columns, at ends of sentences that both have."""
    rows: list[tuple[list[DiffPiece], list[DiffPiece]]] = [([], [])]
    for piece in pieces:
        head, tail = _cut(piece)
        for part in (head, tail):
            if part is None:
                continue
            if part is tail:
                rows.append(([], []))
            left, right = rows[-1]
            if part.old:
                left.append(part)
            if part.new:
                right.append(part)
    return tuple((tuple(left), tuple(right)) for left, right in rows if left or right)


def _cut(piece: DiffPiece) -> tuple[DiffPiece | None, DiffPiece | None]:
    """Cut a piece that is the same in both texts behind its last full sentence."""
    if piece.kind != "same":
        return piece, None
    ends = [[match.end() for match in _ENDS_SENTENCE.finditer(text)] for text in (piece.old, piece.new)]
    if not ends[0] or len(ends[0]) != len(ends[1]):
        return piece, None
    old_end, new_end = ends[0][-1], ends[1][-1]
    head = replace(piece, old=piece.old[:old_end], new=piece.new[:new_end])
    tail = replace(piece, old=piece.old[old_end:], new=piece.new[new_end:])
    return head, tail
