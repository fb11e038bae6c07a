"""What a batch is given: where results are kept, and how it is to be run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from coach.answer.answer import Answer
from coach.bank.questions import Question
from coach.batch.batch_run import Tally
from coach.batch.cost_budget import CostBudget
from coach.batch.rows import AnswerRow, JournalRecord, RowProblem
from coach.model.pace import AdaptiveLimit, FixedLimit
from coach.submit.assessment import Assessment


class Results(Protocol):
    """Where results are kept between runs (see ``coach.batch.journal``)."""

    def finished(self, row_id: str, key: str) -> bool:
        """Return whether the row's newest record is a result with this key."""
        ...

    def by_key(self, key: str) -> JournalRecord | None:
        """Return a result with this key whatever its row."""
        ...

    def append(self, record: JournalRecord) -> None:
        """Keep a record."""
        ...


class SameAnswersIndex(Protocol):
    """Which key serves all answers that are equal but for white space (see ``coach.batch.same_answers``)."""

    def key_of(self, same: str) -> str | None:
        """Return the key of their result, or None."""
        ...

    def remember(self, same: str, key: str) -> None:
        """Note that there is a result with this key."""
        ...


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    ``most`` gives the most that judging a row can cost in US dollars, for ``budget``. ``calibrate`` changes a score
    as the user asked; ``calibration`` is its hash. ``prepare`` prepares an answer as the assessor does, elsewhere.
    ``on_row`` hears of every row that was read, once.
    """

    limit: AdaptiveLimit = field(default_factory=lambda: FixedLimit(1))
    max_rows: int | None = None
    budget: CostBudget | None = None
    most: Callable[[AnswerRow, Question], float] | None = None
    calibrate: Callable[[Assessment], Assessment] | None = None
    calibration: str = ""
    prepare: Callable[[Question, str], Awaitable[Answer]] | None = None
    on_row: Callable[[AnswerRow], None] | None = None
    on_problem: Callable[[RowProblem], None] | None = None
    on_progress: Callable[[Tally], None] | None = None
