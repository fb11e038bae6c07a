"""Finding the numbers that a text states as facts, in digits or in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from coach.judge.similarity import stems

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_IN_WORDS = {
    **{word: value for value, word in enumerate(_UNITS)},
    **_TENS,
    **{f"{ten}-{_UNITS[one]}": value + one for ten, value in _TENS.items() for one in range(1, 10)},
}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_WORDS = "|".join(sorted(_IN_WORDS, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?:[$€£]\s?)?"
    rf"(?P<value>\d+(?:[.,:]\d+)*|(?:{_WORDS})(?!\w))?"
    rf"(?P<scale>\s?(?:{'|'.join(_SCALES)})(?!\w))?"
    r"(?P<unit>\s?%|[a-zµ]{1,4}(?!\w))?(?![\w/])",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ORDINAL = ("st", "nd", "rd", "th")
_NEXT_WORD = re.compile(r"[\s-]([^\W\d_]+(?:-[^\W\d_]+)*)")
_LAST_WORD = re.compile(r"([^\W\d_]+)\s*$")
#: "One" and "two" in words are hardly ever facts ("one of them").
_SMALLEST_IN_WORDS = 3
_LARGEST_LIST_NUMBER = 20
#: What an answer counts off ("three things matter", "step 2").
_COUNTED_OFF = frozenset(
    [
        "area",
        "example",
        "group",
        "kind",
        "item",
        "number",
        "part",
        "phase",
        "point",
        "question",
        "reason",
        "rule",
        "section",
        "side",
        "stage",
        "step",
        "thing",
        "time",
        "type",
        "way",
    ]
)


def known_numbers(texts: Iterable[str]) -> set[str]:
    """Return the values of all numbers in some texts."""
    return {value for text in texts for match in _NUMBER.finditer(text) if (value := _value(match)) is not None}


def numbers_in(text: str, known: set[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of the numbers in one sentence whose value is not known, each with the word it counts.

    Their values become known. List numbers, ordinals, small numbers in words and "100 %" are no facts.
    """
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is None or value in known or _is_idle(match, value, text):
            continue
        known.add(value)
        counted = _NEXT_WORD.match(text, match.end())
        with_word = counted is not None and not match["unit"] and bool(stems(counted[1]))
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        yield start, counted.end() if counted and with_word else match.end()


def _value(match: re.Match[str]) -> str | None:
    """Return the value as text, such as 40000 for "40 thousand" and 40,000; None for an empty match."""
    written, scale = (match["value"] or "").casefold(), (match["scale"] or "").strip().casefold()
    if not written and not scale:
        return None
    if _THOUSANDS.fullmatch(written):
        written = written.replace(",", "")
    try:
        number = float(_IN_WORDS.get(written, written or 1)) * _SCALES.get(scale, 1)
    except ValueError:
        return written
    return f"{number:.12g}"


def _is_idle(match: re.Match[str], value: str, text: str) -> bool:
    unit = (match["unit"] or "").strip().casefold()
    following = _NEXT_WORD.match(text, match.end())
    counted = following[1].casefold() if following else ""
    before = _LAST_WORD.search(text, 0, match.start())
    if _is_counted_off(counted) or (before is not None and _is_counted_off(before[1].casefold())):
        return True
    if value == "100" and (unit == "%" or counted in ("percent", "per")):
        return True
    if match["value"] and match["value"][0].isdigit():
        return unit in _ORDINAL or _is_list_number(match, text)
    if match["scale"]:
        return False
    return float(value) < _SMALLEST_IN_WORDS or (float(value) <= len(_UNITS) and not stems(counted))


def _is_counted_off(word: str) -> bool:
    return word in _COUNTED_OFF or word.removesuffix("s") in _COUNTED_OFF


def _is_list_number(match: re.Match[str], text: str) -> bool:
    """Return whether a number only numbers a point: at the start of a line, or before a bracket."""
    if not match[0].strip().isdigit() or int(match[0]) > _LARGEST_LIST_NUMBER:
        return False
    at_start = not text[: match.start()].strip(" \t(*#-")
    return text[match.end() : match.end() + 1] == ")" or (at_start and text[match.end() : match.end() + 1] in ".:")
