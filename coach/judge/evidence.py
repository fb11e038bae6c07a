"""Measuring how near an answer comes to each check, and choosing the sentence to quote for it.

A verdict needs to know how near an answer comes; a reader needs the sentence that shows it, and that is not always the
nearest one. Four things tell it from others on the same topic: it comes near to *several* examples of the check and not
only to one, it shares the check's telling words, and it does so more than it does with the checks that it fits best
(cross-domain similarity local scaling, Conneau et al. 2018): a sentence that is about everything shows nothing; and
where the check asks for something that happened, it tells of an event. The weights were chosen on the answers of
``benchmarks/held_out_answers.py``, which measures how often a quote is right.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coach.answer.answer import Sentence
from coach.answer.sentences import clauses
from coach.bank.questions import Check
from coach.judge.signals import Signals
from coach.judge.similarity import Similarity, stems
from coach.model.encoder import Matcher

#: Nearness: the largest cosine with an example, and weights of the statement's cosine, the largest cosine with a
#: counter-example and the largest share of an example's telling words beside it.
RANKING = (0.3, -0.5, 0.4)
#: So many of the nearest examples count for a quote.
_EXAMPLES = 3
#: Weights for a quote beside the mean cosine of these examples: cosine of the statement, words of an example and of the
#: statement; and what a sentence gains that tells of an event, for a check that needs one.
_STATEMENT, _EXAMPLE_WORDS, _STATEMENT_WORDS, _EVENT = 0.3, 0.8, 0.6, 0.2
#: So many of the checks that a sentence fits best say how much it fits any check, and this share of it is taken off.
_COMPARED, _COMMON = 3, 0.5
QUOTING = (_EXAMPLES, _STATEMENT, _EXAMPLE_WORDS, _STATEMENT_WORDS, _EVENT, _COMPARED, _COMMON)
#: So many of the sentences and clauses that come nearest to a check are read by the matcher.
_READ = 3
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
class Likeness:
    """What one sentence has in common with one check: cosines with its texts, and shares of their telling words.

    ``counter`` is the largest cosine with a sentence that does not meet the check. ``event`` says how far the sentence
    tells of an event (0..1), for a check that needs one.
    """

    examples: Sequence[float]
    statement: float
    example_words: float
    statement_words: float
    counter: float = 0.0
    event: float = 0.0
    #: The matcher's log-odds; None where it was not read.
    match: float | None = None

    def near(self) -> float:
        """Return how near the sentence comes to the check, for the verdict."""
        parts = (self.statement, self.counter, self.example_words)
        return max(self.examples) + sum(weight * part for weight, part in zip(RANKING, parts, strict=True))

    def quotable(self) -> float:
        """Return how well the sentence shows that the check is met."""
        nearest = sorted(self.examples, reverse=True)[:_EXAMPLES]
        return (
            sum(nearest) / len(nearest)
            + _STATEMENT * self.statement
            + _EXAMPLE_WORDS * self.example_words
            + _STATEMENT_WORDS * self.statement_words
            + _EVENT * self.event
        )


class KeyWords:
    """Weighs words by the texts of one question's checks.

    Sentences about the same topic have a high cosine even when one says nothing that the other does. What they rarely
    share by chance are the words that set one check apart from the others: "conformance statement", "worklist",
    "checksum". A word counts the more, the fewer of the known texts hold it (inverse document frequency, Spärck Jones
    1972); words of the question count nothing, because everybody who answers repeats them.
    """

    def __init__(self, texts: Sequence[str], question: str) -> None:
        self._stems = {text: frozenset(stems(text)) for text in texts}
        counts = Counter(stem for held in self._stems.values() for stem in held)
        asked = frozenset(stems(question))
        self._weight = {s: 0.0 if s in asked else math.log(1 + (1 + len(texts)) / (1 + n)) for s, n in counts.items()}

    def shares(self, source: str) -> dict[str, float]:
        """Return for every known text the share (0..1) of its words, by weight, that ``source`` holds.

        A text without words of its own has 0.
        """
        found = frozenset(stems(source))
        return {text: self._share(held, found) for text, held in self._stems.items()}

    def _share(self, held: frozenset[str], found: frozenset[str]) -> float:
        # Sorted, because sums of floats depend on the order, and that of a set changes from run to run.
        total = sum(self._weight[stem] for stem in sorted(held))
        return sum(self._weight[stem] for stem in sorted(held & found)) / total if total else 0.0


def find_evidence(
    similarity: Similarity,
    sentences: Sequence[Sentence],
    checks: Sequence[Check],
    question: str,
    events: Sequence[float] | None = None,
    matcher: Matcher | None = None,
) -> list[Finding]:
    """Return a finding for every check, in their order; there must be at least one sentence.

    ``events`` says for each sentence how far it tells of an event (0..1), None where that is not known. With a
    ``matcher`` the clauses of a long sentence count by themselves too, and those that come nearest are read by it.
    """
    units = [(place, sentence.text) for place, sentence in enumerate(sentences)]
    if matcher is not None:
        units += [(place, part) for place, text in list(units) for part in clauses(text)]
    texts = [text for _, text in units]
    known = compared_texts(checks, question)
    key_words = KeyWords(known[:-1], question)
    matrix = similarity.matrix(texts, known)
    cosines = [dict(zip(known, row, strict=True)) for row in matrix]
    words = [key_words.shares(text) for text in texts]
    # How near each sentence comes to anything that the question asks for.
    on_topic = [max(row) for row in matrix]
    event_from = similarity.unrelated_below + EVENT_MARGIN
    told = [0.0] * len(texts)
    if events is not None:
        told = [events[p] if near >= event_from else 0.0 for (p, _), near in zip(units, on_topic, strict=True)]

    def likenesses(check: Check) -> list[Likeness]:
        positive, negative = positive_texts(check), negative_texts(check)
        return [
            Likeness(
                [cosine[text] for text in positive],
                cosine[check.statement],
                max(shares[text] for text in positive),
                shares[check.statement],
                max((cosine[text] for text in negative), default=0.0),
                event if check.needs_event else 0.0,
            )
            for cosine, shares, event in zip(cosines, words, told, strict=True)
        ]

    found = [likenesses(check) for check in checks]
    if matcher is not None:
        _read(matcher, checks, texts, found)
    whole = texts[: len(sentences)]
    about = _to_the_point(whole, [near >= similarity.unrelated_below for near in on_topic[: len(sentences)]])
    event = None if events is None else max(told)
    quotes = [units[unit][0] for unit in choose_quotes(found)]
    return [
        Finding(
            check,
            sentences[quote],
            _signals(check, own, event, fit),
            _asked_text(whole if is_reference(check) else about, whole[quote]),
        )
        for check, own, quote, fit in zip(checks, found, quotes, fits_of(found), strict=True)
    ]


def _read(matcher: Matcher, checks: Sequence[Check], texts: Sequence[str], found: Sequence[list[Likeness]]) -> None:
    """Let the matcher read the texts that come nearest to each check, all pairs at once."""
    nearest = [
        (row, unit)
        for row, measured in enumerate(found)
        for unit in sorted(range(len(texts)), key=lambda unit: -measured[unit].near())[:_READ]
    ]
    read = matcher.log_odds([(checks[row].statement, texts[unit]) for row, unit in nearest])
    for (row, unit), match in zip(nearest, read, strict=True):
        found[row][unit] = replace(found[row][unit], match=match)


def choose_quotes(likenesses: Sequence[Sequence[Likeness]]) -> list[int]:
    """Return for each check the index of the sentence to quote; ``likenesses`` has a row for each check."""
    values = [[likeness.quotable() for likeness in row] for row in likenesses]
    common = []
    for column in zip(*values, strict=True):
        best = sorted(column, reverse=True)[:_COMPARED]
        common.append(_COMMON * sum(best) / len(best))
    return [max(range(len(row)), key=lambda index: row[index] - common[index]) for row in values]


def fits_of(likenesses: Sequence[Sequence[Likeness]]) -> list[float]:
    """Return for each check by how much any sentence fits it better than the three others that it fits best, at most.

    ``likenesses`` has a row for each check; without another check it is how well it can be quoted.
    """
    values = [[likeness.quotable() for likeness in row] for row in likenesses]
    found = [-math.inf] * len(values)
    for column in zip(*values, strict=True):
        order = sorted(range(len(column)), key=lambda row: -column[row])
        for row, value in enumerate(column):
            others = [column[other] for other in order[: _COMPARED + 1] if other != row][:_COMPARED]
            found[row] = max(found[row], value - sum(others) / max(1, len(others)))
    return found


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


def compared_texts(checks: Sequence[Check], question: str) -> list[str]:
    """Return all texts that every sentence of an answer to a question is compared with, the question's own last."""
    texts = {t for check in checks for t in (check.statement, *positive_texts(check), *negative_texts(check))}
    return [*sorted(texts), question]


