"""The text diff for people: words removed and inserted, and sentences moved, with offsets into both texts.

Sentences that both texts have in the same order are matched first; between them words are compared. The comparing is
difflib's; what is done here is to gather scattered changes, because a stretch that was rewritten is read more easily as
one change than as a patchwork of the few words that are the same by chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from coach.answer.sentences import split_sentences
from coach.compare.result import DiffSegment, MovedSentence, SegmentKind, TextDiff

#: Shorter sentences ("Yes, we did.") come and go; they are not called moved.
_MIN_MOVED_WORDS = 4
#: A word or one other character, with the white space behind it.
_TOKEN = re.compile(r"(?:\w+(?:['’-]\w+)*|[^\w\s])\s*")
_WORD = re.compile(r"\w+")


class _Piece(NamedTuple):
    """A word with the white space behind it; a sentence that was moved is one piece. All pieces cover the text.

    ``sentence`` is the place of its sentence in its text, ``moved`` the number of the moved sentence that it is.
    """

    end: int
    key: str
    sentence: int
    moved: int | None = None


class _Stretch(NamedTuple):
    """What both lists of pieces have (``same``), or what stands in one for what stands in the other."""

    same: bool
    i: int
    to_i: int
    j: int
    to_j: int


_Sentences = list[list[_Piece]]
#: A piece that is the same in both texts; or None for one of them.
_Pair = tuple[_Piece | None, _Piece | None]


def diff_texts(old: str, new: str, language: str = "en") -> TextDiff:
    """Compare two texts; swapping them swaps removed and inserted, and changes nothing else.

    The spans of the segments cover both texts without gaps, in order; of two changes at one place, the removed pieces
    come first. A piece that is removed or inserted lies in one sentence.
    """
    left, right = list(_sentences(old, language)), list(_sentences(new, language))
    keys, other_keys = ([" ".join(_words(sentence)) for sentence in side] for side in (left, right))
    anchors = [
        (stretch.i + k, stretch.j + k)
        for stretch in _stretches(keys, other_keys)
        if stretch.same
        for k in range(stretch.to_i - stretch.i)
    ]
    _mark_moved(left, right, keys, other_keys, anchors)
    pairs: list[_Pair] = []
    i = j = 0
    for to_i, to_j in [*anchors, (len(left), len(right))]:
        pairs += _word_pairs(left[i:to_i], right[j:to_j])
        # A matched pair may still differ in capitals and punctuation.
        i, j = to_i + 1, to_j + 1
        pairs += _word_pairs(left[to_i:i], right[to_j:j])
    segments = list(_segments(pairs, old, new))
    return TextDiff(segments=segments, moved=list(_moved_sentences(segments)))


def _sentences(text: str, language: str) -> Iterator[list[_Piece]]:
    starts = [sentence.start for sentence in split_sentences(text, language)][1:]
    for place, (start, end) in enumerate(pairwise([0, *starts, len(text)] if text else [])):
        words = [_Piece(match.end(), match[0].strip(), place) for match in _TOKEN.finditer(text, start, end)]
        yield [*words[:-1], _Piece(end, words[-1].key if words else "", place)]


def _words(pieces: Sequence[_Piece]) -> list[str]:
    return _WORD.findall(" ".join(piece.key for piece in pieces).casefold())


def _stretches(left: list[str], right: list[str]) -> Iterator[_Stretch]:
    # Of two ways of the same length difflib may prefer another one for swapped texts.
    swapped = left > right
    # In long stretches difflib looks for no match among the commonest words alone: that would take its time squared.
    matcher = SequenceMatcher(None, right, left) if swapped else SequenceMatcher(None, left, right)
    for tag, i, to_i, j, to_j in matcher.get_opcodes():
        yield _Stretch(tag == "equal", *((j, to_j, i, to_i) if swapped else (i, to_i, j, to_j)))


def _mark_moved(
    left: _Sentences, right: _Sentences, keys: list[str], other_keys: list[str], anchors: Sequence[tuple[int, int]]
) -> None:
    """Make the sentences that both texts have, but not in the same order, one piece each, and number the pairs."""
    stay, other_stay = {i for i, _ in anchors}, {j for _, j in anchors}
    waiting: dict[str, list[int]] = {}
    for j, key in enumerate(other_keys):
        if j not in other_stay and len(key.split()) >= _MIN_MOVED_WORDS:
            waiting.setdefault(key, []).append(j)
    pairs = [(i, waiting[key].pop(0)) for i, key in enumerate(keys) if i not in stay and waiting.get(key)]
    # By where they come first, in either text.
    for number, (i, j) in enumerate(sorted(pairs, key=lambda pair: (sorted(pair), keys[pair[0]])), 1):
        # No word holds a line break, and the two sides differ: a moved sentence never counts as the same.
        left[i] = [_Piece(left[i][-1].end, f"\nleft {number}", i, number)]
        right[j] = [_Piece(right[j][-1].end, f"\nright {number}", j, number)]


def _word_pairs(old: _Sentences, new: _Sentences) -> Iterator[_Pair]:
    left, right = list(chain(*old)), list(chain(*new))
    stretches = _stretches([piece.key for piece in left], [piece.key for piece in right])
    for same, i, to_i, j, to_j in _gathered(stretches, left, right):
        if same:
            yield from zip(left[i:to_i], right[j:to_j], strict=True)
        else:
            yield from ((piece, None) for piece in left[i:to_i])
            yield from ((None, piece) for piece in right[j:to_j])


def _gathered(stretches: Iterator[_Stretch], left: Sequence[_Piece], right: Sequence[_Piece]) -> list[_Stretch]:
    """Join two changes with what is the same between them when that has no more words than either of them.

    A full stop or comma alone beside something rewritten counts as rewritten too.
    """

    def size(stretch: _Stretch) -> int:
        return max(len(_words(left[stretch.i : stretch.to_i])), len(_words(right[stretch.j : stretch.to_j])))

    def stray(mark: _Stretch, beside: _Stretch) -> bool:
        rewritten = beside.i < beside.to_i and beside.j < beside.to_j
        return mark.same and rewritten and size(mark) == 0

    done: list[_Stretch] = []
    for stretch in stretches:
        done.append(stretch)
        while len(done) > 1:
            before, last = done[-2:]
            island = len(done) > 2 and before.same and size(before) <= min(size(done[-3]), size(last))
            if not (island or before.same == last.same or stray(before, last) or stray(last, before)):
                break
            first = done[-3 if island else -2]
            done[-3 if island else -2 :] = [_Stretch(False, first.i, last.to_i, first.j, last.to_j)]
    return done


def _segments(pairs: Sequence[_Pair], old: str, new: str) -> Iterator[DiffSegment]:
    a = b = 0
    for _, run in groupby(pairs, key=lambda pair: None in pair):
        removed_first = sorted(run, key=lambda pair: pair[0] is None)
        for (kind, _, moved), group in groupby(removed_first, key=_what_happened):
            *_, (last, other_last) = group
            to_a, to_b = last.end if last else a, other_last.end if other_last else b
            yield DiffSegment(
                kind=kind,
                text=old[a:to_a] if kind == "removed" else new[b:to_b],
                old_start=a,
                old_end=to_a,
                new_start=b,
                new_end=to_b,
                moved=moved,
            )
            a, b = to_a, to_b


def _what_happened(pair: _Pair) -> tuple[SegmentKind, int | None, int | None]:
    """Return what became of a piece, and of a changed one its sentence and the number of the moved sentence it is."""
    one, other = pair
    if one is None and other:
        return "inserted", other.sentence, other.moved
    return ("removed", one.sentence, one.moved) if one and other is None else ("same", None, None)


def _moved_sentences(segments: Sequence[DiffSegment]) -> Iterator[MovedSentence]:
    departures = {segment.moved: segment for segment in segments if segment.kind == "removed"}
    arrivals = [segment for segment in segments if segment.kind == "inserted" and segment.moved]
    for arrival in sorted(arrivals, key=lambda segment: segment.moved or 0):
        departure = departures[arrival.moved]
        yield MovedSentence(
            number=arrival.moved or 0,
            quote=arrival.text.strip(),
            old_start=departure.old_start,
            old_end=departure.old_end,
            new_start=arrival.new_start,
            new_end=arrival.new_end,
        )
