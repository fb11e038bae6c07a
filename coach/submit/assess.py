"""Assessing one answer: prepare it, let the judge decide the checks, compute the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from coach.answer.answer import Answer
from coach.answer.prepare import DetectInstructions, IdentifyLanguage, prepare_answer
from coach.bank.questions import Bank, Question
from coach.judge.judging import Judge, Judgement, JudgeTask, OnVerdict
from coach.model.completion import Usage
from coach.submit.assessing import build_assessment
from coach.submit.assessment import Assessment, Receipt
from coach.submit.key import result_key, rubric_sha256
from coach.submit.scoring import SCORING_RULE
from coach.version import version

#: Returns the cost in US dollars of a usage, or None when no price is known: (model, usage, endpoint).
Price = Callable[[str, Usage, str], float | None]


@dataclass(frozen=True)
class AnswerAssessor:
    """Everything that is needed to assess answers to the questions of one bank."""

    bank: Bank
    judge: Judge
    price: Price
    identify_language: IdentifyLanguage | None = None
    detect_instructions: DetectInstructions | None = None

    def prepare(self, question: Question, text: str) -> Answer:
        """Return the answer split into sentences and pre-checked; asks no model."""
        return prepare_answer(text, question, self.bank.language, self.identify_language, self.detect_instructions)

    def task(self, question: Question, answer: Answer) -> JudgeTask:
        """Return what the judge is asked about this answer."""
        bank = self.bank
        checks = tuple(bank.checks_of(question))
        return JudgeTask(bank.profession, question, bank.rubric_of(question), checks, answer, bank.language)

    async def assess(self, question: Question, text: str, on_verdict: OnVerdict | None = None) -> Assessment:
        """Assess one answer; raises ModelError when the model cannot be used at all.

        An answer that the pre-checks rule out is not sent anywhere and has no score.
        """
        return await self.assess_prepared(question, self.prepare(question, text), on_verdict)

    async def assess_prepared(
        self, question: Question, answer: Answer, on_verdict: OnVerdict | None = None
    ) -> Assessment:
        """Assess an answer that was prepared before; raises ModelError as `assess` does."""
        started = time.monotonic()
        task = self.task(question, answer)
        judgement = None if answer.unscored_reason else await self.judge.judge(task, on_verdict)
        receipt = self._receipt(task, judgement, time.monotonic() - started)
        return build_assessment(question, task.rubric, task.checks, answer, judgement, receipt)

    def judging_sha256(self, question: Question) -> str:
        """Return the hash of all that changes a result of this question but the answer."""
        known = self._judging_hashes
        if question.id not in known:
            known[question.id] = result_key(self.bank, question, self.judge, "")
        return known[question.id]

    @cached_property
    def _judging_hashes(self) -> dict[str, str]:
        return {}

    @cached_property
    def _rubric_hashes(self) -> dict[str, str]:
        return {rubric.id: rubric_sha256(rubric) for rubric in self.bank.rubrics.values()}

    def _receipt(self, task: JudgeTask, judgement: Judgement | None, seconds: float) -> Receipt:
        usage = judgement.usage if judgement else Usage(0, 0, 0)
        judge = self.judge
        return Receipt(
            judge=judge.name,
            model=judge.model,
            endpoint=judge.endpoint,
            prompt_version=judge.prompt_version,
            bank_sha256=self.bank.sha256,
            rubric_sha256=self._rubric_hashes[task.rubric.id],
            coach_version=version(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=self.price(judge.model, usage, judge.endpoint) if judgement else 0.0,
            scoring_rule=SCORING_RULE,
            judging_sha256=self.judging_sha256(task.question),
            seconds=round(seconds, 2),
        )
