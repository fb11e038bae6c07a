"""What a batch costs: the plan of a dry run, and a budget that is never exceeded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, Field

from coach.batch.rows import SourceReport
from coach.batch.store import Store
from coach.errors import InputError
from coach.judge.judging import Judge, JudgeTask
from coach.judge.prompt_counting import PromptCounter
from coach.model.choose import OPENAI_URL, is_loopback
from coach.model.completion import Usage
from coach.model.cost import TOKENS_FOR_REPLY, TOKENS_PER_MESSAGE, TokenCounter, price_note
from coach.model.dialect import REASONING_ROOM
from coach.schema import ResultModel
from coach.submit.assess import AnswerAssessor

#: Other models cut text differently from the vocabulary that is counted with.
_MARGIN = 1.1
_PROBE = Usage(1000, 0, 1000)
#: Fewer rows say nothing about the next thousand.
_MIN_ROWS = 10


def half_price(assessor: AnswerAssessor) -> AnswerAssessor:
    """Return the assessor with the prices of a provider's jobs, half of the list price."""

    def half(model: str, usage: Usage, endpoint: str) -> float | None:
        cost = assessor.price(model, usage, endpoint)
        return None if cost is None else cost / 2

    return replace(assessor, price=half)


class CostBudget:
    """US dollars that may be spent. ``spent`` is certain, ``reserved`` is what work in flight may still cost.

    Every piece of work reserves the most that it can cost before it begins; ``most`` gives that of judging an answer.
    """

    def __init__(self, limit: float, most: Callable[[JudgeTask], float]) -> None:
        self.most = most
        self.spent = 0.0
        self.reserved = 0.0
        self._limit = limit
        self._open = 0

    def ever_fits(self, most: float) -> bool:
        """Return whether such work might begin once the work in flight has turned out to be free."""
        return self.spent + most <= self._limit

    def reserve(self, most: float) -> bool:
        """Reserve what work can cost at most; False when it does not fit now."""
        if self.spent + self.reserved + most > self._limit:
            return False
        self._open += 1
        self.reserved += most
        return True

    def settle(self, most: float, cost: float | None) -> None:
        """Note what work did cost; what is not known counts as the most it can have cost."""
        self._open -= 1
        # Nothing is left of sums that were rounded, or the last piece of work would wait for nobody.
        self.reserved = self.reserved - most if self._open else 0.0
        self.spent += most if cost is None else cost


def budget_for(limit: float | None, assessor: AnswerAssessor) -> CostBudget | None:
    """Return the budget of a run, None when it has no limit.

    Raises InputError when the model's price is not known: a limit that cannot be kept is no limit.
    """
    if limit is None:
        return None
    judge = assessor.judge
    model, endpoint = judge.model, judge.endpoint
    if assessor.price(model, _PROBE, endpoint) is None:
        raise InputError(
            f"--max-cost cannot be kept: the price of {model} at {endpoint} is not known",
            "Leave it out and limit the run with --max-rows.",
        )
    if is_loopback(endpoint):
        return CostBudget(limit, lambda task: 0.0)
    counter = TokenCounter(model)

    def most(task: JudgeTask) -> float:
        """Return what these first requests can lead to, at most.

        A structured request may be followed by a repair, whose prompt is a little longer and whose reply is as long;
        its schema is part of the prompt. Beside each reply a reasoning model may think.
        """
        inputs = outputs = 0
        for request in judge.requests(task):
            prompt, tries = counter.count_messages(request.messages), 1
            if request.json_schema:
                prompt, tries = prompt + counter.count(json.dumps(request.json_schema.schema)), 2
            inputs += tries * (prompt + request.max_tokens * (tries - 1))
            outputs += tries * (request.max_tokens + REASONING_ROOM)
        return assessor.price(model, Usage(round(inputs * _MARGIN), 0, round(outputs * _MARGIN)), endpoint) or 0.0

    return CostBudget(limit, most)


class RunSpeed(BaseModel):
    """What was measured in the last run: rows a minute, and output tokens a row (None where not reported)."""

    judge: str
    model: str
    endpoint: str
    rows: int
    rows_per_minute: float
    output_tokens_per_row: float | None

    @classmethod
    def keep(cls, store: Store, judge: Judge, rows: int, seconds: float, output_tokens: int) -> None:
        """Keep what a run has measured for a later dry run, if it judged enough rows."""
        if rows >= _MIN_ROWS and seconds > 0:
            speed = cls(
                judge=judge.name,
                model=judge.model,
                endpoint=judge.endpoint,
                rows=rows,
                rows_per_minute=60 * rows / seconds,
                output_tokens_per_row=output_tokens / rows if output_tokens else None,
            )
            store.keep_fact("speed", speed.model_dump_json())


