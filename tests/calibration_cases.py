"""Reports on a judge that every writer must show rightly."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from gold_factory import gold_plan, gold_row, gold_rows, judged
from scripted_judge import ScriptedJudge

from coach.calibrate.agreement import build_report, calibrated
from coach.calibrate.gold import GoldRow
from coach.calibrate.result import AgreementReport, RepeatSpread
from coach.calibrate.run import judge_summary

HOSTILE = "<script>alert(1)</script> \x1b[31m [bold]x[/bold] \u202e & \" ' {{ 7*7 }} ]]>"


def report_on(rows: list[GoldRow], scores: list[float | None], **options: Any) -> AgreementReport:
    """Return a report, with the mapping it leads to when there is enough data."""
    answers = judged(rows, scores)
    judge = judge_summary(ScriptedJudge(lambda task, check: 1.0))
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    report = build_report(answers, gold_plan(rows, **options).summary, judge, created_at=now, coach_version="1")
    return calibrated(report, answers, "mine")[0] if len(rows) >= 40 else report


@lru_cache(maxsize=1)
def full_report() -> AgreementReport:
    """Return a report with every section."""
    scores: list[float | None] = [2.5 * n for n in range(39)]
    repeat = RepeatSpread(times=3, answers=39, mean_sd=0.5, max_sd=2, max_range=4, changed=7)
    return report_on(gold_rows(40), [*scores, None]).model_copy(update={"repeat": repeat})


def hostile_report() -> AgreementReport:
    """Return a report in which everything that comes from outside is an attack."""
    rows = [
        gold_row(n, n % 5, (HOSTILE, HOSTILE), answer=f"{HOSTILE} {n}", row_id=HOSTILE, label=HOSTILE) for n in range(8)
    ]
    report = report_on(rows, [10.0 * n for n in range(8)])
    outside = {"judge": HOSTILE, "model": HOSTILE, "endpoint": HOSTILE, "prompt_version": HOSTILE}
    return report.model_copy(
        update={
            "judge": report.judge.model_copy(update=outside),
            "gold": report.gold.model_copy(update={"name": HOSTILE}),
        }
    )
