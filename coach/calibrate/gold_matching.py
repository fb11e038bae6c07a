"""Which question every marked answer answers, and which of them are taken for a sample."""

from __future__ import annotations

import random
from collections.abc import Sequence

from coach.bank.find import QuestionMatcher
from coach.bank.questions import Bank, Question
from coach.batch.rows import RowProblem
from coach.calibrate.gold import GoldRow, GoldTask
from coach.calibrate.reference_questions import reference_bank, reference_question
from coach.errors import InputError


def needs_bank(rows: Sequence[GoldRow]) -> bool:
    """Return whether any row names a question instead of bringing its own."""
    return any(row.question is None for row in rows)


def match_questions(rows: Sequence[GoldRow], bank: Bank | None) -> tuple[list[GoldTask], list[RowProblem]]:
    """Return the rows with their questions, and those whose question is unknown or cannot be used.

    A row with ``question`` and ``reference`` is judged by these, whatever its ``question_id``. ``bank`` may be None
    when no row needs it (see `needs_bank`).
    """
    matcher = QuestionMatcher(bank) if bank else None
    known = {question.id: question for question in bank.questions} if bank else {}
    found: dict[str, Question | str] = {}
    for row in rows:
        if row.question_key not in found:
            found[row.question_key] = _find(row, matcher, known)
    inline = {row.question_key for row in rows if row.question is not None}
    made = [question for key, question in found.items() if key in inline and isinstance(question, Question)]
    own_bank = reference_bank(made) if made else None
    tasks: list[GoldTask] = []
    problems: list[RowProblem] = []
    for row in rows:
        question = found[row.question_key]
        home = own_bank if row.question is not None else bank
        if isinstance(question, str) or home is None:
            problems.append(RowProblem(row.source, row.line, str(question)))
        else:
            tasks.append(GoldTask(row, question, home))
    return tasks, problems


def _find(row: GoldRow, matcher: QuestionMatcher | None, known: dict[str, Question]) -> Question | str:
    if row.question is not None:
        try:
            return reference_question(row.question, row.reference or "")
        except InputError as error:
            return error.message
    match = matcher.match(row.question_id or "") if matcher else None
    if match is None:
        near = f"; nearest are {', '.join(matcher.nearest(row.question_id or ''))}" if matcher else ""
        return f"there is no question {row.question_id!r} in the bank{near}"
    return known[match.question_id]


def sample(rows: Sequence[GoldRow], limit: int | None, seed: int = 0) -> list[GoldRow]:
    """Return at most ``limit`` rows, the same number from each question as far as they have that many.

    The choice depends on the seed and the rows alone. Which rows of a question are taken first does not depend on
    the other questions or on ``limit``, so a smaller sample is part of a larger one. The order stays as given.
    """
    if limit is None or limit >= len(rows):
        return list(rows)
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.question_key, []).append(index)
    for key, indices in groups.items():
        random.Random(f"{seed}\0{key}").shuffle(indices)
    # When the limit does not divide evenly, chance decides which questions give one answer more.
    order = list(groups)
    random.Random(f"{seed}").shuffle(order)
    longest = max(map(len, groups.values()))
    turns = [groups[key][turn] for turn in range(longest) for key in order if turn < len(groups[key])]
    return [rows[index] for index in sorted(turns[:limit])]
