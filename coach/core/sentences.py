"""Splitting an answer into numbered sentences whose offsets point into the text as given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import sentencex

from coach.models.answer import Sentence

#: A line that starts a list item: a bullet, or a number or letter with a dot or bracket.
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•‣▪●–—]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+")
_MARKER_ONLY = re.compile(r"^\W*(?:\d{1,3}|[a-zA-Z])?\W*$")
_ENDS_BLOCK = (".", "!", "?", ":", ";", "…", "。", "！", "？")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
#: Abbreviations after which a sentence goes on, in addition to what the splitting library knows.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|resp|incl|max|min|no|nr|fig|sec|ca|cf|dept|z\.B|d\.h|p\.ej|PS3)\.)$",
    re.IGNORECASE,
)


def split_sentences(text: str, language: str = "en") -> list[Sentence]:
    """Split ``text`` into sentences numbered from 1; ``text[start:end]`` of each is verbatim.

    Every list item and every block of lines is split on its own, so a bullet list without final dots
    gives one sentence per item. Cleaned texts have no control or invisible characters, no list marker
    and single spaces. Pieces without a letter or digit are no sentences.
    """
    sentences: list[Sentence] = []
    for block_start, block_end in _blocks(text):
        for start, end in _boundaries(text, block_start, block_end, language):
            cleaned = clean(text[start:end])
            if any(char.isalnum() for char in cleaned):
                sentences.append(Sentence(len(sentences) + 1, start, end, cleaned))
    return sentences


def clean(text: str) -> str:
    """Return text without list marker, control and invisible characters, white space folded."""
    text = _LIST_ITEM.sub("", text, count=1) if _LIST_ITEM.match(text) else text
    kept = (" " if char.isspace() else char for char in text if char.isspace() or not is_invisible(char))
    return " ".join("".join(kept).split())


def is_invisible(char: str) -> bool:
    """Return whether a character is a control, format, private-use or unassigned one (shown as nothing)."""
    return unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs"} and char not in "\n\r\t"


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield offsets of paragraphs and list items; lines that were only wrapped stay together."""
    start = position = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        breaks = (
            not stripped
            or not previous
            or _LIST_ITEM.match(line) is not None
            or previous.endswith(_ENDS_BLOCK)
            or _is_short(previous, text[start:position])
        )
        if breaks and position > start:
            yield start, position
            start = position
        previous = stripped
        position += len(line)
    if position > start:
        yield start, position


def _is_short(previous: str, block: str) -> bool:
    """A line far shorter than a wrapped one ends its block (headings, lists without markers)."""
    longest = max((len(line) for line in block.splitlines()), default=0)
    return len(previous) < 50 and longest < 50


def _boundaries(text: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    block = text[start:end]
    pieces = _rejoin(block, [(b["start_index"], b["end_index"]) for b in _segment(block, language)])
    for left, right in pieces:
        piece = block[left:right]
        lead = len(piece) - len(piece.lstrip())
        trail = len(piece) - len(piece.rstrip())
        if left + lead < right - trail:
            yield start + left + lead, start + right - trail


def _segment(block: str, language: str) -> list[dict[str, int]]:
    boundaries: list[dict[str, int]] = list(sentencex.get_sentence_boundaries(language, block))
    covered = 0
    for boundary in boundaries:
        if boundary["start_index"] != covered:
            return [{"start_index": 0, "end_index": len(block)}]
        covered = boundary["end_index"]
    # The library counts characters; were it ever to count otherwise, one whole block is still verbatim.
    return boundaries if covered == len(block) else [{"start_index": 0, "end_index": len(block)}]


def _rejoin(block: str, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join pieces that were cut after a list number or an abbreviation, or in the middle of a line."""
    joined: list[tuple[int, int]] = []
    for left, right in pieces:
        if joined:
            before = block[joined[-1][0] : joined[-1][1]]
            shown = before.rstrip()
            if _MARKER_ONLY.match(shown) or _ABBREVIATION.search(shown) or not _ENDS_SENTENCE.search(shown):
                joined[-1] = (joined[-1][0], right)
                continue
        joined.append((left, right))
    return joined
