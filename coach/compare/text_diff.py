"""The text diff for people: words removed and inserted, and sentences moved, with offsets into both texts.

Sentences that both texts have in the same order are matched first; between them words are compared. The comparing
and the cleaning up for human readers are Google's diff-match-patch, which works on characters: every word becomes
one. (The library redlines was looked at too: it gives no offsets, and folds white space before it compares.)
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from coach.answer.sentences import split_sentences
from coach.compare.comparison import DiffSegment, MovedSentence, SegmentKind, TextDiff

#: Shorter sentences ("Yes, we did.") come and go; they are not called moved.
MIN_MOVED_WORDS = 4
#: Long stretches that share fewer of their words than this (unrelated prose shares about 0.4) were rewritten whole;
#: finding their few common words would take long and help nobody.
REWRITTEN_SHARE, LONG_STRETCH = 0.5, 500
#: A safety net for texts far longer than an answer: then the diff is right, but not the shortest.
TIME_LIMIT_SECONDS = 5.0

#: A word or one other character, with the white space behind it.
_TOKEN = re.compile(r"(?:\w+(?:['’-]\w+)*|[^\w\s])\s*")
_WORD = re.compile(r"\w+")
#: Letters that stand for words inside the diff. Characters that are no letters stand for themselves, so that the
#: two never meet.
_LETTERS = (*range(0x4E00, 0xA000), *range(0x20000, 0x2A6E0))
_KINDS: dict[int, SegmentKind] = {-1: "removed", 0: "same", 1: "inserted"}
_SWAPPED: dict[SegmentKind, SegmentKind] = {"removed": "inserted", "inserted": "removed", "same": "same"}


def diff_texts(old: str, new: str, language: str = "en") -> TextDiff:
    """Compare two texts; swapping them swaps removed and inserted, and changes nothing else.

    The spans of the segments cover both texts without gaps, in order; of two changes at one place, the removed pieces
    come first. A piece that is removed or inserted lies in one sentence.
    """
    # Of two diffs of the same length the library may prefer another one for swapped texts.
    swapped = old > new
    steps = _steps(new, old, language) if swapped else _steps(old, new, language)
    if swapped:
        steps = (step.swapped() for step in steps)
    segments = _segments(_removed_first(steps), old, new)
    return _with_moved(segments, new)


@dataclass(frozen=True)
class _Piece:
    """A part of one text: a word or a whole sentence, with the white space behind it. All pieces cover the text."""

    end: int
    key: str
    #: Place of the sentence in its text.
    sentence: int
    #: Number of the pair that this sentence was moved in.
    moved: int | None = None


@dataclass(frozen=True)
class _Step:
    """One piece less, more or the same; the ends are those of the pieces in their texts."""

    kind: SegmentKind
    old_end: int | None
    new_end: int | None
    #: Place of the sentence that is less or more, and the number of the pair that it was moved in.
    sentence: int | None = None
    moved: int | None = None

    def swapped(self) -> _Step:
        """Return the step that leads from the new text to the old one."""
        return replace(self, kind=_SWAPPED[self.kind], old_end=self.new_end, new_end=self.old_end)


def _steps(old: str, new: str, language: str) -> Iterator[_Step]:
    left, right = _sentences(old, language), _sentences(new, language)
    anchors = _anchors(left, right)
    left, right = _mark_moved(left, right, anchors)
    from_left = from_right = 0
    for to_left, to_right in [*anchors, (len(left), len(right))]:
        yield from _word_steps(
            list(_words(old, left, range(from_left, to_left))), list(_words(new, right, range(from_right, to_right)))
        )
        # A matched pair may still differ in capitals and punctuation.
        yield from _word_steps(
            list(_words(old, left, range(to_left, to_left + 1))),
            list(_words(new, right, range(to_right, to_right + 1))),
        )
        from_left, from_right = to_left + 1, to_right + 1


def _sentences(text: str, language: str) -> list[_Piece]:
    """Return the sentences with the white space up to the next one; their keys are their words."""
    starts = [sentence.start for sentence in split_sentences(text, language)][1:]
    borders = [0, *starts, len(text)] if text else []
    return [
        _Piece(end, " ".join(_WORD.findall(text[start:end].casefold())), place)
        for place, (start, end) in enumerate(itertools.pairwise(borders))
    ]


def _anchors(left: Sequence[_Piece], right: Sequence[_Piece]) -> list[tuple[int, int]]:
    """Return the places of the sentences that both texts have in the same order."""
    anchors = []
    i = j = 0
    for change, count in _compare([piece.key for piece in left], [piece.key for piece in right], readable=False):
        if change == 0:
            anchors += [(i + k, j + k) for k in range(count)]
        i += count if change <= 0 else 0
        j += count if change >= 0 else 0
    return anchors


def _mark_moved(
    left: list[_Piece], right: list[_Piece], anchors: Sequence[tuple[int, int]]
) -> tuple[list[_Piece], list[_Piece]]:
    """Mark the sentences that both texts have, but not in the same order, each with the number of its pair."""
    matched_left, matched_right = {i for i, _ in anchors}, {j for _, j in anchors}
    waiting: dict[str, list[int]] = {}
    for j, piece in enumerate(right):
        if j not in matched_right and len(piece.key.split()) >= MIN_MOVED_WORDS:
            waiting.setdefault(piece.key, []).append(j)
    left, right = list(left), list(right)
    pairs = itertools.count()
    for i, piece in enumerate(left):
        if i not in matched_left and waiting.get(piece.key):
            j, pair = waiting[piece.key].pop(0), next(pairs)
            # No word holds a line break, and the two sides differ: a moved sentence never counts as the same.
            left[i] = replace(piece, moved=pair, key=f"\nleft {pair}")
            right[j] = replace(right[j], moved=pair, key=f"\nright {pair}")
    return left, right


def _words(text: str, sentences: Sequence[_Piece], places: range) -> Iterator[_Piece]:
    """Yield the words of some sentences; a moved sentence stays one piece."""
    for place in places:
        if place >= len(sentences):
            return
        sentence = sentences[place]
        found = list(_TOKEN.finditer(text, sentences[place - 1].end if place else 0, sentence.end))
        if sentence.moved is not None or not found:
            yield sentence
            continue
        ends = [*(match.end() for match in found[:-1]), sentence.end]
        yield from (_Piece(end, match[0].strip(), place) for end, match in zip(ends, found, strict=True))


def _word_steps(left: Sequence[_Piece], right: Sequence[_Piece]) -> Iterator[_Step]:
    i = j = 0
    for change, count in _compare([piece.key for piece in left], [piece.key for piece in right], readable=True):
        for _ in range(count):
            old, new = (left[i] if change <= 0 else None), (right[j] if change >= 0 else None)
            only = new if old is None else old if new is None else None
            yield _Step(
                _KINDS[change],
                old.end if old else None,
                new.end if new else None,
                only.sentence if only else None,
                only.moved if only else None,
            )
            i, j = i + (change <= 0), j + (change >= 0)


def _compare(left: Sequence[str], right: Sequence[str], *, readable: bool) -> list[tuple[int, int]]:
    """Return the way from one list of keys to the other: (-1 removed, 0 the same, 1 inserted; how many)."""
    if left == right:
        return [(0, len(left))]
    from diff_match_patch import diff_match_patch

    letters = _letters([*left, *right])
    if letters is None or (readable and _rewritten(left, right)):
        return [(-1, len(left)), (1, len(right))]
    library = diff_match_patch()
    library.Diff_Timeout = TIME_LIMIT_SECONDS
    diffs = library.diff_main("".join(letters[: len(left)]), "".join(letters[len(left) :]), False)
    if not readable:
        return [(change, len(text)) for change, text in diffs]
    library.diff_cleanupSemantic(diffs)
    return list(_without_stray_marks([(change, len(text)) for change, text in diffs], left))


def _without_stray_marks(script: Sequence[tuple[int, int]], left: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Count a full stop or comma that two rewritten stretches share as rewritten too."""
    rewritten = [-1, 1]
    place = 0
    for index, (change, count) in enumerate(script):
        around = [
            [kind for kind, _ in part] for part in (script[max(0, index - 2) : index], script[index + 1 : index + 3])
        ]
        if change == 0 and rewritten in around and not any(map(_WORD.search, left[place : place + count])):
            yield from ((-1, count), (1, count))
        else:
            yield change, count
        place += count if change <= 0 else 0


