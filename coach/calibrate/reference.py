r"""Questions made from a reference answer, so that marked answers can be judged without writing a bank.

The rule:

1. The reference answer is split into sentences (`coach.answer.sentences`).
2. A sentence of fewer than 4 words is joined to the one before it (the first one: to the one after it).
3. While there are more than 10, the two neighbours that are shortest together are joined.
4. Each is one point of equal weight, ``ref-1``, ``ref-2`` ...: its statement is the sentence itself, its advice
   quotes the sentence. Nothing else is checked.
5. There is one criterion, so the score is the mean credit of the points.

The id is made from the question's words and a hash of question and reference; the number is always 1. So nothing
in such a question depends on the other questions of a file, and kept scores stay valid when a file grows.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from coach.answer.sentences import clean, split_sentences
from coach.bank.questions import TOP_LEVEL, Bank, Check, Criterion, Level, Question, Rubric
from coach.errors import InputError
from coach.submit.key import canonical_sha256

MAX_POINTS = 10
MIN_WORDS = 4
#: Leaves room for the words around the sentence in an advice.
MAX_SENTENCE_CHARS = 3900
MAX_QUESTION_CHARS = 4000
PROFESSION = "student"
RATIONALE = "The question checks whether the main idea is understood."

_CRITERION = "content"
_SLUG_CHARS = 40
_LEVELS = (
    ("Not shown", "Nothing of the reference answer is there."),
    ("Beginning", "A small part of the reference answer is there."),
    ("Developing", "About half of the reference answer is there."),
    ("Solid", "Most of the reference answer is there."),
    ("Strong", "All of the reference answer is there, in the candidate's own words."),
)

REFERENCE_RUBRIC = Rubric(
    id="reference-answer",
    title="Comparison with a reference answer",
    description="How much of the reference answer the answer says.",
    criteria=[
        Criterion(
            id=_CRITERION,
            title="Content",
            weight=1.0,
            levels=[
                Level(level=level, title=title, descriptor=descriptor)
                for level, (title, descriptor) in zip(range(TOP_LEVEL + 1), _LEVELS, strict=True)
            ],
        )
    ],
)


def reference_bank(questions: Iterable[Question], language: str = "en") -> Bank:
    """Return a bank of questions that were made by `reference_question`; equal ones are taken once."""
    unique = list({question.id: question for question in questions}.values())
    return Bank(
        title="Questions with reference answers",
        profession=PROFESSION,
        language=language,
        questions=unique,
        rubrics={REFERENCE_RUBRIC.id: REFERENCE_RUBRIC},
        sha256=canonical_sha256([question.model_dump(mode="json") for question in unique]),
    )


def reference_question(text: str, reference: str, language: str = "en") -> Question:
    """Return the question with the checks that the rule above makes from a reference answer.

    Raises InputError when question or reference is empty, or a sentence is too long for one check.
    """
    text = clean(text)
    if not text or len(text) > MAX_QUESTION_CHARS:
        raise InputError("the question is empty" if not text else "the question is too long", "Shorten it.")
    points = reference_points(reference, language)
    if any(len(point) > MAX_SENTENCE_CHARS for point in points):
        raise InputError("a sentence of the reference answer is too long", "Split it into sentences.")
    return Question(
        id=_question_id(text, reference),
        number=1,
        category="reference",
        text=text,
        rationale=RATIONALE,
        rubric=REFERENCE_RUBRIC.id,
        checks=[_point(number, point) for number, point in enumerate(points, start=1)],
        min_words=1,
    )


def reference_points(reference: str, language: str = "en") -> list[str]:
    """Return the sentences of a reference answer as steps 1 to 3 of the rule give them; raises InputError for none."""
    points = [sentence.text for sentence in split_sentences(reference, language)]
    if not points:
        # A reference such as "++" has neither letters nor digits, and still says something.
        points = [clean(reference)] if clean(reference) else []
    if not points:
        raise InputError("the reference answer is empty", "Give at least one sentence.")
    return _at_most(_without_short(points))


def _without_short(points: list[str]) -> list[str]:
    joined: list[str] = []
    for point in points:
        if joined and (len(point.split()) < MIN_WORDS or (len(joined) == 1 and len(joined[0].split()) < MIN_WORDS)):
            joined[-1] = f"{joined[-1]} {point}"
        else:
            joined.append(point)
    return joined


def _at_most(points: list[str]) -> list[str]:
    while len(points) > MAX_POINTS:
        at = min(range(len(points) - 1), key=lambda index: len(points[index]) + len(points[index + 1]))
        points = [*points[:at], f"{points[at]} {points[at + 1]}", *points[at + 2 :]]
    return points


def _point(number: int, sentence: str) -> Check:
    # The advice's quoted example is used as a paraphrase by judges, so no quote of its own may end it early.
    quoted = re.sub('["“”„«»]', "'", sentence)
    return Check(
        id=f"ref-{number}",
        criterion=_CRITERION,
        kind="point",
        statement=sentence,
        advice=f'Say this in your own words: "{quoted}"',
    )


def _question_id(text: str, reference: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = re.findall("[a-z0-9]+", folded)
    slug = ""
    for word in words:
        if len(slug) + 1 + len(word) > _SLUG_CHARS:
            break
        slug = f"{slug}-{word}" if slug else word
    digest = hashlib.sha256(f"{text}\0{clean(reference)}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug or 'question'}-{digest[:8]}"
