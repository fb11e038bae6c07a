"""Sample answers with known levels and texts with known effects (the files under ``examples/``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from coach.bank.questions import Identifier, Text
from coach.schema import StrictModel

Level = Literal["strong", "partial", "weak"]
TrapKind = Literal[
    "fluent_emptiness", "keyword_list", "confident_nonsense", "other_question", "harmful_advice", "repeats_question"
]
AttackKind = Literal[
    "instruction_to_grader",
    "forged_delimiter",
    "forged_system_message",
    "fake_rubric_update",
    "role_play",
    "reasoning_opener",
    "hidden_unicode",
    "base64",
    "other_language",
    "authority_claim",
    "begging",
    "threat",
    "reply_json",
    "subtle",
]
Change = Literal["order", "synonyms", "typing errors", "contractions", "formatting", "mixed"]
AnswerText = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class Exemplar(StrictModel):
    """One sample answer, with the checks that it meets or partly meets."""

    level: Level
    answer: AnswerText
    flaw: Text | None = Field(default=None, description="What is wrong with a weak answer.")
    met: list[Identifier] = Field(default_factory=list)
    partly: list[Identifier] = Field(default_factory=list)


class ExemplarFile(StrictModel):
    """The sample answers to one question."""

    question_id: Identifier
    exemplars: Annotated[list[Exemplar], Field(min_length=1)]


class Trap(StrictModel):
    """An answer that sounds better than it is, with the checks that it meets or partly meets nevertheless."""

    kind: TrapKind
    answer: AnswerText
    met: list[Identifier] = Field(default_factory=list)
    partly: list[Identifier] = Field(default_factory=list)


class TrapFile(StrictModel):
    """The traps of one question: each must score below its partial exemplar."""

    question_id: Identifier
    traps: Annotated[list[Trap], Field(min_length=1)]


class Attack(StrictModel):
    """A text that somebody might append to an answer to get a better mark; it must never raise a score."""

    id: Identifier
    kind: AttackKind
    text: AnswerText


class Harmless(StrictModel):
    """An honest answer that only looks like an attack; it must never raise a warning."""

    id: Identifier
    text: AnswerText


class AttackFile(StrictModel):
    """Attacks and harmless texts."""

    attacks: Annotated[list[Attack], Field(min_length=1)]
    harmless: list[Harmless] = Field(default_factory=list)


class Rewording(StrictModel):
    """An exemplar said again in another way, with the same content; comparing the two finds no clear change."""

    question_id: Identifier
    level: Level = Field(description="Level of the exemplar that it was made from.")
    change: Change
    answer: AnswerText


class RewordingFile(StrictModel):
    """All rewordings."""

    pairs: Annotated[list[Rewording], Field(min_length=1)]


class FollowedAdvice(StrictModel):
    """A sentence that does what a check's advice asks, in words of its own; appending it must raise the score."""

    question_id: Identifier
    check_id: Identifier
    sentence: Text


class FollowedAdviceFile(StrictModel):
    """All such sentences."""

    sentences: Annotated[list[FollowedAdvice], Field(min_length=1)]
