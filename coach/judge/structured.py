"""The ``structured`` method: one call for the whole rubric, as strict JSON, with one targeted repair.

For reasoning models and for servers without log-probabilities.
"""

from __future__ import annotations

from dataclasses import replace

from coach.answer.answer import AssessmentWarning
from coach.bank.questions import Check
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError
from coach.judge.grader_talk import grader_talk_warnings, without_grader_talk
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict, Verdict
from coach.judge.prompts import repair_message, structured_messages
from coach.judge.structured_reply import StructuredReply, parse_reply
from coach.judge.structured_schema import MAX_SENTENCES, reply_schema
from coach.model.completion import Completion, CompletionRequest, Message, Usage

#: Room for one check's reason, sentence numbers, verdict and JSON marks, in tokens.
TOKENS_PER_CHECK = 110
TOKENS_FOR_EXTRAS = 320
#: Room for what stands once in every reply: its braces and the report of talk to the grader.
TOKENS_FOR_FRAME = 112


class StructuredJudge(Judge):
    """Asks for all verdicts at once."""

    name = "structured"

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent first: one request."""
        return [self._request(structured_messages(self._templates, task), task, task.checks, with_extras=True)]

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer with one request and, where the reply has faults, one repair.

        Raises ModelError when the endpoint fails before any verdict could be read. A refusal, an unreadable reply
        or an endpoint that fails during the repair leaves checks unjudged.
        """
        request = self.requests(task)[0]
        first, usage = await self._ask(request, task, task.checks)
        verdicts, problems, reported = dict(first.verdicts), dict(first.problems), set(first.grader_talk)
        warnings: list[AssessmentWarning] = []
        if problems:
            missing = [check for check in task.checks if check.id in problems]
            second, more = await self._repair(request, first, task, missing)
            usage = usage + more
            verdicts.update(second.verdicts)
            problems = second.problems
            reported.update(second.grader_talk)
            fixed = len(missing) - len(problems)
            faulty = "1 check" if len(missing) == 1 else f"{len(missing)} checks"
            message = f"The first reply was faulty for {faulty}; asking again settled {fixed} of them."
            warnings.append(AssessmentWarning(code="reply_repaired", message=message))
        warnings += grader_talk_warnings(task.answer, sorted(reported))
        found = (verdicts.get(c.id) or _unjudged(c, problems[c.id]) for c in task.checks)
        ordered = tuple(without_grader_talk(c, v, reported) for c, v in zip(task.checks, found, strict=True))
        for check, verdict in zip(task.checks, ordered, strict=True):
            if on_verdict:
                on_verdict(check, verdict)
        return Judgement(ordered, usage, first.follow_up, first.outline, tuple(warnings))

    def _request(
        self, messages: tuple[Message, ...], task: JudgeTask, checks: tuple[Check, ...], with_extras: bool
    ) -> CompletionRequest:
        schema = reply_schema(checks, _numbers(task), with_extras)
        room = TOKENS_FOR_FRAME + TOKENS_PER_CHECK * len(checks) + (TOKENS_FOR_EXTRAS if with_extras else 0)
        return CompletionRequest(messages, max_tokens=room, json_schema=schema)

    async def _ask(
        self, request: CompletionRequest, task: JudgeTask, checks: tuple[Check, ...]
    ) -> tuple[StructuredReply, Usage]:
        try:
            completion = await self._model.complete(request)
        except (ModelContentFilterError, ModelReplyError) as error:
            return StructuredReply(problems={check.id: error.message for check in checks}), Usage()
        return _read(completion, task, checks), completion.usage

    async def _repair(
        self, request: CompletionRequest, first: StructuredReply, task: JudgeTask, missing: list[Check]
    ) -> tuple[StructuredReply, Usage]:
        problem = "; ".join(sorted(set(first.problems.values())))
        messages = (*request.messages, repair_message(self._templates, problem, missing))
        checks = tuple(missing)
        try:
            return await self._ask(self._request(messages, task, checks, with_extras=False), task, checks)
        except ModelError as error:
            if not first.verdicts:
                raise
            return StructuredReply(problems={check.id: error.message for check in missing}), Usage()


def _numbers(task: JudgeTask) -> list[int]:
    return [sentence.number for sentence in task.answer.judged_sentences][:MAX_SENTENCES]


def _read(completion: Completion, task: JudgeTask, checks: tuple[Check, ...]) -> StructuredReply:
    if completion.refusal:
        reason = f"the model declined: {completion.refusal[:200]}"
        return StructuredReply(problems={check.id: reason for check in checks})
    reply = parse_reply(completion.text, checks, _numbers(task))
    if reply.problems and completion.finish_reason == "length":
        problems = {check_id: f"the reply was cut off; {problem}" for check_id, problem in reply.problems.items()}
        return replace(reply, problems=problems)
    return reply


def _unjudged(check: Check, reason: str) -> CheckVerdict:
    return CheckVerdict(check.id, Verdict.UNJUDGED, None, (), f"not judged: {reason}")
