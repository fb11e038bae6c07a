"""``coach batch --dry-run``: what was found, what it would cost and how long it would take; sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from coach.bank.questions import Bank
from coach.batch.batch_plan import BatchPlan, ModelPrice
from coach.model.completion import Usage
from coach.submit.open import Settings, unopened_session

if TYPE_CHECKING:
    from coach.batch.inputs.inputs import BatchInput
    from coach.batch.journal import Journal
    from coach.judge.prompt_counting import PromptTokens


def plan_run(
    settings: Settings,
    bank: Bank,
    inputs: BatchInput,
    out: Path,
    calibration: str,
    others: Sequence[str],
    discount: float = 1.0,
) -> BatchPlan:
    """Return what the run would do. ``others`` are OpenAI models whose price is wanted too. Raises CoachError.

    ``discount`` is the share of the list price that is paid.
    """
    from coach.batch.dry_plan import look_through
    from coach.batch.row_grouping import grouped
    from coach.batch.run_speed import load_speed
    from coach.batch.same_answers import SameAnswers
    from coach.judge.prompt_counting import PromptCounter
    from coach.model.cost import TOKENS_FOR_REPLY, TOKENS_PER_MESSAGE, TokenCounter

    session = unopened_session(settings, bank)
    assessor, model = session.assessor, session.model
    judge = assessor.judge
    tokens = TokenCounter(model.name)
    counter = PromptCounter(lambda text: tokens.count(text).count, TOKENS_PER_MESSAGE, TOKENS_FOR_REPLY)
    with ExitStack() as stack:
        same = SameAnswers()
        stack.callback(same.close)
        journal = _journal(out, stack)
        rows = grouped(inputs.rows())
        found = look_through(rows, assessor, judge, journal, same, counter, calibration)
    speed = load_speed(out, judge.name, judge.model)
    total, sample = counter.total, tokens.count("tokens")
    per_row = speed.output_tokens_per_row if speed else None
    likely = None if per_row is None else round(per_row * found.to_judge)
    prices = [_price(model.name, model.endpoint, total, likely, discount)]
    prices += [_price(name, "https://api.openai.com/v1", total, likely, discount) for name in others]
    return BatchPlan(
        schema="coach/batch-plan@1",
        sources=list(inputs.matches),
        rows=found.rows,
        unreadable=inputs.counts.problems,
        empty_cells=inputs.counts.empty_cells,
        questions=dict(sorted(inputs.counts.by_question.items())),
        reused=found.reused,
        identical=found.identical,
        not_judged=found.not_judged,
        to_judge=found.to_judge,
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        method_assumed=session.method_assumed,
        requests=total.requests,
        input_tokens=total.input_tokens,
        tokens_exact=sample.exact,
        tokens_source=sample.source,
        repeated_share=round(total.repeated_tokens / total.input_tokens, 4) if total.input_tokens else None,
        max_output_tokens=total.max_output_tokens,
        prices=prices,
        minutes=round(found.to_judge / speed.rows_per_minute, 1) if speed else None,
    )


def _journal(out: Path, stack: ExitStack) -> Journal | None:
    from coach.batch.journal import JOURNAL_NAME, Journal

    return stack.enter_context(Journal.read(out)) if (out / JOURNAL_NAME).is_file() else None


def _price(model: str, endpoint: str, total: PromptTokens, likely_output: int | None, discount: float) -> ModelPrice:
    from coach.model.cost import cost_usd, price_note

    def cost(cached: int, output: int) -> float | None:
        cost = cost_usd(model, Usage(total.input_tokens, cached, output), endpoint)
        return None if cost is None else cost * discount

    return ModelPrice(
        model=model,
        note=price_note(model, endpoint) + ("" if discount == 1 else f" Jobs cost {discount:.0%} of that."),
        input_usd=cost(0, 0),
        cached_input_usd=cost(total.repeated_tokens, 0),
        most_usd=cost(0, total.max_output_tokens),
        likely_usd=None if likely_output is None else cost(total.repeated_tokens, likely_output),
    )
