"""Sentences that tell of something that happened: "I traced it to a duplicate address", "one night we lost a disk".

An example from one's own work is told in the past tense, and general knowledge, plans and habits are not. Likeness in
meaning hardly sees that difference ("I test the backup", "I tested the backup"), grammar does. English only so far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

#: Past forms that differ from the present form; "put", "set" and "read" do not.
_IRREGULAR = (
    "was were had did went came got took made wrote rewrote rebuilt built found saw told said knew thought felt heard "
    "brought bought caught taught sought fought sent spent lent kept left lost met held led fed sat stood understood "
    "began drove spoke broke woke chose gave forgave drew grew threw flew fell rose wore tore won sold paid laid meant "
    "ran dealt slept swept learnt became overcame undid redid withdrew oversaw"
)
#: Words on "-ed" that are no past forms, or form the past of nothing that happened.
_NO_PAST = "need|feed|exceed|proceed|succeed|speed|heed|embed|seed|breed|bleed|indeed|used to"
_PAST = rf"(?!(?:{_NO_PAST})\b)(?:[a-z]{{2,}}ed|{'|'.join(_IRREGULAR.split())})"
#: Adverbs between subject and verb. "Never" is none of them, because then it did not happen; what happened "usually" is
#: a habit, and what somebody "only" did is said to tell what they did not do.
_NO_ADVERB = r"(?:usual|normal|regular|general|typical|frequent|rare|occasional|week|month|dai|year|on)ly"
_ADVERB = rf"(?!{_NO_ADVERB}\b)(?:[a-z]+ly|once|then|also|just|even|first|already|often|both|all|still|soon|myself)"
_OWN = re.compile(rf"\b(?:I|we)\s+(?:{_ADVERB}\s+)*{_PAST}\b(?!\s+not\b)", re.IGNORECASE)
#: Experience without an occasion: "I have looked after two archives".
_EXPERIENCE = re.compile(
    rf"\b(?:I|we)(?:\s+have|['’]ve)\s+(?:{_ADVERB}\s+)*(?:been|done|gone|seen|{_PAST})\b", re.IGNORECASE
)
_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
#: What may be the last one, and what one day may be called.
_PERIOD = (
    "year|month|week|spring|summer|autumn|fall|winter|night|quarter|january|february|march|april|may|june|july|august|"
    f"september|october|november|december|{_WEEKDAY}"
)
_DAY = f"day|night|morning|evening|afternoon|weekend|{_WEEKDAY}"
_TIME = re.compile(
    rf"\b(?:ago|yesterday|last\s+(?:{_PERIOD})|one\s+(?:{_DAY})|that\s+(?:same\s+)?(?:{_DAY})|"
    rf"it\s+was\s+an?\s+(?:{_DAY})|it\s+was\s+me\s+who|"
    rf"in\s+(?:19|20)\d\d|when\s+(?:I|we|our|my)|(?:at|in)\s+my\s+(?:last|previous|old|former|first|second|current))\b",
    re.IGNORECASE,
)
#: Beside a time, verbs count whose past and present look the same.
_ANY_PAST = re.compile(rf"\b{_PAST}\b|\b(?:I|we)\s+(?:set|put|read|cut|shut)\b", re.IGNORECASE)
#: What is only supposed to happen.
_SUPPOSED = re.compile(r"^\W*(?:if|suppose|imagine|let's say|when|once)\b.*\b(?:would|'d)\b", re.IGNORECASE)

#: How much of an event a sentence tells that speaks of experience only.
EXPERIENCE = 0.5


def tells_event(text: str) -> float:
    """Return how far an English sentence tells of something that the speaker did or that happened at a certain time.

    1 for an event, EXPERIENCE for experience without an occasion, 0 for everything else.
    """
    if _SUPPOSED.search(text):
        return 0.0
    if _OWN.search(text) or (_TIME.search(text) and _ANY_PAST.search(text)):
        return 1.0
    return EXPERIENCE if _EXPERIENCE.search(text) else 0.0


#: How events are found, by language.
_FINDERS: dict[str, Callable[[str], float]] = {"en": tells_event}


def told_events(texts: Sequence[str], language: str) -> list[float] | None:
    """Return for each sentence how far it tells of an event; None for a language whose grammar is not known here."""
    finder = _FINDERS.get(language)
    return None if finder is None else [finder(text) for text in texts]
