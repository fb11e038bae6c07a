"""Finding a question in a bank by what a person typed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from coach.errors import UnknownQuestionError

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question


def find_question(bank: Bank, wanted: str) -> Question:
    """Return the question with this id, number or text.

    Raises UnknownQuestionError that names the nearest ids.
    """
    key = _fold(wanted)
    for question in bank.questions:
        if key in (_fold(question.id), str(question.number), _fold(question.text)):
            return question
    nearest = nearest_ids(bank, wanted)
    raise UnknownQuestionError(
        f"there is no question {wanted!r} in the bank {bank.title!r}",
        f"Did you mean {' or '.join(nearest)}? `coach questions` lists all.",
    )


def nearest_ids(bank: Bank, wanted: str, count: int = 3) -> list[str]:
    """Return the ids most like ``wanted``, best first; never empty."""
    key = _fold(wanted)

    def likeness(question: Question) -> float:
        whole = difflib.SequenceMatcher(None, key, question.id).ratio()
        words = [difflib.SequenceMatcher(None, key, word).ratio() for word in question.id.split("-")]
        return max(whole, *words)

    ranked = sorted(bank.questions, key=likeness, reverse=True)
    return [question.id for question in ranked[:count]]


def _fold(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .?!:")
