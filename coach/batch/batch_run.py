"""One run of a batch: what it was asked to do, how far it is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from coach.batch.rows import RowProblem
from coach.errors import ModelError


class Ending(StrEnum):
    """Why a run took no more rows."""

    COMPLETE = "complete"
    MAX_ROWS = "max_rows"
    MAX_COST = "max_cost"
    INTERRUPTED = "interrupted"
    MODEL = "model"


@dataclass
class Tally:
    """What a run has done so far. Tokens and dollars are those of this run only; ``cost_usd`` None: not known."""

    #: Rows that were read, with those that were finished before.
    rows: int = 0
    reused: int = 0
    judged: int = 0
    copied: int = 0
    failed: int = 0
    unreadable: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def done(self) -> int:
        """Rows that are settled: finished now or before, or failed."""
        return self.reused + self.judged + self.copied + self.failed


@dataclass
class BatchRun:
    """How a run ended. ``error`` says why the model stopped it; ``seconds`` is the time of judging."""

    ending: Ending = Ending.COMPLETE
    tally: Tally = field(default_factory=Tally)
    error: ModelError | None = None
    seconds: float = 0.0
    #: The first unreadable rows.
    problems: list[RowProblem] = field(default_factory=list)
