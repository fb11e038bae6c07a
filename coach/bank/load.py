"""Loading a question bank: ``questions.yaml`` with the rubrics that lie beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from coach.bank.questions import Bank, Check, Question, QuestionFile, Rubric
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
    problems = [*_duplicate_questions(file), *_broken_references(file, rubrics)]
    _raise_problems(path, file, positions, problems)
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
    problems = _twice("criteria", [criterion.id for criterion in rubric.criteria])
    problems += _twice("checks", [check.id for check in rubric.checks])
    criteria = {criterion.id for criterion in rubric.criteria}
    problems += [
        (("checks", index, "criterion"), f"unknown criterion {check.criterion!r}")
        for index, check in enumerate(rubric.checks)
        if check.criterion not in criteria
    ]
    if rubric.id != path.stem:
        problems.append((("id",), f"the id {rubric.id!r} differs from the file's name"))
    if problems:
        lines = [f"{_place(path, positions, where)}: {'.'.join(map(str, where))}: {what}" for where, what in problems]
        raise BankError("\n".join(lines), "Correct the rubric.")
    return rubric


def _twice(field: str, ids: list[str]) -> list[_Problem]:
    return [
        ((field, index, "id"), f"the id {name!r} stands twice") for index, name in enumerate(ids) if name in ids[:index]
    ]


def _place(path: Path, positions: Positions, where: Location) -> str:
    line, column = positions.find(where, "")
    return f"{path}:{line}:{column}"


def _load_rubrics(path: Path, file: QuestionFile, positions: Positions) -> dict[str, Rubric]:
    folder = path.parent / "rubrics"
    rubrics: dict[str, Rubric] = {}
    errors: list[BankError] = []
    for index, question in enumerate(file.questions):
        if question.rubric in [other.rubric for other in file.questions[:index]]:
            continue
        rubric_path = folder / f"{question.rubric}.yaml"
        try:
            if not rubric_path.is_file():
                place = _place(path, positions, ("questions", index, "rubric"))
                raise BankError(
                    f"{place}: question {question.id!r}: rubric: there is no file {rubric_path}",
                    f"Put the rubric there, or use one of: {_rubric_names(folder)}.",
                )
            rubrics[question.rubric] = load_rubric(rubric_path)
        except BankError as error:
            errors.append(error)
    if errors:
        hints = dict.fromkeys(error.hint for error in errors)
        raise BankError("\n".join(error.message for error in errors), " ".join(hints))
    return rubrics


def _rubric_names(folder: Path) -> str:
    return ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))) or "(none yet)"


def _duplicate_questions(file: QuestionFile) -> list[_Problem]:
    problems: list[_Problem] = []
    for field in ("id", "number"):
        seen: set[Any] = set()
        for index, question in enumerate(file.questions):
            value = getattr(question, field)
            if value in seen:
                problems.append((("questions", index, field), f"{value!r} stands twice"))
            seen.add(value)
    return problems


def _broken_references(file: QuestionFile, rubrics: dict[str, Rubric]) -> list[_Problem]:
    problems: list[_Problem] = []
    for index, question in enumerate(file.questions):
        rubric = rubrics[question.rubric]
        criteria = {criterion.id for criterion in rubric.criteria}
        seen = {check.id for check in rubric.checks}
        for position, check in enumerate(question.checks):
            where: Location = ("questions", index, "checks", position)
            if check.criterion not in criteria:
                names = ", ".join(sorted(criteria))
                problems.append(((*where, "criterion"), f"unknown criterion {check.criterion!r} (rubric has: {names})"))
            if check.id in seen:
                problems.append(((*where, "id"), f"the check id {check.id!r} is used twice (rubric checks count too)"))
            seen.add(check.id)
        problems += _empty_criteria(index, question, rubric)
    return problems


def _empty_criteria(index: int, question: Question, rubric: Rubric) -> list[_Problem]:
    checks: list[Check] = [*question.checks, *rubric.checks]
    with_points = {check.criterion for check in checks if check.kind == "point"}
    return [
        (("questions", index, "checks"), f"the criterion {criterion.id!r} has no point to judge")
        for criterion in rubric.criteria
        if criterion.id not in with_points
    ]


def _raise_problems(path: Path, file: QuestionFile, positions: Positions, problems: list[_Problem]) -> None:
    if not problems:
        return
    lines = []
    for where, what in problems:
        index = where[1]
        assert isinstance(index, int)
        field = ".".join(str(part) for part in where[2:])
        lines.append(f"{_place(path, positions, where)}: question {file.questions[index].id!r}: {field}: {what}")
    raise BankError("\n".join(lines), "Correct the question bank.")


def _name_question(data: Any, location: Location) -> str:
    if len(location) < 2 or location[0] != "questions":
        return ""
    try:
        return f"question {data['questions'][location[1]]['id']!r}: "
    except (KeyError, IndexError, TypeError):
        return f"question {location[1]}: "
