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
import textwrap
import unicodedata
from collections.abc import Iterable

from coach.answer.sentences import clean, split_sentences
from coach.bank.questions import Bank, Check, Criterion, Level, Question, Rubric
from coach.errors import InputError
from coach.submit.key import canonical_sha256

MAX_POINTS = 10

_MIN_WORDS = 4
#: Leaves room for the words around the sentence in an advice.
_MAX_SENTENCE_CHARS = 3900
_MAX_QUESTION_CHARS = 4000
_SLUG_CHARS = 40
_LEVELS = (
    ("Not yet", "Nothing of the reference answer is there."),
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
            id="content",
            title="Content",
            weight=1.0,
            levels=[
                Level(level=level, title=title, descriptor=descriptor)
                for level, (title, descriptor) in enumerate(_LEVELS)
            ],
        )
    ],
)


def reference_bank(questions: Iterable[Question]) -> Bank:
    """Return a bank of questions that were made by `reference_question`; equal ones are taken once."""
    unique = list({question.id: question for question in questions}.values())
    return Bank(
        title="Questions with reference answers",
        profession="student",
        language="en",
        questions=unique,
        rubrics={REFERENCE_RUBRIC.id: REFERENCE_RUBRIC},
        sha256=canonical_sha256([question.model_dump(mode="json") for question in unique]),
    )


def reference_question(text: str, reference: str) -> Question:
    """Return the question with the checks that the rule above makes from a reference answer.

    Raises InputError when question or reference is empty, or a sentence is too long for one check.
    """
    text = clean(text)
    if not text or len(text) > _MAX_QUESTION_CHARS:
        raise InputError("the question is empty" if not text else "the question is too long", "Shorten it.")
    points = reference_points(reference)
    if any(len(point) > _MAX_SENTENCE_CHARS for point in points):
        raise InputError("a sentence of the reference answer is too long", "Split it into sentences.")
    digest = hashlib.sha256(f"{text}\0{clean(reference)}".encode("utf-8", "surrogatepass")).hexdigest()
    return Question(
        id=f"{_slug(text)}-{digest[:8]}",
        number=1,
        category="reference",
        text=text,
        rationale="The question checks whether the main idea is understood.",
        rubric=REFERENCE_RUBRIC.id,
        checks=[
            Check(
                id=f"ref-{number}",
                criterion=REFERENCE_RUBRIC.criteria[0].id,
                kind="point",
                statement=point,
                # Judges use the advice's quoted example as a paraphrase, so no quote of its own may end it early.
                advice='Say this in your own words: "{}"'.format(re.sub('["“”„«»]', "'", point)),
            )
            for number, point in enumerate(points, start=1)
        ],
        min_words=1,
    )


def reference_points(reference: str) -> list[str]:
    """Return the sentences of a reference answer as steps 1 to 3 of the rule give them; raises InputError for none."""
    # A reference such as "++" has neither letters nor digits, and still says something.
    sentences = [sentence.text for sentence in split_sentences(reference)] or [clean(reference)]
    if sentences == [""]:
        raise InputError("the reference answer is empty", "Give at least one sentence.")
    points: list[str] = []
    for sentence in sentences:
        if points and (_is_short(sentence) or (len(points) == 1 and _is_short(points[0]))):
            points[-1] += f" {sentence}"
        else:
            points.append(sentence)
    while len(points) > MAX_POINTS:
        at = min(range(len(points) - 1), key=lambda index: len(points[index]) + len(points[index + 1]))
        points[at : at + 2] = [" ".join(points[at : at + 2])]
    return points


def _is_short(sentence: str) -> bool:
    return len(sentence.split()) < _MIN_WORDS


def _slug(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    slug = textwrap.shorten(" ".join(re.findall("[a-z0-9]+", folded)), _SLUG_CHARS, placeholder="")
    return slug.replace(" ", "-") or "question"
