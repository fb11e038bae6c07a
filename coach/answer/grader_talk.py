"""Finding text in an answer that talks to the grader instead of answering the question.

A sentence with a sign is quoted in a warning and never judged, so it cannot earn credit. The signs are data
(``coach/data/grader_talk.yaml``); what no sign knows the detector finds by its meaning, where the sentence encoder is
installed. Background: OWASP Top 10 for LLM applications, LLM01 "Prompt injection"; Raina et al. 2024, "Is
LLM-as-a-Judge Robust?"; Zhao et al. 2025, "One Token to Fool LLM-as-a-Judge".
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from coach.answer.sentences import is_blank
from coach.bank.yaml_files import load_model, read_text
from coach.errors import EmbeddedModelError
from coach.files import DATA
from coach.model.encoder import SentenceEncoder
from coach.schema import StrictModel

SIGNS = DATA / "grader_talk.yaml"
WEIGHTS = DATA / "instruction_weights.json"
#: From this probability on a sentence is likely an instruction; one that tells of people, and addresses nobody, from
#: the second one on: frank words about one's own experience have little to do with the rest of an answer, too.
PROBABILITY, TELLING_PROBABILITY = 0.7, 0.85
#: Mean cosine with the two most similar other sentences of the answer; below it a sentence stands apart.
_COHERENCE = 0.2
#: A heading or label has at most so many words before its colon.
_HEADING = 4

_PART = re.compile(r"\(\?&(\w+)\)")
_LETTERS = 4
_WORDS = re.compile(r"\ba\+|\w+")
#: Letters that count as i, k or s where case is ignored, but are not those in lower case.
_ODD_LETTERS = re.compile("[\u0130\u0131\u017f\u212a]")
_YOU = re.compile(r"\byour?\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:i|we|my|our|me|us|i'm|i've|we've|she|he|they)\b", re.IGNORECASE)
_BASE64 = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{20,}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}[\s:]?){16,}(?!\w)")
#: Joiners that real scripts and emoji need, and bullets as word processors paste them.
_HARMLESS = frozenset("\u200c\u200d\ufe0f\u00ad\ufeff\uf076\uf0a7\uf0b7\uf0d8\uf0fc")
#: Those of them that have no business between two Latin letters.
_SPLITS_WORDS = frozenset("\u200c\u200d\u00ad\ufeff")


class SignPattern(StrictModel):
    """One expression of a sign, with a sentence that shows it and an honest one that does not."""

    pattern: str
    needs: list[str]
    marks: str = ""
    finds: str
    spares: str


class Sign(StrictModel):
    """One way of talking to the grader, in words; an ``order`` may also be told or quoted as an own story."""

    says: str
    order: bool = False
    patterns: list[SignPattern]


class SignFile(StrictModel):
    """All signs, and the parts that their expressions share."""

    parts: dict[str, str]
    signs: list[Sign]


@dataclass(frozen=True)
class Expression:
    """A compiled pattern of a sign, and what a sentence must hold to match it."""

    sign: Sign
    regex: re.Pattern[str]
    needs: tuple[frozenset[str], ...]
    marks: str

    def possible(self, sentence: str, words: frozenset[str] | None) -> bool:
        """Return whether the sentence may match; ``words`` are its `beginnings`, None where they are not exact."""
        if words is None or not any(words.isdisjoint(needed) for needed in self.needs):
            return True
        return any(mark in sentence for mark in self.marks)


@lru_cache(maxsize=1)
def expressions() -> tuple[Expression, ...]:
    """Return the expressions of all signs in the order of the file; raises BankError."""
    file, _ = load_model(SignFile, read_text(SIGNS, "file of signs"), str(SIGNS))
    found = []
    for sign in file.signs:
        for item in sign.patterns:
            whole = _PART.sub(lambda match: file.parts[match[1]], item.pattern)
            regex = re.compile(whole, re.IGNORECASE | re.VERBOSE)
            # Where only marks are named, one of them must be there.
            needs = tuple(frozenset(line.split()) for line in item.needs or [""][: len(item.marks)])
            found.append(Expression(sign, regex, needs, item.marks))
    return tuple(found)


def beginnings(sentence: str) -> frozenset[str] | None:
    """Return the first letters of all words, for `Expression.possible`; None where that would not be exact."""
    if not sentence.isascii() and _ODD_LETTERS.search(sentence):
        return None
    return frozenset(word[:_LETTERS] for word in _WORDS.findall(sentence.lower()))


def instruction_signal(sentence: str) -> str | None:
    """Return in words why a sentence talks to a grader, or None when it does not."""
    words = beginnings(sentence)
    for expression in expressions():
        match = expression.regex.search(sentence) if expression.possible(sentence, words) else None
        if match and not (expression.sign.order and _own_story(expression.sign.says, sentence, match)):
            return expression.sign.says
    return "hides encoded text" if hides_encoded_text(sentence) else None


def _own_story(reason: str, sentence: str, match: re.Match[str]) -> bool:
    """Whether an order is only reported: "we ignore the vendor's instructions", "I act as the link"."""
    if _YOU.search(match.group()):
        return False
    marks = len(match.group()) - len(match.group().lstrip("\"'“”‘’([{<*#|/–—-.:;!?, "))
    before = sentence[: match.start() + marks]
    clause = re.split(r"[.!?;:]", before)[-1]
    if _FIRST_PERSON.search(clause) and not _YOU.search(clause):
        return True
    # Or it stands inside a quotation that at least two words introduce.
    opened, closed = (max(before.rfind(mark) for mark in kind) for kind in ('"“‘', '"”’'))
    quoted = opened >= max(closed, 0) and len(re.findall(r"\w+", before[:opened])) >= 2
    return quoted and reason.startswith("asks")


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


class InstructionDetector:
    """Finds sentences that talk to a grader by their meaning, with the sentence encoder.

    A logistic regression on the sentence's embedding, trained on sentences written for the purpose
    (``benchmarks/train_instruction_detector.py``). A sentence is reported when it is likely an instruction and at the
    same time has little to do with the rest of the answer, so that honest talk about scores, rules or reviews stays
    part of the answer it belongs to.
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder

    def suspicious(self, sentences: Sequence[str]) -> list[bool]:
        """Return for each sentence of one answer whether it is reported."""
        if not sentences:
            return []
        found = []
        cosines = self._encoder.matrix(sentences, sentences)
        for index, (probability, row) in enumerate(zip(self.probabilities(sentences), cosines, strict=True)):
            others = sorted(row[:index] + row[index + 1 :], reverse=True)[:2]
            # A single sentence stands apart from nothing.
            apart = bool(others) and sum(others) / len(others) < _COHERENCE
            text = sentences[index]
            # So few words are a heading, whose meaning nobody can tell; the signs know those that are none.
            heading = text.endswith(":") and len(text.split()) <= _HEADING
            tells = _FIRST_PERSON.search(text) and not _YOU.search(text)
            found.append(apart and not heading and probability > (TELLING_PROBABILITY if tells else PROBABILITY))
        return found

    def probabilities(self, sentences: Sequence[str]) -> list[float]:
        """Return the classifier's probability (0..1) for each sentence on its own."""
        weights, bias = _weights()
        embeddings = self._encoder.embed(sentences)
        values = (sum(w * float(x) for w, x in zip(weights, row, strict=True)) + bias for row in embeddings)
        return [1 / (1 + math.exp(-value)) for value in values]


@lru_cache(maxsize=1)
def _weights() -> tuple[list[float], float]:
    try:
        data = json.loads(WEIGHTS.read_text(encoding="utf-8"))
        return [float(value) for value in data["weights"]], float(data["bias"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddedModelError(f"{WEIGHTS}: cannot be read ({error})", "Install the package again.") from None
