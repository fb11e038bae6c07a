"""The sample answers with known levels that lie beside a question bank."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from coach.bank.questions import Identifier, Text
from coach.bank.yaml_files import load_model, read_text
from coach.errors import BankError
from coach.files import resource
from coach.schema import StrictModel

Level = Literal["strong", "partial", "weak"]
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


def load_exemplars(question_id: str, bank: Path | None = None) -> list[Exemplar]:
    """Return the sample answers to a question; empty when there are none.

    They lie in ``examples/exemplars/<question-id>.yaml`` beside the bank's file (default: the shipped bank). Raises
    BankError for a file that is broken or belongs to another question.
    """
    folder = resource("examples") if bank is None else bank.parent / "examples"
    path = folder / "exemplars" / f"{question_id}.yaml"
    if not path.is_file():
        return []
    file, positions = load_model(ExemplarFile, read_text(path, "file of exemplars"), str(path))
    if file.question_id != question_id:
        what = positions.complaint(("question_id",), f"{file.question_id!r} is not the file's name")
        raise BankError(what, "Correct the id, or rename the file.")
    return file.exemplars


def exemplar_answers(question_id: str, bank: Path | None = None) -> dict[str, str]:
    """Return the sample answers to a question by level; see `load_exemplars` for the rest."""
    return {exemplar.level: exemplar.answer for exemplar in load_exemplars(question_id, bank)}