class _ModelPrice(ResultModel):
    """What the input of a batch costs with one model, in US dollars at list price; None: not known."""

    model: str
    note: str
    input_usd: float | None = Field(description="When nothing is cached.")
    cached_input_usd: float | None = Field(description="When the server caches all that repeats.")
    most_usd: float | None = Field(description="Input without caching, and every reply as long as it may be.")
    likely_usd: float | None = Field(description="From the length of replies measured before; None: not measured.")


class BatchPlan(ResultModel):
    """What a run would find, send and cost: the answer of ``coach batch --dry-run``. Nothing was sent for it."""

    schema_: Literal["coach/batch-plan@1"] = Field(default="coach/batch-plan@1", alias="schema")
    sources: list[SourceReport]
    rows: int
    unreadable: int
    empty_cells: int
    questions: dict[str, int]
    reused: int = Field(description="Rows that a run would not judge again, because they are finished.")
    identical: int = Field(description="Rows that would take over the result of an identical answer.")
    not_judged: int = Field(description="Rows without an answer that can be judged, such as empty ones.")
    to_judge: int
    judge: str
    model: str
    endpoint: str
    method_assumed: bool
    requests: int
    input_tokens: int
    tokens_exact: bool = Field(description="Whether the texts were counted with the model's own vocabulary.")
    tokens_source: str
    repeated_share: float | None = Field(description="Share (0-1) of the input that repeats the request before.")
    max_output_tokens: int
    prices: list[_ModelPrice]
    minutes: float | None = Field(description="From the speed of an earlier run in the same directory; None: unknown.")


def plan_of(
    store: Store,
    assessor: AnswerAssessor,
    sources: Sequence[SourceReport],
    *,
    empty_cells: int,
    method_assumed: bool,
    others: Sequence[str] = (),
    jobs: bool = False,
) -> BatchPlan:
    """Return what a run over the store's rows would do, with the prices of ``others`` (models of OpenAI) too.

    With ``jobs`` the assessor is one with the prices of jobs, and what earlier ones will bring is left out.
    """
    judge = assessor.judge
    tokens = TokenCounter(judge.model)
    counter = PromptCounter(tokens.count, TOKENS_PER_MESSAGE, TOKENS_FOR_REPLY)
    questions = assessor.bank.by_id()
    not_judged = to_judge = 0
    for row, _ in store.to_judge(skip_sent=jobs):
        question = questions[row.question_id]
        answer = assessor.prepare(question, row.answer)
        if answer.unscored_reason:
            not_judged += 1
            continue
        to_judge += 1
        for request in judge.requests(assessor.task(question, answer)):
            counter.add(question.id, request)
    counts, total = store.counts(), counter.total
    kept = store.fact("speed")
    speed = RunSpeed.model_validate_json(kept) if kept else None
    if speed and (speed.judge, speed.model) != (judge.name, judge.model):
        speed = None
    per_row = speed.output_tokens_per_row if speed else None
    likely = None if per_row is None else round(per_row * to_judge)

    def price(model: str, endpoint: str) -> _ModelPrice:
        def cost(cached: int, output: int) -> float | None:
            return assessor.price(model, Usage(total.input_tokens, cached, output), endpoint)

        return _ModelPrice(
            model=model,
            note=price_note(model, endpoint) + (" Jobs cost 50% of that." if jobs else ""),
            input_usd=cost(0, 0),
            cached_input_usd=cost(total.repeated_tokens, 0),
            most_usd=cost(0, total.max_output_tokens),
            likely_usd=None if likely is None else cost(total.repeated_tokens, likely),
        )

    return BatchPlan(
        schema="coach/batch-plan@1",
        sources=list(sources),
        rows=counts.rows,
        unreadable=counts.unreadable,
        empty_cells=empty_cells,
        questions=dict(store.query("SELECT question_id, count(*) FROM rows GROUP BY 1 ORDER BY 1")),
        reused=counts.finished,
        identical=counts.identical,
        not_judged=not_judged,
        to_judge=to_judge,
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        method_assumed=method_assumed,
        requests=total.requests,
        input_tokens=total.input_tokens,
        tokens_exact=tokens.exact,
        tokens_source=tokens.source,
        repeated_share=round(total.repeated_tokens / total.input_tokens, 4) if total.input_tokens else None,
        max_output_tokens=total.max_output_tokens,
        prices=[price(judge.model, judge.endpoint), *(price(name, OPENAI_URL) for name in others)],
        minutes=round(to_judge / speed.rows_per_minute, 1) if speed else None,
    )
