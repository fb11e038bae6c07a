"""Finding a question by what people and files call it: id, number, or text, whole or cut, in any of its wordings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from coach.errors import UnknownQuestionError

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question

QuestionMatchKind = Literal["id", "number", "text", "start of the text"]

#: A shorter beginning of a question ("How do you") says too little, even when only one question begins so.
_CUT_MIN_CHARS = 15
_CUT_MIN_WORDS = 3
_NEAR = 0.75
_LONGEST = 1000
_NUMBER_START = r"\W*(?:(?:questions?|response|answer|item|number|num|nr|no|q|#)[\s.:#_-]*){0,2}(\d{1,6})"
_NUMBER = re.compile(rf"{_NUMBER_START}(?:\.0+)?\W*", re.IGNORECASE)
_NUMBER_PREFIX = re.compile(rf"{_NUMBER_START}\s*[.:)\]–-]+\s*", re.IGNORECASE)
_ANSWER_NUMBER = re.compile(r"\W*(?:response|answer)\b", re.IGNORECASE)


@dataclass(frozen=True)
class QuestionMatch:
    """The question that was recognised, and by what."""

    question_id: str
    by: QuestionMatchKind


class QuestionMatcher:
    """Finds the question that a header, a cell or a person means; case, spaces and punctuation do not matter."""

    def __init__(self, bank: Bank) -> None:
        self._numbers = {question.number: question.id for question in bank.questions}
        self._ids = {fold(question.id): question.id for question in bank.questions}
        self._own_texts = {fold(question.text): question.id for question in bank.questions}
        wordings = {fold(wording): question.id for question in bank.questions for wording in question.asked_as}
        # A question's own text counts before another's wording.
        self._texts = self._own_texts | wordings | self._own_texts

    def match(self, text: str) -> QuestionMatch | None:
        """Return the question meant by ``text``, or None when that is unknown or ambiguous."""
        text = text[:_LONGEST]
        key = fold(text)
        if key in self._ids:
            return QuestionMatch(self._ids[key], "id")
        if numbered := _NUMBER.fullmatch(text):
            question_id = self._numbers.get(int(numbered[1]))
            return QuestionMatch(question_id, "number") if question_id else None
        prefix = _NUMBER_PREFIX.match(text)
        return self._match_text(key) or (self._match_text(fold(text[prefix.end() :])) if prefix else None)

    def nearest(self, text: str, count: int = 3) -> tuple[str, ...]:
        """Return the ids nearest to ``text``, best first: those whose text begins so, then the most alike."""
        key = fold(text[:_LONGEST])

        def likeness(question_id: str) -> float:
            return max(SequenceMatcher(None, key, part).ratio() for part in (question_id, *question_id.split("-")))

        begun = [question_id for start, question_id in self._own_texts.items() if key and start.startswith(key)]
        return tuple(dict.fromkeys([*begun, *sorted(self._ids.values(), key=likeness, reverse=True)]))[:count]

    def is_near(self, text: str) -> bool:
        """Return whether ``text`` resembles an id or a question, or is a number that the bank does not have."""
        if _NUMBER.fullmatch(text) or _NUMBER_PREFIX.match(text):
            return True
        key = fold(text[:_LONGEST])
        if len(key) < 4:
            return False
        for known in (*self._ids, *self._own_texts):
            matcher = SequenceMatcher(None, known[: max(len(key), 20)], key)
            if known.startswith(key) or (matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR):
                return True
        return False

    def _match_text(self, key: str) -> QuestionMatch | None:
        if key in self._texts:
            return QuestionMatch(self._texts[key], "text")
        # "<the whole question> (at most 300 words)"; other wordings may be short, and another question go on from one.
        for start, question_id in self._own_texts.items():
            if key.startswith(start + " "):
                return QuestionMatch(question_id, "text")
        if len(key) < _CUT_MIN_CHARS or len(key.split()) < _CUT_MIN_WORDS:
            return None
        found = {question_id for start, question_id in self._texts.items() if start.startswith(key)}
        return QuestionMatch(found.pop(), "start of the text") if len(found) == 1 else None


def find_question(bank: Bank, wanted: str) -> Question:
    """Return the question that somebody means by an id, a number or a text.

    Raises UnknownQuestionError that names the nearest ids.
    """
    matcher = QuestionMatcher(bank)
    match = matcher.match(wanted)
    if match is None:
        raise UnknownQuestionError(
            f"there is no question {wanted!r} in the bank {bank.title!r}",
            f"Did you mean {' or '.join(matcher.nearest(wanted))}? `coach questions` lists all.",
        )
    return next(question for question in bank.questions if question.id == match.question_id)


def is_answer_number(header: str) -> bool:
    """Return whether a header is of the form ``Response 3``: beside ``Question 3`` it is the one with the answers."""
    return _ANSWER_NUMBER.match(header) is not None


def fold(text: str) -> str:
    """Return the words of ``text`` in lower case, joined by single spaces, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))
