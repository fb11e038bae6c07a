"""Splitting an answer into numbered sentences whose offsets point into the text as given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import sentencex

from coach.answer.answer import Sentence

#: A line that starts a list item: a bullet (the last ones as word processors paste them), or a number or letter
#: with a dot or bracket.
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•‣▪●–—\uf076\uf0a7\uf0b7\uf0d8\uf0fc]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+")
_MARKER = re.compile(r"\d{1,3}|[a-zA-Z]")
_WORD = re.compile(r"\w+")
_ENDS_BLOCK = (".", "!", "?", ":", ";", "…", "。", "！", "？", "।", "؟", "۔")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？।؟۔][\"'”’)\]]*$")
#: Abbreviations after which a sentence goes on, in addition to what the splitting library knows.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|resp|incl|max|min|no|nr|fig|sec|ca|cf|dept|z\.B|d\.h|p\.ej|PS3)\.)$",
    re.IGNORECASE,
)
#: Fillers, and selectors of a variant of the character before them: a row of them can carry hidden text.
_BLANKS = frozenset(map(chr, [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0]))
_BLANKS |= frozenset(map(chr, range(0xFE00, 0xFE10)))
_SELECTORS = ("\U000e0100", "\U000e01ef")
#: A line at least this long may have been wrapped where it ends.
_WRAPPED = 50
#: Words that end no statement.
_UNFINISHED = frozenset(
    ("a", "an", "the", "and", "or", "but", "of", "to", "in", "on", "at", "by", "for", "with", "from", "into", "that",
     "which", "because", "if", "when", "my", "our", "we", "i", "is", "are", "was")
)  # fmt: skip
#: Apostrophes: within a word, and those that a word processor turned round (‘em, the ‘90s), which would open a
#: quotation that the next apostrophe closes. A quotation of several sentences closes behind a mark.
_APOSTROPHE = re.compile(r"‘(?!(?:[^‘’]|(?<=\w)’(?=\w))*+(?<=[.!?…,;])’)|(?<=\w)’(?=\w)")
#: How much of a piece is looked at to find how it ends.
_TAIL = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


def split_sentences(text: str, language: str = "en") -> list[Sentence]:
    """Split ``text`` into sentences numbered from 1; ``text[start:end]`` of each is verbatim.

    Every list item and every block of lines is split on its own, so a bullet list without final dots
    gives one sentence per item. Cleaned texts have no control or invisible characters, no list marker
    and single spaces. Pieces without a letter or digit are no sentences.
    """
    sentences: list[Sentence] = []
    for start, end in _blocks(text):
        for left, right in _pieces(text[start:end], language):
            piece = text[start + left : start + right]
            cleaned = clean(piece)
            if any(char.isalnum() for char in cleaned):
                first = start + left + len(piece) - len(piece.lstrip())
                last = start + left + len(piece.rstrip())
                sentences.append(Sentence(len(sentences) + 1, first, last, cleaned))
    return sentences


def clean(text: str) -> str:
    """Return text without list marker, control and invisible characters, white space folded."""
    marker = _LIST_ITEM.match(text)
    text = " ".join((text[marker.end() :] if marker else text).split())
    if text.isascii() and text.isprintable():
        # The usual case: nothing in it is invisible.
        return text
    return " ".join("".join(char for char in text if not is_invisible(char)).split())


def is_invisible(char: str) -> bool:
    """Return whether a character is a control, format, private-use or unassigned one, or shown as nothing."""
    return (unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs"} and char not in "\n\r\t") or is_blank(char)


def is_blank(char: str) -> bool:
    """Return whether a character counts as a letter, mark or symbol, but is shown as nothing."""
    return char in _BLANKS or _SELECTORS[0] <= char <= _SELECTORS[1]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield offsets of what belongs together: paragraphs, list items, headings and notes of a line each."""
    start = 0
    paragraph: list[str] = []
    for line in [*text.splitlines(keepends=True), ""]:
        if paragraph and (not line.strip() or not paragraph[-1].strip() or _LIST_ITEM.match(line)):
            for length in _parts(paragraph):
                yield start, start + length
                start += length
            paragraph = []
        paragraph.append(line)


def _parts(lines: list[str]) -> Iterator[int]:
    """Yield the lengths of the parts of a paragraph: lines that a program wrapped stay together, others do not.

    A line without a final mark goes on when it ends with a word that needs another or the next one starts with a small
    letter; before a capital it does when other lines of the paragraph do. Far shorter lines are headings, or lists
    without markers. Who begins small writes everything so; then only the width tells: the next word did not fit.
    """
    stripped = [line.strip() for line in lines]
    width = max(map(len, stripped))
    small = [_starts_small(line) for line in stripped]
    open_ended = [line != "" and not line.endswith(_ENDS_BLOCK) for line in stripped]
    unfinished = [line.endswith(",") or line.rpartition(" ")[2].casefold() in _UNFINISHED for line in stripped]
    if small[0]:
        wrapped = all(
            len(before) + 1 + len(line.split(" ")[0]) > width
            for before, line, goes_on in zip(stripped, stripped[1:], open_ended, strict=False)
            if goes_on
        )
    else:
        wrapped = any(goes_on and starts for goes_on, starts in zip(open_ended, small[1:], strict=False))
    length, longest = len(lines[0]), len(stripped[0])
    for index in range(1, len(lines)):
        shown = wrapped or unfinished[index - 1] or (small[index] and not small[0])
        if not (open_ended[index - 1] and longest >= _WRAPPED and shown):
            yield length
            length = longest = 0
        length += len(lines[index])
        longest = max(longest, len(stripped[index]))
    yield length


def _starts_small(line: str) -> bool:
    return next((char.islower() for char in line if char.isalpha()), False)


def _pieces(block: str, language: str) -> list[tuple[int, int]]:
    """Return offsets of sentences; what was cut after a list number, an abbreviation or within a line is joined."""
    # The library takes UTF-8, which has no lone surrogates; the replacements keep all offsets.
    text = _APOSTROPHE.sub("'", _SURROGATE.sub("\ufffd", block))
    ends = [boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(language, text)]
    pieces: list[tuple[int, int]] = []
    for left, right in pairwise([0, *ends]):
        if pieces and _goes_on(block, *pieces[-1]):
            left = pieces.pop()[0]
        pieces.append((left, right))
    return pieces


def _goes_on(block: str, start: int, end: int) -> bool:
    """Whether the sentence in ``block[start:end]`` has not ended yet; looks at its last characters only."""
    while end > start and block[end - 1].isspace():
        end -= 1
    tail = block[max(start, end - _TAIL) : end]
    if not _ENDS_SENTENCE.search(tail) or _ABBREVIATION.search(tail):
        return True
    words = _WORD.findall(tail)
    return end - start <= _TAIL and (not words or (len(words) == 1 and _MARKER.fullmatch(words[0]) is not None))


def shortened(text: str, limit: int = 90) -> str:
    """Return the text, or so much of it that it has ``limit`` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


#: Where a run-on sentence may be cut: at a semicolon, a colon, a dash, dots, or before a joining word.
_JOINT = re.compile(
    r"\s*(?:;|:(?=\s)|\s[-–—]+\s|\.\.\.|…)\s*"
    r"|,\s+(?=(?:and|but|so|then|because|since|which|where|when|while|if|or|I|we|he|she|they|it|you|there)\b)"
    r"|\s+(?=(?:because|so that|but)\s)",
    re.IGNORECASE,
)
_LEAST_WORDS = 4


def clauses(sentence: str) -> list[str]:
    """Return the parts of a sentence that make several points in a row, each of at least four words; else nothing."""
    found: list[str] = []
    for part in (piece.strip(" ,") for piece in _JOINT.split(sentence)):
        if found and min(len(part.split()), len(found[-1].split())) < _LEAST_WORDS:
            found[-1] = f"{found[-1]}, {part}" if part else found[-1]
        elif part:
            found.append(part)
    return found if len(found) > 1 else []
