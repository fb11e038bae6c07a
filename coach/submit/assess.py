"""Assessing one answer: prepare it, let the judge decide the checks, and put the result together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from coach.answer.answer import Answer
from coach.answer.prepare import DetectInstructions, IdentifyLanguage, prepare_answer
from coach.bank.questions import WHOLE_ANSWER, Bank, Check, Question
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict, Verdict
from coach.model.completion import Usage
from coach.submit.assessment import Assessment, CheckResult, CriterionResult, Evidence, Receipt
from coach.submit.feedback import follow_up_of, improvements_of, review_reasons_of, strengths_of
from coach.submit.key import answer_sha256, result_key, rubric_sha256
from coach.submit.scoring import SCORING_RULE, interval_of, score_answer, score_criteria, standard_deviation
from coach.version import version

#: Returns the cost in US dollars of a usage, or None when no price is known: (model, usage, endpoint).
Price = Callable[[str, Usage, str], float | None]

#: Gives what is held while the model is asked about one answer, where several processes ask it.
TakeTurn = Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True)
class AnswerAssessor:
    """Everything that is needed to assess answers to the questions of one bank."""

    bank: Bank
    judge: Judge
    price: Price
    identify_language: IdentifyLanguage | None = None
    detect_instructions: DetectInstructions | None = None
    turn: TakeTurn = nullcontext

    def prepare(self, question: Question, text: str) -> Answer:
        """Return the answer split into sentences and pre-checked; asks no model."""
        return prepare_answer(text, question, self.bank.language, self.identify_language, self.detect_instructions)

    async def warm_up(self, question: Question) -> None:
        """Let a server that keeps prompts read beforehand what it is asked about every answer to this question."""
        async with self.turn():
            await self.judge.warm_up(self.task(question, Answer("", ())))

    async def prepared(self, question: Question, text: str) -> Answer:
        """Return what `prepare` returns, and let others use the event loop while the sentence encoder works."""
        if self.detect_instructions is None:
            return self.prepare(question, text)
        return await asyncio.to_thread(self.prepare, question, text)

    def task(self, question: Question, answer: Answer) -> JudgeTask:
        """Return what the judge is asked about this answer."""
        bank = self.bank
        checks = tuple(bank.checks_of(question))
        return JudgeTask(bank.profession, question, bank.rubric_of(question), checks, answer, bank.language)

    async def assess(self, question: Question, answer: str | Answer, on_verdict: OnVerdict | None = None) -> Assessment:
        """Assess one answer, as text or prepared before; raises ModelError when the model cannot be used at all.

        An answer that the pre-checks rule out is not sent anywhere and has no score.
        """
        if isinstance(answer, str):
            # The first one loads the language identifier, and the sentence encoder works on each for some time.
            answer = await asyncio.to_thread(self.prepare, question, answer)
        started = time.monotonic()
        task = self.task(question, answer)
        judgement = None
        if not answer.unscored_reason:
            async with self.turn():
                started = time.monotonic()
                judgement = await self.judge.judge(task, on_verdict)
        return build_assessment(task, judgement, self._receipt(task, judgement, time.monotonic() - started))

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
            decided_by=dict(Counter(v.decided_by for v in judgement.verdicts if v.decided_by)) if judgement else {},
            judging_sha256=self.judging_sha256(task.question),
            seconds=round(seconds, 2),
        )


def build_assessment(task: JudgeTask, judgement: Judgement | None, receipt: Receipt) -> Assessment:
    """Compute the assessment of one answer; ``judgement`` is None for an answer that was not judged at all."""
    question, rubric, checks, answer = task.question, task.rubric, task.checks, task.answer
    unscored = answer.unscored_reason or (None if judgement else "The answer was not judged.")
    if judgement:
        verdicts = {verdict.check_id: verdict for verdict in judgement.verdicts}
    else:
        verdicts = {check.id: CheckVerdict(check.id, Verdict.UNJUDGED, None, (), unscored) for check in checks}
    probabilities = {check_id: verdict.probability for check_id, verdict in verdicts.items()}
    scored = score_criteria(rubric, checks, probabilities)
    score = score_answer(rubric, checks, probabilities)
    if score is None and unscored is None:
        unscored = _why_unjudged(verdicts)
    interval = None if score is None else interval_of(score, standard_deviation(rubric, checks, probabilities))
    warnings = [*answer.warnings, *(judgement.warnings if judgement else ())]
    reasons = review_reasons_of(answer, warnings, checks, probabilities, interval)
    improvements = improvements_of(rubric, checks, probabilities)

    def results_of(criterion_id: str) -> list[CheckResult]:
        return [_check_result(c, verdicts[c.id], answer) for c in checks if c.criterion == criterion_id]

    return Assessment(
        schema="coach/assessment@1",
        question_id=question.id,
        answer_sha256=answer_sha256(answer.text),
        score=None if score is None else round(score, 1),
        interval=None if interval is None else (round(interval[0], 1), round(interval[1], 1)),
        unscored_reason=unscored,
        needs_review=bool(reasons),
        review_reasons=reasons,
        criteria=[
            CriterionResult(
                id=criterion.id,
                title=criterion.title,
                weight=criterion.weight,
                level=mark.level,
                level_title=None if mark.level is None else criterion.levels[mark.level].title,
                credit=None if mark.credit is None else round(mark.credit, 4),
                checks=results_of(criterion.id),
            )
            for criterion, mark in zip(rubric.criteria, scored, strict=True)
        ],
        red_flags=results_of(WHOLE_ANSWER),
        strengths=strengths_of(rubric, checks, verdicts, probabilities),
        improvements=improvements,
        follow_up=(judgement and judgement.follow_up) or follow_up_of(question, improvements, checks),
        outline=judgement.outline if judgement else None,
        warnings=warnings,
        receipt=receipt,
    )


def _why_unjudged(verdicts: Mapping[str, CheckVerdict]) -> str:
    """Say that nothing could be judged, and why when the reason is the same for every check."""
    reasons = {(verdict.comment or "").removeprefix("not judged").removeprefix(": ") for verdict in verdicts.values()}
    reason = reasons.pop() if len(reasons) == 1 else ""
    return f"None of the checks could be judged: {reason}" if reason else "None of the checks could be judged."


def _check_result(check: Check, verdict: CheckVerdict, answer: Answer) -> CheckResult:
    sentences = [answer.sentences[number - 1] for number in verdict.evidence]
    return CheckResult(
        id=check.id,
        kind=check.kind,
        statement=check.statement,
        harm=check.harm,
        verdict=verdict.verdict,
        probability=None if verdict.probability is None else round(verdict.probability, 4),
        evidence=[
            Evidence(sentence=s.number, start=s.start, end=s.end, quote=answer.quote(s.number)) for s in sentences
        ],
        comment=verdict.comment,
        decided_by=verdict.decided_by,
    )
