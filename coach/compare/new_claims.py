"""Facts that only the new version states, and that neither the question nor the advice could have given.

An interviewer will ask about a number or a product that suddenly stands in an answer, and some revisions invent
them. This is purely lexical and prefers silence to a false alarm: a number is known when its value stands anywhere
in what is known, a name when its letters do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from coach.answer.sentences import split_sentences
from coach.bank.questions import Bank, Question
from coach.compare.claim_names import known_words, names_in
from coach.compare.claim_numbers import known_numbers, numbers_in
from coach.compare.result import NewClaim
from coach.submit.assessment import Evidence

#: Longer ones are products and certificates more often than not.
_ABBREVIATION = re.compile(r"\b[A-Z]{2,3}\b")
_Place = tuple[int, int, Literal["number", "name"]]


def new_claims(new: str, old: str, bank: Bank, question: Question) -> list[NewClaim]:
    """Return the numbers and names that only the new answer states, in their order.

    No number of the old answer, the question or its advice counts, and no name that any text of the bank holds: the
    vocabulary of the profession is nobody's claim. Each fact is named once, with the first sentence that states it.
    """
    given = [old, *question_texts(bank, question)]
    words = known_words([*given, *bank_texts(bank), *abbreviations(bank)], new)
    numbers = known_numbers(given)
    claims = []
    for sentence in split_sentences(new, bank.language):
        quote = new[sentence.start : sentence.end]
        evidence = Evidence(sentence=sentence.number, start=sentence.start, end=sentence.end, quote=quote)
        places: list[_Place] = [(*place, "name") for place in names_in(quote, words, bank.language)]
        places += [(*place, "number") for place in numbers_in(quote, numbers)]
        for start, end, kind in _joined(sorted(places), quote):
            claim = NewClaim(
                kind=kind,
                claim=quote[start:end],
                start=sentence.start + start,
                end=sentence.start + end,
                evidence=evidence,
            )
            claims.append(claim)
    return claims


def question_texts(bank: Bank, question: Question) -> Iterator[str]:
    """Yield what the candidate was told: the question, why it is asked, and the statements and advice of its checks."""
    yield from (question.text, question.rationale, *question.follow_ups)
    for check in bank.checks_of(question):
        yield from (check.statement, check.advice)


def bank_texts(bank: Bank) -> Iterator[str]:
    """Yield all that a bank says."""
    yield from (bank.title, bank.profession)
    for question in bank.questions:
        yield from (*question_texts(bank, question), *question.sources)
    for rubric in bank.rubrics.values():
        yield rubric.description
        for criterion in rubric.criteria:
            yield from (criterion.title, *(level.descriptor for level in criterion.levels))


def _joined(places: list[_Place], text: str) -> list[_Place]:
    """Join a name and the number right behind it ("Windows 11"), and drop what lies inside another place."""
    joined: list[_Place] = []
    for start, end, kind in places:
        last_start, last_end, last_kind = joined[-1] if joined else (0, -1, kind)
        if start < last_end:
            joined[-1] = (last_start, max(end, last_end), last_kind)
        elif joined and (last_kind, kind) == ("name", "number") and text[last_end:start] == " ":
            joined[-1] = (last_start, end, "name")
        else:
            joined.append((start, end, kind))
    return joined


def abbreviations(bank: Bank) -> Iterator[str]:
    """Yield the abbreviations of the example sentences: words of the trade, where their names are somebody's claims."""
    for question in bank.questions:
        for check in bank.checks_of(question):
            for text in (*check.examples, *check.counter_examples):
                yield from _ABBREVIATION.findall(text)
