"""Reading the sample answers that lie beside a question bank, and the texts that try a judge out."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from coach.bank.examples import (
    AttackFile,
    Exemplar,
    ExemplarFile,
    FollowedAdvice,
    FollowedAdviceFile,
    Rewording,
    RewordingFile,
    Trap,
    TrapFile,
)
from coach.bank.yaml_files import load_model, read_text
from coach.errors import BankError
from coach.files import resource

FileT = TypeVar("FileT", ExemplarFile, TrapFile)


def load_exemplars(question_id: str, bank: Path | None = None) -> list[Exemplar]:
    """Return the sample answers to a question; empty when there are none.

    They lie in ``examples/exemplars/<question-id>.yaml`` beside the bank's file (default: the shipped bank). Raises
    BankError for a file that is broken or belongs to another question.
    """
    file = _load_of_question(ExemplarFile, question_id, _folder(bank) / "exemplars", "file of exemplars")
    return file.exemplars if file else []


def exemplar_answers(question_id: str, bank: Path | None = None) -> dict[str, str]:
    """Return the sample answers to a question by level; see `load_exemplars` for the rest."""
    return {exemplar.level: exemplar.answer for exemplar in load_exemplars(question_id, bank)}


def load_traps(question_id: str, bank: Path | None = None) -> list[Trap]:
    """Return the answers to a question that sound better than they are; see `load_exemplars` for the rest."""
    file = _load_of_question(TrapFile, question_id, _folder(bank) / "traps", "file of traps")
    return file.traps if file else []


def load_attacks() -> AttackFile:
    """Return the shipped attacks and harmless texts; raises BankError."""
    path = resource("examples") / "attacks.yaml"
    return load_model(AttackFile, read_text(path, "file of attacks"), str(path))[0]


def load_rewordings() -> list[Rewording]:
    """Return the shipped rewordings of exemplars; raises BankError."""
    path = resource("examples") / "rewordings.yaml"
    return load_model(RewordingFile, read_text(path, "file of rewordings"), str(path))[0].pairs


def load_followed_advice() -> list[FollowedAdvice]:
    """Return the shipped sentences that follow an advice; raises BankError."""
    path = resource("examples") / "followed_advice.yaml"
    return load_model(FollowedAdviceFile, read_text(path, "file of followed advice"), str(path))[0].sentences


def _folder(bank: Path | None) -> Path:
    return resource("examples") if bank is None else bank.parent / "examples"


def _load_of_question(model: type[FileT], question_id: str, folder: Path, kind: str) -> FileT | None:
    path = folder / f"{question_id}.yaml"
    if not path.is_file():
        return None
    file, positions = load_model(model, read_text(path, kind), str(path))
    if file.question_id != question_id:
        line, column = positions.find(("question_id",), "")
        raise BankError(
            f"{path}:{line}:{column}: question_id: {file.question_id!r} is not the file's name",
            "Correct the id, or rename the file.",
        )
    return file
