"""``coach calibrate``: how far a judge agrees with human marks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import say
from coach.cli.options import (
    BankOption,
    JsonOption,
    MethodOption,
    ModelOption,
    QuietOption,
    ReportOptions,
    say_when_ignored,
)
from coach.errors import InputError

if TYPE_CHECKING:
    from coach.batch.rows import RowProblem
    from coach.calibrate.gold import GoldPlan, JudgedAnswer
    from coach.calibrate.result import JudgeSummary
    from coach.submit.open import Settings

EXIT_SOME_FAILED = 3
_SHOWN_PROBLEMS = 10


def calibrate_command(
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD", help="Marked answers: JSONL, CSV or XLSX with answer and score.")
    ],
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Judge only so many answers, equally many of each question."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the sample, the halves and the resamples.")] = 0,
    scale: Annotated[
        tuple[float, float] | None,
        typer.Option("--scale", metavar="LOW HIGH", help="Ends of the marks' scale; else found in the marks."),
    ] = None,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help="Fit a mapping to your marks and keep it for --calibration NAME."),
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Judge every answer so often; show the spread.")] = 1,
    parallel: Annotated[
        int | None,
        typer.Option("--parallel", min=1, max=64, help="Answers judged at the same time."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Keep the scores there; the same command goes on with them."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write the report as one HTML page.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare a judge with human marks: how far can it be believed?

    Reports agreement, human ceiling, bias, reliability and the worst cases.
    """
    import asyncio

    from coach.bank.load import load_bank
    from coach.calibrate.agreement import build_report, calibrated
    from coach.calibrate.gold import needs_bank, plan_calibration, read_gold
    from coach.calibrate.mapping import check_name, save_calibration
    from coach.calibrate.marks import keep_report
    from coach.calibrate.report import calibration_document
    from coach.files import require_statistics
    from coach.submit.open import Settings
    from coach.version import version

    settings = Settings(model, bank, method)
    say_when_ignored(settings, parallel, "--parallel", quiet)
    # What would fail after a long run is found out before it.
    settings.check()
    require_statistics()
    if save is not None:
        check_name(save)
    options = ReportOptions(as_json, quiet, html=html)
    options.check()
    rows, problems = read_gold(gold)
    loaded = load_bank(bank) if needs_bank(rows) else None
    plan = plan_calibration(rows, problems, loaded, name=gold.name, limit=limit, seed=seed, scale=scale)
    if not quiet:
        _say_problems(plan.problems)
    try:
        judged, judge = asyncio.run(_judge(settings, plan, repeat, parallel, out, quiet))
    except KeyboardInterrupt:
        say("What was judged is kept: the same command goes on from here.")
        raise
    now = datetime.now(UTC).replace(microsecond=0)
    report = build_report(judged, plan.summary, judge, created_at=now, coach_version=version(), repeats=repeat)
    problem = None
    try:
        if save is not None:
            report, calibration = calibrated(report, judged, save)
            save_calibration(calibration)
    except InputError as error:
        # The report is worth showing without a calibration.
        problem = error
    if out is not None:
        keep_report(out, report)
    options.show(
        report.to_json(), lambda: calibration_document(report), lambda: calibration_document(report, page=True)
    )
    if problem:
        raise problem
    if save and not quiet:
        say(f"Kept the calibration {save}. Use it with: coach submit ID --calibration {save}")
    if report.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _say_problems(problems: Sequence[RowProblem]) -> None:
    from coach.report.display_text import one_line

    for problem in problems[:_SHOWN_PROBLEMS]:
        say(f"warning: {one_line(f'{problem.source}, line {problem.line}: {problem.message}')}")
    if len(problems) > _SHOWN_PROBLEMS:
        say(f"warning: {len(problems) - _SHOWN_PROBLEMS} more rows cannot be used")


async def _judge(
    settings: Settings, plan: GoldPlan, repeats: int, parallel: int | None, out: Path | None, quiet: bool
) -> tuple[list[JudgedAnswer], JudgeSummary]:
    from coach.batch.store import Store
    from coach.calibrate.run import judge_gold, judge_summary, score_directory
    from coach.cli.progress import Display
    from coach.submit.open import open_session

    async with AsyncExitStack() as stack:
        display = stack.enter_context(Display(quiet))
        opened = open_session(settings, plan.tasks[0].bank, many=True, concurrency=parallel, on_progress=display.step)
        session = await stack.enter_async_context(opened)
        judge = judge_summary(session.assessor.judge)
        store = stack.enter_context(Store.open(out or score_directory(judge)))

        def tell(done: int, total: int) -> None:
            display.count("Judging", done, total)

        return await judge_gold(plan.tasks, session, store, repeats=repeats, on_progress=tell), judge
