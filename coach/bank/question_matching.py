"""Recognising a question by what a file calls it: its id, its number, or its text, whole or cut."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from coach.bank.find import nearest_ids
from coach.bank.questions import Bank

QuestionMatchKind = Literal["id", "number", "text", "start of the text"]


#: A shorter beginning of a question ("How do you") says too little, even when only one question begins so.
_CUT_MIN_CHARS = 15
_CUT_MIN_WORDS = 3
_NEAR = 0.75
_LONGEST = 1000
_NUMBER_WORD = r"(?:questions?|response|answer|item|number|num|nr|no|q|#)"
_NUMBER = re.compile(rf"\W*(?:{_NUMBER_WORD}[\s.:#_-]*){{0,2}}(\d{{1,6}})(?:\.0+)?\W*", re.IGNORECASE)
_NUMBER_PREFIX = re.compile(rf"\W*(?:{_NUMBER_WORD}[\s.:#_-]*){{0,2}}(\d{{1,6}})\s*[.:)\]–-]+\s*", re.IGNORECASE)
_ANSWER_NUMBER = re.compile(r"\W*(?:response|answer)\b", re.IGNORECASE)


@dataclass(frozen=True)
class QuestionMatch:
    """The question that was recognised, and by what."""

    question_id: str
    by: QuestionMatchKind


class QuestionMatcher:
    """Finds the question that a header or a cell means; case, spaces and punctuation do not matter."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._numbers = {question.number: question.id for question in bank.questions}
        self._texts = {fold(question.text): question.id for question in bank.questions}
        self._ids = {fold(question.id): question.id for question in bank.questions}

    def match(self, text: str) -> QuestionMatch | None:
        """Return the question meant by ``text``, or None when that is unknown or ambiguous."""
        text = text[:_LONGEST]
        key = fold(text)
        if key in self._ids:
            return QuestionMatch(self._ids[key], "id")
        if numbered := _NUMBER.fullmatch(text):
            question_id = self._numbers.get(int(numbered[1]))
            return QuestionMatch(question_id, "number") if question_id else None
        return self._match_text(key) or self._match_numbered_text(text)

    def nearest(self, text: str) -> tuple[str, ...]:
        """Return the ids nearest to ``text``, best first."""
        key = fold(text[:_LONGEST])
        begun = [question_id for start, question_id in self._texts.items() if key and start.startswith(key)]
        return tuple(dict.fromkeys([*begun, *nearest_ids(self._bank, key)]))[:3]

    def is_near(self, text: str) -> bool:
        """Return whether ``text`` resembles an id or a question, or is a number that the bank does not have."""
        if _NUMBER.fullmatch(text) or _NUMBER_PREFIX.match(text):
            return True
        key = fold(text[:_LONGEST])
        if len(key) < 4:
            return False
        known = [*self._ids, *self._texts]
        return any(start.startswith(key) or _alike(key, start) for start in known)

    def _match_text(self, key: str) -> QuestionMatch | None:
        if key in self._texts:
            return QuestionMatch(self._texts[key], "text")
        # "<the whole question> (at most 300 words)"
        for start, question_id in self._texts.items():
            if key.startswith(start + " "):
                return QuestionMatch(question_id, "text")
        if len(key) < _CUT_MIN_CHARS or len(key.split()) < _CUT_MIN_WORDS:
            return None
        found = [question_id for start, question_id in self._texts.items() if start.startswith(key)]
        return QuestionMatch(found[0], "start of the text") if len(found) == 1 else None

    def _match_numbered_text(self, text: str) -> QuestionMatch | None:
        prefix = _NUMBER_PREFIX.match(text)
        return self._match_text(fold(text[prefix.end() :])) if prefix else None


def is_answer_number(header: str) -> bool:
    """Return whether a header is of the form ``Response 3``: beside ``Question 3`` it is the one with the answers."""
    return _ANSWER_NUMBER.match(header) is not None


def fold(text: str) -> str:
    """Return the words of ``text`` in lower case, joined by single spaces, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def _alike(key: str, known: str) -> bool:
    matcher = SequenceMatcher(None, known[: max(len(key), 20)], key)
    return matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR
