"""Finding the sentence of an answer that comes nearest to each check, and measuring how near it comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coach.core.signals import Signals
from coach.core.similarity import Similarity
from coach.models.answer import Sentence
from coach.models.bank import Check

#: Weights of statement and counter-examples beside the examples when sentences are ranked.
_STATEMENT_SHARE, _COUNTER_SHARE = 0.3, 0.5
#: A second sentence is quoted too when its nearness reaches this share of the best one's.
ALSO_QUOTED = 0.9
MAX_QUOTES = 2
#: So much of an answer is asked about at once: some 1000 words.
MAX_ASKED_CHARACTERS = 6000

_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
#: Shorter quotations in an advice are single terms, not example sentences.
_SENTENCE_CHARACTERS = 15


@dataclass(frozen=True)
class Finding:
    """The sentences nearest to a check, best first, with the signals of the best one."""

    check: Check
    sentences: tuple[Sentence, ...]
    signals: Signals
    #: What the model is asked about: the answer, or of a long one as much as may be asked about at once.
    text: str


def find_evidence(similarity: Similarity, sentences: Sequence[Sentence], checks: Sequence[Check]) -> list[Finding]:
    """Return a finding for every check, in their order; there must be at least one sentence."""
    texts = [sentence.text for sentence in sentences]
    known = sorted({text for check in checks for text in _texts_of(check)})
    columns = {text: column for column, text in enumerate(known)}
    matrix = similarity.matrix(texts, known)
    whole = " ".join(texts)
    return [_find(sentences, whole, check, matrix, columns) for check in checks]


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


def _find(
    sentences: Sequence[Sentence],
    whole: str,
    check: Check,
    matrix: Sequence[Sequence[float]],
    columns: dict[str, int],
) -> Finding:
    positive = [columns[text] for text in positive_texts(check)]
    negative = [columns[text] for text in negative_texts(check)]
    statement = columns[check.statement]
    measured = []
    for row in matrix:
        example = max(row[column] for column in positive)
        counter = max((row[column] for column in negative), default=0.0)
        near = example + _STATEMENT_SHARE * row[statement] - _COUNTER_SHARE * counter
        measured.append((near, row[statement], example, counter))
    ranked = sorted(range(len(sentences)), key=lambda index: -measured[index][0])
    near, stated, example, counter = measured[ranked[0]]
    second = measured[ranked[1]][0] if len(ranked) > 1 else near
    quoted = [index for index in ranked[:MAX_QUOTES] if measured[index][0] >= ALSO_QUOTED * near]
    signals = Signals(
        stated,
        example,
        counter,
        max(0.0, (near + second) / 2),
        statement_only=is_reference(check),
    )
    chosen = tuple(sentences[index] for index in quoted or ranked[:1])
    asked = whole if len(whole) <= MAX_ASKED_CHARACTERS else _part_with([x.text for x in sentences], ranked[0])
    return Finding(check, chosen, signals, asked)


def _part_with(texts: Sequence[str], best: int) -> str:
    """Return as much of a long answer as may be asked about at once; it holds the sentence with the index ``best``."""
    start = 0 if len(" ".join(texts[: best + 1])) <= MAX_ASKED_CHARACTERS else best
    length, end = len(texts[start]), start + 1
    while end < len(texts) and length + 1 + len(texts[end]) <= MAX_ASKED_CHARACTERS:
        length += 1 + len(texts[end])
        end += 1
    return " ".join(texts[start:end])
