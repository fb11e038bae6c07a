"""The answer cut into segments, so that each report can mark the quoted sentences in its own way."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coach.report.display_text import BLANKS, reflow, visible_part
from coach.report.words import Standing
from coach.submit.assessment import Evidence

#: What a sentence shows when it was quoted for several checks: the most urgent wins.
_URGENCY = (Standing.AGAINST, Standing.EARNED, Standing.PARTLY)


@dataclass(frozen=True)
class Marker:
    """The number of a point in the report, and how that point stands."""

    number: int
    standing: Standing


@dataclass(frozen=True)
class Quoted:
    """One piece of evidence, and the marker and check that it belongs to."""

    evidence: Evidence
    marker: Marker
    check_id: str


@dataclass(frozen=True)
class Segment:
    """A piece of the answer; ``standing`` is None where nothing was quoted.

    ``markers`` belong to the quotes that end with this piece; ``check_ids`` to all that cover it.
    """

    text: str
    standing: Standing | None = None
    markers: tuple[Marker, ...] = ()
    check_ids: tuple[str, ...] = ()


def is_quoted_from(evidence: Evidence, answer: str) -> bool:
    """Return whether the evidence lies in this text where it says it does."""
    return evidence.start < evidence.end and answer[evidence.start : evidence.end] == evidence.quote


def mark_answer(answer: str, quoted: Iterable[Quoted]) -> tuple[Segment, ...]:
    """Cut the answer at the borders of all quotes; joined, the segments are the answer made fit for display.

    Quotes may overlap. Evidence that does not lie in this text is left out. Blank edges of the answer are cut.
    """
    shown = reflow(answer)
    spans = [_trimmed(item, shown) for item in quoted if is_quoted_from(item.evidence, answer)]
    first, last = _core(shown, 0, len(shown))
    borders = {first, last, *(border for start, end, _ in spans for border in (start, end))}
    cuts = sorted(border for border in borders if first <= border <= last)
    return tuple(_segment(shown, start, end, spans) for start, end in itertools.pairwise(cuts))


_Span = tuple[int, int, Quoted]


def _trimmed(item: Quoted, shown: str) -> _Span:
    """Cut white space from the edges of a quote, so that its marker stands right behind the words."""
    start, end = _core(shown, item.evidence.start, item.evidence.end)
    return start, end, item


def _core(shown: str, start: int, end: int) -> tuple[int, int]:
    """Return the borders of a part without the blanks at its edges; a blank part is empty."""
    part = shown[start:end]
    body = part.strip(BLANKS)
    left = start + (part.index(body) if body else 0)
    return left, left + len(body)


def _segment(shown: str, start: int, end: int, spans: Sequence[_Span]) -> Segment:
    covering = [(right, item) for left, right, item in spans if left <= start and end <= right]
    standings = {item.marker.standing for _, item in covering}
    markers = {item.marker for right, item in covering if right == end}
    return Segment(
        text=visible_part(shown[start:end]),
        standing=next((standing for standing in _URGENCY if standing in standings), None),
        markers=tuple(sorted(markers, key=lambda marker: marker.number)),
        check_ids=tuple(dict.fromkeys(item.check_id for _, item in covering)),
    )
