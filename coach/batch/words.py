"""The words about a batch on the terminal: what was recognised, what a dry run found, how a run ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from coach.batch.costs import BatchPlan
from coach.batch.grade import BatchRun, Ending
from coach.batch.jobs import Collected, Written
from coach.batch.rows import RowProblem, SourceReport
from coach.batch.summary import BatchSummary
from coach.report.display_text import one_line

_SHOWN_PROBLEMS = 10


def source_lines(reports: Sequence[SourceReport]) -> Iterator[str]:
    """Yield what was recognised in each input."""
    for report in reports:
        about = [part for part in (report.encoding, report.separator and f"separator {report.separator!r}") if part]
        yield one_line(f"{report.source}: {report.form}" + (f" ({', '.join(about)})" if about else ""))
        if report.roles:
            yield "  " + one_line("columns: " + ", ".join(f"{role} = {header!r}" for role, header in report.roles))
        for match in report.matched:
            yield "  " + one_line(f"{match.header!r} -> {match.question_id} (by {match.by})")
        if report.ignored:
            yield "  " + one_line("not used: " + ", ".join(repr(name) for name in report.ignored))
        for miss in report.near_misses:
            yield "  " + one_line(f"not used: {miss.header!r}; did you mean {', '.join(miss.question_ids)}?")
        for note in report.notes:
            yield "  " + one_line(f"{note}")


def problem_lines(problems: Iterable[RowProblem], count: int) -> Iterator[str]:
    """Yield the first unreadable rows, and how many more there are."""
    for problem in islice(problems, _SHOWN_PROBLEMS):
        yield one_line(f"warning: {problem.source}, line {problem.line}: {problem.message}")
    if count > _SHOWN_PROBLEMS:
        yield f"warning: {count - _SHOWN_PROBLEMS} more rows cannot be read (see unreadable.jsonl)"


def plan_lines(plan: BatchPlan) -> Iterator[str]:
    """Yield what a dry run found."""
    yield f"{plan.rows} rows, {plan.unreadable} unreadable, {plan.empty_cells} cells left empty"
    yield "  " + ", ".join(f"{name}: {n}" for name, n in plan.questions.items())
    yield (
        f"{plan.to_judge} to judge; {plan.reused} finished already, {plan.identical} identical to another answer, "
        f"{plan.not_judged} without an answer that can be judged"
    )
    assumed = " (assumed: the endpoint was not asked what it can do)" if plan.method_assumed else ""
    yield one_line(f"Method {plan.judge}{assumed}, model {plan.model} at {plan.endpoint}")
    mark = "" if plan.tokens_exact else "≈"
    repeated = plan.repeated_share
    share = "" if repeated is None else f", {100 * repeated:.0f} % of them repeat the request before"
    yield f"{plan.requests} requests, {mark}{plan.input_tokens:,} tokens in{share}"
    yield f"  counted with {plan.tokens_source}; at most {plan.max_output_tokens:,} tokens out"
    for price in plan.prices:
        yield one_line(price.note)
        if price.input_usd is None or price.most_usd is None or price.cached_input_usd is None:
            continue
        line = f"  input ${price.input_usd:.4f}, ${price.cached_input_usd:.4f} if all that repeats is cached; "
        line += f"with replies at most ${price.most_usd:.4f}"
        yield line if price.likely_usd is None else f"{line}, likely ${price.likely_usd:.4f}"
    if plan.minutes is None:
        yield "How long it takes is not known yet: no run with this model and method was measured in this directory."
    else:
        yield f"About {plan.minutes:g} minutes, at the speed of the last run."
    yield "Nothing was sent."


def ending_lines(run: BatchRun, summary: BatchSummary, directory: Path) -> Iterator[str]:
    """Yield how a run ended and how to go on."""
    tally = run.tally
    parts = [f"{tally.judged} judged", f"{tally.reused} finished before", f"{tally.copied} identical"]
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"{tally.unreadable} unreadable"] if tally.unreadable else []
    yield ", ".join(parts)
    if tally.input_tokens:
        cost = "cost not known" if tally.cost_usd is None else f"${tally.cost_usd:.4f}"
        cached = 100 * tally.cached_tokens / tally.input_tokens
        yield f"{tally.input_tokens:,} tokens in ({cached:.0f} % cached), {tally.output_tokens:,} out, {cost}"
    if summary.mean is not None:
        yield f"mean {summary.mean:.1f}, median {summary.median:.1f}, {summary.needs_review} to be reviewed"
    yield _reports(directory)
    why = _ENDINGS[run.ending]
    if why:
        yield f"{why} Run the same command again to go on."
    elif tally.failed:
        yield "Run the same command again to try the failed rows once more."


def sent_lines(written: Written, started: int, directory: Path) -> Iterator[str]:
    """Yield what was sent as jobs and how to go on."""
    before = written.before
    yield (
        f"{before.rows} rows: {written.sent} sent, {written.identical} identical, {before.finished} finished before, "
        f"{before.waiting} waiting in earlier jobs, {written.settled} settled without a request"
    )
    if before.unreadable:
        yield f"warning: {before.unreadable} rows cannot be read (see unreadable.jsonl)"
    yield f"{started} job{'' if started == 1 else 's'} started."
    if written.stopped is Ending.MAX_ROWS:
        yield "Stopped after --max-rows. Run the same command again to send more."
    elif written.stopped is Ending.MAX_COST:
        yield "Stopped before --max-cost would be exceeded."
    yield f"Later: coach batch status {directory}, and coach batch collect {directory}"


def collected_lines(done: Collected, waiting: int, directory: Path) -> Iterator[str]:
    """Yield what came out of jobs, and how to go on when ``waiting`` others are not ready."""
    yield f"{done.judged} judged, {done.copied} identical, {done.failed} failed"
    if done.outdated:
        yield f"{done.outdated} left out: their question, rubric or prompt has changed; submit sends them again."
    if waiting:
        yield f"{waiting} jobs are not ready: collect again later."
    if done.failed:
        yield "Submit the same inputs again to send the failed rows once more."
    yield _reports(directory)


def _reports(directory: Path) -> str:
    return one_line(f"Reports: {directory}/report.html, results.xlsx, results.csv, results.jsonl, summary.json")


_ENDINGS = {
    Ending.COMPLETE: "",
    Ending.MAX_ROWS: "Stopped after --max-rows.",
    Ending.MAX_COST: "Stopped before --max-cost would be exceeded.",
    Ending.INTERRUPTED: "Interrupted; what was in flight is finished.",
    Ending.MODEL: "The model stopped the run; everything up to here is kept.",
}
