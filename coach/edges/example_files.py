"""Reading the sample answers that lie beside a question bank."""

from __future__ import annotations

from pathlib import Path

from coach.edges.resources import resource
from coach.edges.yaml_files import load_model, read_text
from coach.errors import BankError
from coach.models.exemplar import Exemplar, ExemplarFile


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
        line, column = positions.find(("question_id",), "")
        raise BankError(
            f"{path}:{line}:{column}: question_id: {file.question_id!r} is not the file's name",
            "Correct the id, or rename the file.",
        )
    return file.exemplars
