"""A judge that follows a script, for tests of everything above the judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from coach.bank.questions import Check
from coach.judge.judging import CheckVerdict, Judgement, JudgeTask, OnVerdict
from coach.judge.verdicts import verdict_of
from coach.model.completion import Usage

#: Gives the probability of a check for this task, or None for "could not be judged".
Script = Callable[[JudgeTask, Check], float | None]


def keyword_script(keywords: Mapping[str, str]) -> Script:
    """A check is met (0.9) when its keyword stands in the answer, else not met (0.05)."""

    def script(task: JudgeTask, check: Check) -> float | None:
        word = keywords.get(check.id)
        found = word is not None and word.casefold() in task.answer.judged_text.casefold()
        return 0.9 if found else 0.05

    return script


@dataclass
class ScriptedJudge:
    """Implements ``coach.judge.judging.Judge`` from a script; remembers the tasks it was given."""

    script: Script
    name: str = "scripted"
    model: str = "scripted-model"
    endpoint: str = "http://127.0.0.1:1/v1"
    prompt_version: str = "1+test"
    settings: Mapping[str, str] = field(default_factory=dict)
    tasks: list[JudgeTask] = field(default_factory=list)

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Return the scripted verdicts; a met check quotes the first sentence."""
        self.tasks.append(task)
        verdicts = []
        for check in task.checks:
            probability = self.script(task, check)
            verdict = verdict_of(probability, check.kind)
            evidence = (task.answer.judged_sentences[0].number,) if (probability or 0) >= 0.35 else ()
            verdicts.append(CheckVerdict(check.id, verdict, probability, evidence, None))
            if on_verdict:
                on_verdict(check, verdicts[-1])
        return Judgement(tuple(verdicts), Usage(100, 40, len(verdicts)))
