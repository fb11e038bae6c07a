"""Foreign text made fit for display: nothing in it that a terminal would obey.

Answers, model comments and endpoint names may hold escape sequences, or characters that turn the reading
direction round (CVE-2021-42574, "Trojan Source"). Each is replaced by exactly one visible character, so that
offsets into the text stay true.
"""

from __future__ import annotations

import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: A line at least this long that is followed by more prose was wrapped by an editor, not ended by the writer.
_WRAPPED_LINE = 55

_SHOWN_AS_SPACE = "\t\v\f\x85\u2028\u2029"
#: Format characters that scripts and emoji need; the other ones steer or hide text.
_JOINERS = "\u200c\u200d\u200e\u200f\u00ad\u200b\u2060\ufeff"
#: Most texts of a report hold nothing else, and a report of many answers has millions of characters.
_PLAIN = re.compile(r"[ -~\r\n]*")
_STARTS_BLOCK = re.compile(r"[ \t]|[-*+•‣▪●–—>#]|\(?(?:\d{1,3}|[a-zA-Z])[.)][ \t]")
_NO_CHARACTER = "\0"
#: What shows nothing in a reflowed text.
BLANKS = f" \n{_NO_CHARACTER}"


def clean(text: str) -> str:
    """Return text of the same length without control, direction-changing and unprintable characters.

    Line feeds and carriage returns stay; tabs and other separators become spaces.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char.isprintable() or char in "\r\n" else _visible(char) for char in text)


def _visible(char: str) -> str:
    if char in _SHOWN_AS_SPACE or unicodedata.category(char) == "Zs":
        return " "
    if char < " ":
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "\u2421"
    return char if char in _JOINERS else _REPLACEMENT


def one_line(text: str) -> str:
    """Return clean text on one line, white space folded."""
    return " ".join(clean(text).split())


def clean_lines(text: str) -> str:
    """Return clean text with its line breaks as line feeds."""
    return clean(text).replace("\r\n", "\n").replace("\r", "\n")


def lines(text: str) -> str:
    """Return the same without blank edges."""
    return clean_lines(text).strip()


def reflow(text: str) -> str:
    """Return clean text of the same length in which line breaks made by an editor's wrapping are spaces.

    The result holds no carriage returns: a second character of a line break is a NUL, which ``visible_part``
    drops. Breaks before list items, blank lines and after short lines stay.
    """
    shown = re.sub("\r\n", _NO_CHARACTER + "\n", clean(text)).replace("\r", "\n")
    rows = shown.split("\n")
    pieces = []
    for row, following in zip(rows, [*rows[1:], ""], strict=True):
        wrapped = len(row.strip()) >= _WRAPPED_LINE and following.strip(BLANKS) and not _STARTS_BLOCK.match(following)
        pieces.append(row + (" " if wrapped else "\n"))
    return "".join(pieces)[:-1]


def visible_part(reflowed: str) -> str:
    """Return a slice of a reflowed text without its placeholder characters."""
    return reflowed.replace(_NO_CHARACTER, "")
