"""Finding the names of products, systems and standards that a text drops: acronyms and capitalised words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: Languages that write every noun with a capital, where a capital tells nothing.
_CAPITAL_NOUNS = frozenset({"de", "lb"})
#: A word with digits, dots and the like inside: "C-STORE", "HL7", "Log4j", "Dell's".
_WORD = re.compile(r"[^\W_]+(?:[.'’&/-][^\W_]+)*")
_PARTS = re.compile(r"[^\W_]+")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{2,60}\]")
#: Behind these a capital says only that a sentence begins.
_OPENING = re.compile(r"(?:^\W*|[.!?:;…\"“”„][\s*_\"“„(]*)$")
_MIXED = re.compile(r"[^\W\d_]*[a-z][A-Z]|[A-Z]{2,}[a-z]{2,}")
#: Written with a capital, or in capitals, by everybody.
_EVERYDAY = frozenset(
    [
        "i",
        "mr",
        "mrs",
        "ms",
        "dr",
        "ok",
        "am",
        "pm",
        "ceo",
        "cto",
        "hr",
        "it",
        "eg",
        "ie",
        "asap",
        "faq",
        "pc",
        "pdf",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "english",
    ]
)
_SHOUTED, _TITLED, _MIN_TITLE_WORDS = 0.5, 0.6, 3


def known_words(texts: Iterable[str], new: str) -> set[str]:
    """Return all words of the known texts, and the words that the new text also writes without capitals."""
    words = {form for text in texts for match in _WORD.finditer(text) for form in _forms(match[0])}
    words |= {form for match in _WORD.finditer(new) if match[0].islower() for form in _forms(match[0])}
    return words | _EVERYDAY


def names_in(text: str, known: set[str], language: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the names in one sentence that are not known; names in a row are one.

    Their words become known. A capitalised word counts only inside a sentence, and not in a heading.
    """
    hidden = [match.span() for match in _PLACEHOLDER.finditer(text)]
    words = [w for w in _WORD.finditer(text) if not any(start <= w.start() < end for start, end in hidden)]
    capitals_tell = language not in _CAPITAL_NOUNS and not _is_heading(words, text)
    if _is_shouted(text):
        return
    run: list[re.Match[str]] = []
    for word in words:
        is_new = not _is_known(word[0], known) and _is_name(word, text, capitals_tell)
        if run and not (is_new and text[run[-1].end() : word.start()] == " "):
            yield run[0].start(), run[-1].end()
            run = []
        if is_new:
            run.append(word)
            known.update(_forms(word[0]))
    if run:
        yield run[0].start(), run[-1].end()


def _is_name(word: re.Match[str], text: str, capitals_tell: bool) -> bool:
    name = _without_ending(word[0])
    letters = [char for char in name if char.isalpha()]
    if sum(char.isupper() for char in letters) >= 2 and not any(char.islower() for char in letters):
        return True
    if _MIXED.match(name) or (letters and name[0].isalpha() and any(char.isdigit() for char in name)):
        return True
    capitalised = name[0].isupper() and len(letters) > 2
    return capitalised and capitals_tell and not _OPENING.search(text[: word.start()])


def _is_known(word: str, known: set[str]) -> bool:
    return any(form in known for form in _forms(word)) or all(
        part.casefold() in known for part in _PARTS.findall(_without_ending(word))
    )


def _forms(word: str) -> set[str]:
    """Return the ways in which the same word may be written elsewhere: without ending, without its plural."""
    bare = _without_ending(word).casefold()
    return {bare, bare.removesuffix("s"), re.sub(r"[\W_]", "", bare)}


def _without_ending(word: str) -> str:
    return re.sub(r"['’]\w{0,2}$", "", word)


def _is_shouted(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return len(letters) > 8 and sum(char.isupper() for char in letters) > _SHOUTED * len(letters)


def _is_heading(words: list[re.Match[str]], text: str) -> bool:
    capitals = sum(word[0][0].isupper() for word in words)
    ends = text.rstrip('*_ "”’)').endswith((".", "!", "?"))
    return not ends and len(words) >= _MIN_TITLE_WORDS and capitals >= _TITLED * len(words)
