"""Texts with known effects that try a judge out (files under ``examples/``): traps, attacks, rewordings, advice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from coach.bank.examples import AnswerText, Level
from coach.bank.questions import Identifier, Text
from coach.bank.yaml_files import load_model, read_text
from coach.files import resource
from coach.schema import StrictModel

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


FileT = TypeVar("FileT", TrapFile, AttackFile, RewordingFile, FollowedAdviceFile)


def load_traps(question_id: str) -> list[Trap]:
    """Return the answers to a question that sound better than they are."""
    return _load(TrapFile, resource("examples") / "traps" / f"{question_id}.yaml").traps


def load_attacks() -> AttackFile:
    """Return the attacks and harmless texts."""
    return _load(AttackFile, resource("examples") / "attacks.yaml")


def load_rewordings() -> list[Rewording]:
    """Return the rewordings of exemplars."""
    return _load(RewordingFile, resource("examples") / "rewordings.yaml").pairs


def load_followed_advice() -> list[FollowedAdvice]:
    """Return the sentences that follow an advice."""
    return _load(FollowedAdviceFile, resource("examples") / "followed_advice.yaml").sentences


def _load(model: type[FileT], path: Path) -> FileT:
    return load_model(model, read_text(path, "file of sample texts"), str(path))[0]
