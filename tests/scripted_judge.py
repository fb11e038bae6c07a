"""A judge that follows a script, for tests of everything above the judges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from scripted_model import ScriptedModel

from coach.answer.answer import Answer
from coach.bank.questions import Bank, Check
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict
from coach.judge.signals import verdict_of
from coach.model.choose import ModelChoice
from coach.model.completion import Usage
from coach.model.pace import FixedLimit
from coach.submit.assess import AnswerAssessor
from coach.submit.open import Session, Settings

#: Gives the probability of a check for this task, or None for "could not be judged".
Script = Callable[[JudgeTask, Check], float | None]


def judged_text(answer: Answer) -> str:
    """Return what a judge may see of an answer, as one text."""
    return " ".join(sentence.text for sentence in answer.judged_sentences)


def keyword_script(keywords: Mapping[str, str]) -> Script:
    """A check is met (0.9) when its keyword stands in the answer, else not met (0.05)."""

    def script(task: JudgeTask, check: Check) -> float | None:
        word = keywords.get(check.id)
        found = word is not None and word.casefold() in judged_text(task.answer).casefold()
        return 0.9 if found else 0.05

    return script


@dataclass
class ScriptedJudge(Judge):
    """Judges by a script; remembers the tasks it was given."""

    script: Script
    name: str = "scripted"
    model: str = "scripted-model"
    endpoint: str = "http://127.0.0.1:1/v1"
    prompt_version: str = "1+test"
    settings: Mapping[str, str] = ()  # type: ignore[assignment]  # none, and a dataclass takes no dict here
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


def open_scripted(monkeypatch: pytest.MonkeyPatch, assessor_for: Callable[[Bank], AnswerAssessor]) -> None:
    """Let every command open this assessor instead of a model."""

    @asynccontextmanager
    async def opened(settings: Settings, bank: Bank | None = None, **options: Any) -> AsyncIterator[Session]:
        assert bank is not None
        model = ScriptedModel([])
        yield Session(ModelChoice(False, "a test"), model, assessor_for(bank), FixedLimit(1))

    monkeypatch.setattr("coach.submit.open.open_session", opened)
