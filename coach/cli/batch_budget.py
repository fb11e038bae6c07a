"""What a row can cost at most, for ``--max-cost``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from coach.bank.questions import Question
from coach.batch.row_cost import most_tokens
from coach.batch.rows import AnswerRow
from coach.errors import InputError
from coach.judge.judging import Judge
from coach.model.completion import Message, Usage
from coach.submit.assess import AnswerAssessor

_PROBE = Usage(1000, 0, 1000)


def most_of_rows(assessor: AnswerAssessor, judge: Judge) -> Callable[[AnswerRow, Question], float]:
    """Return a function for the most that judging a row can cost in US dollars.

    Raises InputError when the model's price is not known: a limit that cannot be kept is no limit.
    """
    from coach.model.choose import is_loopback
    from coach.model.cost import TokenCounter
    from coach.model.dialect import REASONING_ROOM

    model, endpoint = judge.model, judge.endpoint
    if assessor.price(model, _PROBE, endpoint) is None:
        raise InputError(
            f"--max-cost cannot be kept: the price of {model} at {endpoint} is not known",
            "Leave it out and limit the run with --max-rows.",
        )
    if is_loopback(endpoint):
        return lambda row, question: 0.0
    counter = TokenCounter(model)

    def count(messages: Sequence[Message]) -> int:
        return counter.count_messages(messages).count

    def most(row: AnswerRow, question: Question) -> float:
        answer = assessor.prepare(question, row.answer)
        if answer.unscored_reason:
            return 0.0
        requests = judge.requests(assessor.task(question, answer))
        schemas = [json.dumps(request.json_schema.schema) for request in requests[:1] if request.json_schema]
        usage = most_tokens(requests, count, sum(counter.count(text).count for text in schemas), REASONING_ROOM)
        return assessor.price(model, usage, endpoint) or 0.0

    return most
