"""Looking through a batch without judging: what would be reused, sent and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from coach.batch.options import SameAnswersIndex
from coach.batch.row_keys import RowKeys
from coach.batch.rows import AnswerRow, RowProblem
from coach.judge.judging import Judge
from coach.judge.prompt_counting import PromptCounter
from coach.submit.assess import AnswerAssessor

SHOWN_PROBLEMS = 20


class FinishedRows(Protocol):
    """Tells what an earlier run has finished."""

    def finished(self, row_id: str, key: str) -> bool:
        """Return whether the row's newest record is a result with this key."""
        ...


@dataclass
class RowsFound:
    """What one pass over the rows has found."""

    rows: int = 0
    reused: int = 0
    identical: int = 0
    not_judged: int = 0
    to_judge: int = 0
    problems: list[RowProblem] = field(default_factory=list)


def look_through(
    rows: Iterable[AnswerRow | RowProblem],
    assessor: AnswerAssessor,
    judge: Judge,
    finished: FinishedRows | None,
    same_answers: SameAnswersIndex,
    counter: PromptCounter,
    calibration: str = "",
) -> RowsFound:
    """Read every row, in the order in which a run would, and count its requests in ``counter``. Sends nothing."""
    questions = {question.id: question for question in assessor.bank.questions}
    keys = RowKeys(assessor.bank, judge, calibration)
    found = RowsFound()
    for row in rows:
        if isinstance(row, RowProblem):
            if len(found.problems) < SHOWN_PROBLEMS:
                found.problems.append(row)
            continue
        found.rows += 1
        question = questions[row.question_id]
        key = keys.of(question, row.answer)
        if finished and finished.finished(row.row_id, key.key):
            found.reused += 1
        elif same_answers.key_of(key.same):
            found.identical += 1
        else:
            answer = assessor.prepare(question, row.answer)
            if answer.unscored_reason:
                found.not_judged += 1
            else:
                found.to_judge += 1
                for request in judge.requests(assessor.task(question, answer)):
                    counter.add(question.id, request)
        same_answers.remember(key.same, key.key)
    return found
