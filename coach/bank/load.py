"""Loading a question bank: ``questions.yaml`` with the rubrics that lie beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coach.bank.questions import Bank, Question, QuestionFile, Rubric
from coach.bank.yaml_files import Location, Positions, load_model, read_text
from coach.errors import BankError
from coach.files import resource

_Problem = tuple[Location, str]


def load_bank(path: Path | None = None) -> Bank:
    """Load the bank at ``path`` (default: the shipped one); rubrics are read from ``rubrics/`` beside it.

    Raises BankError that names file, line, question and field of every problem found.
    """
    path = path or resource("questions.yaml")
    text = read_text(path, "question bank")
    file, positions = load_model(QuestionFile, text, str(path), _name_question)
    rubrics = _load_rubrics(path, file, positions)
    problems = [
        *_twice([question.id for question in file.questions], "questions", "id"),
        *_twice([question.number for question in file.questions], "questions", "number"),
    ]
    for index, question in enumerate(file.questions):
        problems += _problems_of(index, question, rubrics[question.rubric])
    _refuse(problems, positions, "Correct the question bank.")
    return Bank(
        title=file.title,
        profession=file.profession,
        language=file.language,
        red_flags=file.red_flags,
        questions=file.questions,
        rubrics=rubrics,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def load_rubric(path: Path) -> Rubric:
    """Load one rubric file; raises BankError that names file, line and field of every problem found."""
    rubric, positions = load_model(Rubric, read_text(path, "rubric"), str(path))
    problems = [
        *_twice([criterion.id for criterion in rubric.criteria], "criteria", "id"),
        *_twice([check.id for check in rubric.checks], "checks", "id"),
    ]
    criteria = {criterion.id for criterion in rubric.criteria}
    for index, check in enumerate(rubric.checks):
        if check.criterion not in criteria:
            problems.append((("checks", index, "criterion"), f"unknown criterion {check.criterion!r}"))
    if rubric.id != path.stem:
        problems.append((("id",), f"the id {rubric.id!r} differs from the file's name"))
    _refuse(problems, positions, "Correct the rubric.")
    return rubric


def _load_rubrics(path: Path, file: QuestionFile, positions: Positions) -> dict[str, Rubric]:
    folder = path.parent / "rubrics"
    rubrics: dict[str, Rubric] = {}
    errors: list[BankError] = []
    # The first question that names a rubric stands for all.
    first = {question.rubric: index for index, question in reversed(list(enumerate(file.questions)))}
    for name, index in sorted(first.items(), key=lambda item: item[1]):
        rubric_path = folder / f"{name}.yaml"
        try:
            if not rubric_path.is_file():
                known = ", ".join(sorted(other.stem for other in folder.glob("*.yaml"))) or "(none yet)"
                raise BankError(
                    positions.complaint(("questions", index, "rubric"), f"there is no file {rubric_path}"),
                    f"Put the rubric there, or use one of: {known}.",
                )
            rubrics[name] = load_rubric(rubric_path)
        except BankError as error:
            errors.append(error)
    if errors:
        hints = dict.fromkeys(error.hint for error in errors)
        raise BankError("\n".join(error.message for error in errors), " ".join(hints))
    return rubrics


def _problems_of(index: int, question: Question, rubric: Rubric) -> Iterator[_Problem]:
    """Yield what is wrong with a question beside its rubric."""
    criteria = [criterion.id for criterion in rubric.criteria]
    seen = {check.id for check in rubric.checks}
    where: Location = ("questions", index, "checks")
    for position, check in enumerate(question.checks):
        if check.criterion not in criteria:
            names = ", ".join(sorted(criteria))
            yield (*where, position, "criterion"), f"unknown criterion {check.criterion!r} (rubric has: {names})"
        if check.id in seen:
            yield (*where, position, "id"), f"the check id {check.id!r} is used twice (rubric checks count too)"
        seen.add(check.id)
    judged = {check.criterion for check in (*question.checks, *rubric.checks) if check.kind == "point"}
    for name in criteria:
        if name not in judged:
            yield where, f"the criterion {name!r} has no point to judge"


def _twice(values: Sequence[str | int], *names: str) -> list[_Problem]:
    """Return the problems of values that stand twice; ``names`` are those of the list and of its items' field."""
    return [
        ((names[0], index, names[1]), f"{value!r} stands twice")
        for index, value in enumerate(values)
        if value in values[:index]
    ]


def _refuse(problems: Sequence[_Problem], positions: Positions, hint: str) -> None:
    if problems:
        raise BankError("\n".join(positions.complaint(where, what) for where, what in problems), hint)


def _name_question(data: Any, location: Location) -> str:
    if len(location) < 2 or location[0] != "questions":
        return ""
    try:
        return f"question {data['questions'][location[1]]['id']!r}: "
    except (KeyError, IndexError, TypeError):
        return f"question {location[1]}: "
