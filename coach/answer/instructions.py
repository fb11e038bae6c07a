"""Finding text in an answer that talks to the grader instead of answering the question.

A sentence with a signal is quoted in a warning and never judged, so it cannot earn credit. Background: OWASP Top 10
for LLM applications, LLM01 "Prompt injection"; Raina et al. 2024, "Is LLM-as-a-Judge Robust?"; Zhao et al. 2025,
"One Token to Fool LLM-as-a-Judge".
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

from coach.answer.instruction_signals import SIGNALS
from coach.answer.instruction_words import beginnings, possible
from coach.answer.sentences import is_blank

_YOU = re.compile(r"\byour?\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:i|we|my|our|me|us|i'm|i've|we've|she|he|they)\b", re.IGNORECASE)

_BASE64 = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{20,}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}[\s:]?){16,}(?!\w)")
#: Joiners that real scripts and emoji need, and bullets as word processors paste them.
_HARMLESS = frozenset("\u200c\u200d\ufe0f\u00ad\ufeff\uf076\uf0a7\uf0b7\uf0d8\uf0fc")
#: Those of them that have no business between two Latin letters.
_SPLITS_WORDS = frozenset("\u200c\u200d\u00ad\ufeff")


def instruction_signal(sentence: str) -> str | None:
    """Return in words why a sentence talks to a grader, or None when it does not."""
    words = beginnings(sentence)
    for reason, pattern in SIGNALS:
        match = pattern.search(sentence) if possible(reason, sentence, words) else None
        if match and not _own_story(reason, sentence, match):
            return reason
    if hides_encoded_text(sentence):
        return "hides encoded text"
    return None


def _own_story(reason: str, sentence: str, match: re.Match[str]) -> bool:
    """Whether an order is only reported: "we ignore the vendor's instructions", "I act as the link"."""
    if not reason.startswith(("asks", "gives")) or _YOU.search(match.group()):
        return False
    marks = len(match.group()) - len(match.group().lstrip("\"'“”‘’([{<*#|/–—-.:;!?, "))
    before = sentence[: match.start() + marks]
    clause = re.split(r"[.!?;:]", before)[-1]
    if _FIRST_PERSON.search(clause) and not _YOU.search(clause):
        return True
    return reason.startswith("asks") and _opens_reported_speech(before)


def _opens_reported_speech(before: str) -> bool:
    """Whether the text ends inside a quotation that at least two words introduce."""
    opened = max(before.rfind(mark) for mark in '"“‘')
    closed = max(before.rfind(mark) for mark in '"”’')
    return opened >= max(closed, 0) and len(re.findall(r"\w+", before[:opened])) >= 2


def hides_encoded_text(text: str) -> bool:
    """Return whether the text holds a long run of base64 or hexadecimal that decodes to readable words."""
    for match in _BASE64.finditer(text):
        token = match.group().replace("-", "+").replace("_", "/")
        for candidate in (token, token + "=" * (-len(token) % 4)):
            try:
                if _is_prose(base64.b64decode(candidate, validate=True)):
                    return True
            except (binascii.Error, ValueError):
                continue
    return any(_is_prose(bytes.fromhex(re.sub(r"[\s:]", "", m.group()))) for m in _HEX.finditer(text))


def _is_prose(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    letters = sum(char.isalpha() or char in " .,:;!?'\"" for char in text)
    return len(text) >= 10 and letters >= 0.85 * len(text)


def hidden_characters(text: str) -> int:
    """Count characters that show nothing but may carry text: zero-width, tags, bidirectional controls, fillers."""
    if text.isascii():
        return 0
    hidden = sum(
        (unicodedata.category(char) in {"Cf", "Co"} or is_blank(char)) and char not in _HARMLESS for char in text
    )
    inside = sum(
        char in _SPLITS_WORDS and left.isascii() and right.isascii() and left.isalpha()
        for left, char, right in zip(text, text[1:], text[2:], strict=False)
    )
    return hidden + inside
