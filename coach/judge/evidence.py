"""Measuring how near an answer comes to each check, and finding the sentence to quote for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.answer.answer import Sentence
from coach.bank.questions import Check
from coach.judge.key_words import KeyWords
from coach.judge.quoting import Likeness, choose_quotes
from coach.judge.signals import Signals
from coach.judge.similarity import Similarity

#: Weights of statement, counter-examples and key words beside the examples when sentences are ranked.
RANKING = (0.3, -0.5, 0.4)
#: So much of an answer is asked about at once: some 1000 words.
MAX_ASKED_CHARACTERS = 6000

#: An event counts from so much above the cosine below which a sentence has nothing to do with the question: the way to
#: work and the weather happened as well.
EVENT_MARGIN = 0.1

_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
#: Shorter quotations in an advice are single terms, not example sentences.
_SENTENCE_CHARACTERS = 15


@dataclass(frozen=True)
class Finding:
    """The sentence that is quoted for a check, and the signals of the one that comes nearest to it."""

    check: Check
    sentence: Sentence
    signals: Signals
    #: What the model is asked about: the answer without what has nothing to do with the question, of a long one a part.
    text: str


@dataclass(frozen=True)
class _Nearness:
    """How near one sentence comes to one check, in all and by part."""

    near: float
    statement: float
    example: float
    counter: float
    words: float


class _Measured:
    """Everything that was measured about the sentences of an answer and the texts of the checks."""

    def __init__(self, similarity: Similarity, texts: Sequence[str], checks: Sequence[Check], question: str) -> None:
        known = sorted({text for check in checks for text in _texts_of(check)})
        key_words = KeyWords(known, question)
        matrix = similarity.matrix(texts, [*known, question])
        self._cosines = [dict(zip(known, row, strict=False)) for row in matrix]
        #: For each sentence, whether it comes near to anything that the question asks for.
        self.related = [max(row) >= similarity.unrelated_below for row in matrix]
        self._on_topic = [max(row) >= similarity.unrelated_below + EVENT_MARGIN for row in matrix]
        self._words = [key_words.shares(text) for text in texts]

    def told(self, events: Sequence[float] | None) -> Sequence[float] | None:
        """Return how far each sentence tells of an event that has to do with the question."""
        if events is None:
            return None
        return [event if on_topic else 0.0 for event, on_topic in zip(events, self._on_topic, strict=True)]

    def nearness(self, check: Check) -> list[_Nearness]:
        """Return how near each sentence comes to a check."""
        positive, negative = positive_texts(check), negative_texts(check)
        return [
            self._nearness(cosine, words, check.statement, positive, negative)
            for cosine, words in zip(self._cosines, self._words, strict=True)
        ]

    def likenesses(self, check: Check, told: Sequence[float] | None) -> list[Likeness]:
        """Return what each sentence has in common with a check."""
        texts = positive_texts(check)
        events = told if told is not None and check.needs_event else [0.0] * len(self._words)
        return [
            Likeness(
                [cosine[text] for text in texts],
                cosine[check.statement],
                max(words[text] for text in texts),
                words[check.statement],
                event,
            )
            for cosine, words, event in zip(self._cosines, self._words, events, strict=True)
        ]

    @staticmethod
    def _nearness(
        cosine: Mapping[str, float],
        words: Mapping[str, float],
        statement: str,
        positive: list[str],
        negative: list[str],
    ) -> _Nearness:
        example = max(cosine[text] for text in positive)
        counter = max((cosine[text] for text in negative), default=0.0)
        shared = max(words[text] for text in positive)
        stated = cosine[statement]
        near = example + sum(weight * part for weight, part in zip(RANKING, (stated, counter, shared), strict=True))
        return _Nearness(near, stated, example, counter, shared)


def find_evidence(
    similarity: Similarity,
    sentences: Sequence[Sentence],
    checks: Sequence[Check],
    question: str,
    events: Sequence[float] | None = None,
) -> list[Finding]:
    """Return a finding for every check, in their order; there must be at least one sentence.

    ``events`` says for each sentence how far it tells of an event (0..1), None where that is not known.
    """
    texts = [sentence.text for sentence in sentences]
    measured = _Measured(similarity, texts, checks, question)
    about = _to_the_point(texts, measured.related)
    told = measured.told(events)
    event = None if told is None else max(told)
    quotes = choose_quotes([measured.likenesses(check, told) for check in checks])
    return [
        Finding(
            check,
            sentences[quote],
            _signals(check, measured.nearness(check), event),
            _asked_text(texts if is_reference(check) else about, texts[quote]),
        )
        for check, quote in zip(checks, quotes, strict=True)
    ]


def _to_the_point(texts: Sequence[str], related: Sequence[bool]) -> list[str]:
    """Return the sentences without those that have nothing to do with the question: they would only water it down.

    All of them where more than half would go: then it is the answer that has nothing to do with the question.
    """
    kept = [text for text, near in zip(texts, related, strict=True) if near]
    return kept if 2 * sum(map(len, kept)) >= sum(map(len, texts)) else list(texts)


def advice_examples(check: Check) -> list[str]:
    """Return the example sentences in double quotes of a check's advice; the whole advice when there is none."""
    quoted = _QUOTED.findall(check.advice)
    sentences = [text for text in quoted if len(text) >= _SENTENCE_CHARACTERS or text == check.statement]
    return sentences or [check.advice]


def positive_texts(check: Check) -> list[str]:
    """Return sentences that meet the check. A red flag's advice says the right thing, so it is not among them."""
    if check.kind == "red_flag":
        return list(check.examples) or [check.statement]
    return [*advice_examples(check), *check.examples]


def negative_texts(check: Check) -> list[str]:
    """Return sentences that sound close to the check but do not meet it."""
    return [*check.counter_examples, *(advice_examples(check) if check.kind == "red_flag" else [])]


def is_reference(check: Check) -> bool:
    """Return whether a point has no example beside its own statement: a sentence of a reference answer."""
    return check.kind == "point" and positive_texts(check) == [check.statement]


def _texts_of(check: Check) -> list[str]:
    return [check.statement, *positive_texts(check), *negative_texts(check)]


def _signals(check: Check, measured: Sequence[_Nearness], event: float | None) -> Signals:
    ranked = sorted(measured, key=lambda nearness: -nearness.near)
    best, second = ranked[0], ranked[min(1, len(ranked) - 1)]
    return Signals(
        best.statement,
        best.example,
        best.counter,
        max(0.0, (best.near + second.near) / 2),
        best.words,
        statement_only=is_reference(check),
        event=event if check.needs_event else None,
    )


def _asked_text(about: Sequence[str], best: str) -> str:
    """Return what the model is asked about; of a long answer as much as may be, with the best sentence in it."""
    whole = " ".join(about)
    if len(whole) <= MAX_ASKED_CHARACTERS:
        return whole
    return _part_with(about, about.index(best) if best in about else 0)


def _part_with(texts: Sequence[str], best: int) -> str:
    """Return as much of a long answer as may be asked about at once; it holds the sentence with the index ``best``."""
    start = 0 if len(" ".join(texts[: best + 1])) <= MAX_ASKED_CHARACTERS else best
    length, end = len(texts[start]), start + 1
    while end < len(texts) and length + 1 + len(texts[end]) <= MAX_ASKED_CHARACTERS:
        length += 1 + len(texts[end])
        end += 1
    return " ".join(texts[start:end])