def _rewritten(left: Sequence[str], right: Sequence[str]) -> bool:
    if min(len(left), len(right)) < LONG_STRETCH:
        return False
    shared = (Counter(left) & Counter(right)).total()
    return shared < REWRITTEN_SHARE * max(len(left), len(right))


def _letters(keys: Sequence[str]) -> list[str] | None:
    """Return one character for each key, the same for the same; None when there are more words than letters."""
    known: dict[str, str] = {}
    free = iter(_LETTERS)
    for key in keys:
        if key in known:
            continue
        if len(key) == 1 and not (key.isalnum() or key == "_"):
            known[key] = key
            continue
        code = next(free, None)
        if code is None:
            return None
        known[key] = chr(code)
    return [known[key] for key in keys]


def _removed_first(steps: Iterable[_Step]) -> Iterator[_Step]:
    for _, run in itertools.groupby(steps, key=lambda step: step.kind == "same"):
        yield from sorted(run, key=lambda step: step.kind == "inserted")


def _segments(steps: Iterable[_Step], old: str, new: str) -> list[DiffSegment]:
    segments = []
    old_start = new_start = 0
    for (kind, moved, _), run in itertools.groupby(steps, key=lambda step: (step.kind, step.moved, step.sentence)):
        last = list(run)[-1]
        old_end = old_start if last.old_end is None else last.old_end
        new_end = new_start if last.new_end is None else last.new_end
        segments.append(
            DiffSegment(
                kind=kind,
                text=old[old_start:old_end] if kind == "removed" else new[new_start:new_end],
                old_start=old_start,
                old_end=old_end,
                new_start=new_start,
                new_end=new_end,
                moved=moved,
            )
        )
        old_start, new_start = old_end, new_end
    return segments


def _with_moved(segments: list[DiffSegment], new: str) -> TextDiff:
    """Number the moved sentences by where they come first, in either text."""
    removed = {
        segment.moved: segment for segment in segments if segment.moved is not None and segment.kind == "removed"
    }
    moved = []
    for arrival in segments:
        if arrival.moved is None or arrival.kind != "inserted":
            continue
        departure = removed[arrival.moved]
        places = sorted((departure.old_start, arrival.new_start))
        moved.append((places, arrival.moved, departure, arrival))
    moved.sort(key=lambda item: item[:2])
    numbers = {pair: number for number, (_, pair, _, _) in enumerate(moved, 1)}
    return TextDiff(
        segments=[
            segment if segment.moved is None else segment.model_copy(update={"moved": numbers[segment.moved]})
            for segment in segments
        ],
        moved=[
            MovedSentence(
                number=numbers[pair],
                quote=new[arrival.new_start : arrival.new_end].strip(),
                old_start=departure.old_start,
                old_end=departure.old_end,
                new_start=arrival.new_start,
                new_end=arrival.new_end,
            )
            for _, pair, departure, arrival in moved
        ],
    )