def _signals(check: Check, likenesses: Sequence[Likeness], event: float | None, fit: float) -> Signals:
    ranked = sorted(((likeness.near(), likeness) for likeness in likenesses), key=lambda item: -item[0])
    near, best = ranked[0]
    read = sorted((likeness.match for likeness in likenesses if likeness.match is not None), reverse=True)
    return Signals(
        best.statement,
        max(best.examples),
        best.counter,
        max(0.0, (near + ranked[min(1, len(ranked) - 1)][0]) / 2),
        best.example_words,
        statement_only=is_reference(check),
        match=read[0] if read else None,
        second=read[min(1, len(read) - 1)] if read else None,
        quote=max(likeness.quotable() for likeness in likenesses),
        fit=fit,
        event=event if check.needs_event else None,
    )


def _to_the_point(texts: Sequence[str], related: Sequence[bool]) -> list[str]:
    """Return the sentences without those that have nothing to do with the question: they would only water it down.

    All of them where more than half would go: then it is the answer that has nothing to do with the question.
    """
    kept = [text for text, near in zip(texts, related, strict=True) if near]
    return kept if 2 * sum(map(len, kept)) >= sum(map(len, texts)) else list(texts)


def _asked_text(about: Sequence[str], best: str) -> str:
    """Return what the model is asked about; of a long answer as much as may be, with the best sentence in it."""
    whole = " ".join(about)
    if len(whole) <= MAX_ASKED_CHARACTERS:
        return whole
    at = about.index(best) if best in about else 0
    start = 0 if len(" ".join(about[: at + 1])) <= MAX_ASKED_CHARACTERS else at
    length, end = len(about[start]), start + 1
    while end < len(about) and length + 1 + len(about[end]) <= MAX_ASKED_CHARACTERS:
        length += 1 + len(about[end])
        end += 1
    return " ".join(about[start:end])
