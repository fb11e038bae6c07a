"""What only benchmarks measure with the logprobs judge: signals to fit weights to, and baselines to be shipped."""

from __future__ import annotations

from dataclasses import replace

from coach.bank.questions import Check
from coach.errors import ModelError
from coach.judge.judging import JudgeTask
from coach.judge.logprobs import LogprobsJudge
from coach.judge.signals import Signals, worth_asking
from coach.model.completion import Usage


async def measure_signals(judge: LogprobsJudge, task: JudgeTask) -> list[tuple[Check, Signals]]:
    """Return what verdicts are made from, the model asked as for a verdict.

    Raises ModelError, also when the model decides nothing about a check.
    """
    usages: list[Usage] = []
    findings = judge.findings(task)
    asked = [f.check for f in findings if worth_asking(f.check.kind, f.signals)]
    baselines = await judge.baselines(task, asked, usages)
    measured = []
    for finding in findings:
        signals = finding.signals
        if finding.check in asked:
            baseline = baselines[finding.check.id]
            if isinstance(baseline, ModelError):
                raise baseline
            own = await judge.ask(task, finding.check, finding.text, usages, first=finding.check is asked[0])
            signals = replace(signals, log_odds=own - baseline)
        measured.append((finding.check, signals))
    return measured


async def measure_baselines(judge: LogprobsJudge, task: JudgeTask) -> None:
    """Measure what content-free words get for every red flag of the task, where it is not known yet."""
    # Where the matcher is installed, as with the embedded model, the model is asked about red flags alone.
    await judge.baselines(task, [check for check in task.checks if check.kind == "red_flag"], [])
