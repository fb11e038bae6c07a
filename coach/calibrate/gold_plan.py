"""What a calibration run will judge: the usable rows, their questions and scale, and the sample taken of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.bank.questions import Bank
from coach.batch.rows import RowProblem
from coach.calibrate.calibration import GoldSummary
from coach.calibrate.gold import GoldRow, GoldTask
from coach.calibrate.gold_matching import match_questions, sample
from coach.calibrate.gold_scale import find_scale, marks_of
from coach.errors import InputError


@dataclass(frozen=True)
class GoldPlan:
    """The answers to judge, the rows that cannot be used, and the summary for the report."""

    tasks: tuple[GoldTask, ...]
    problems: tuple[RowProblem, ...]
    summary: GoldSummary


def plan_calibration(
    rows: Sequence[GoldRow],
    problems: Sequence[RowProblem],
    bank: Bank | None,
    *,
    name: str,
    limit: int | None = None,
    seed: int = 0,
    scale: tuple[float, float] | None = None,
) -> GoldPlan:
    """Find questions, scale and sample; ``problems`` are those that reading found already.

    The scale is found in all usable rows, so it does not change with the sample. Raises InputError when no row has a
    question that is known, or the scale does not fit the marks.
    """
    tasks, unknown = match_questions(rows, bank)
    if not tasks:
        first = unknown[0]
        raise InputError(
            f"{first.source}, line {first.line}: {first.message}; no other row can be used either",
            "Name the bank of these questions with --bank, or add the columns question and reference.",
        )
    by_row = {id(task.row): task for task in tasks}
    chosen = [by_row[id(row)] for row in sample([task.row for task in tasks], limit, seed)]
    summary = GoldSummary(
        name=name,
        rows=len(rows) + len(problems),
        unreadable=len(problems) + len(unknown),
        used=len(chosen),
        questions=len({task.question.id for task in chosen}),
        limit=limit,
        seed=seed,
        scale=find_scale(marks_of(task.row for task in tasks), scale),
        scale_given=scale is not None,
    )
    return GoldPlan(tuple(chosen), (*problems, *unknown), summary)
