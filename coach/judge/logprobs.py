"""The ``logprobs`` method: find the sentence for each check, then ask one token about it.

Two views of every check are joined. Similarity finds the sentence that comes nearest to it: the quote, and already a
verdict where it is clear. Where it is not, the model is asked whether the answer does what the check says, and the
log-odds of Yes are read instead of prose, minus what answers without content get (contextual calibration).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, Protocol

from coach.bank.questions import Check
from coach.errors import (
    ModelCapabilityError,
    ModelContentFilterError,
    ModelError,
    ModelReplyError,
)
from coach.judge.events import told_events
from coach.judge.evidence import EVENT_MARGIN, RANKING, Finding, find_evidence, is_reference
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict, Verdict
from coach.judge.log_odds import yes_log_odds
from coach.judge.prompts import check_messages, fixed_characters, reference_messages
from coach.judge.quoting import QUOTING
from coach.judge.signals import Signals, probability_of, rule_sha256, worth_asking
from coach.judge.similarity import Similarity
from coach.judge.templates import PromptTemplates
from coach.judge.verdicts import verdict_of
from coach.model.completion import ChatModel, CompletionRequest, Message, Usage

TOP_LOGPROBS = 20
#: Words that sound right for any question and say nothing.
CONTENT_FREE = (
    "I have a lot of experience with this and always follow best practice. It is an important topic and I make sure "
    "that everything is done properly and to a high standard.",
    "That is a good question. There are many aspects to consider here, and the right approach depends on the "
    "situation, but in general it plays a key role and works well.",
)

#: What content-free words get for a check (mean log-odds), or why that is not known.
Baseline = float | ModelError
#: Failures that say nothing about the other checks.
_ABOUT_ONE_CHECK = (ModelContentFilterError, ModelReplyError)


class Baselines(Protocol):
    """Keeps log-odds of content-free sentences by key."""

    def get(self, key: str) -> float | None:
        """Return the kept value, or None."""
        ...

    def put(self, values: Mapping[str, float]) -> None:
        """Keep values."""
        ...


class MemoryBaselines:
    """Keeps baselines for the life of the process."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}

    def get(self, key: str) -> float | None:
        """Return the kept value, or None."""
        return self._known.get(key)

    def put(self, values: Mapping[str, float]) -> None:
        """Keep values."""
        self._known.update(values)


class LogprobsJudge(Judge):
    """Asks one token per check."""

    name = "logprobs"

    def __init__(
        self,
        model: ChatModel,
        templates: PromptTemplates,
        similarity: Similarity,
        baselines: Baselines | None = None,
        parallel: int = 1,
    ) -> None:
        super().__init__(model, templates)
        self._similarity = similarity
        self._baselines = baselines or MemoryBaselines()
        self._slots = asyncio.Semaphore(parallel)

    @property
    def settings(self) -> Mapping[str, str]:
        """The similarity measure changes how near an answer comes to a check, the rule what follows from that."""
        return {
            "similarity": self._similarity.name,
            "rule": rule_sha256(),
            "ranking": repr((RANKING, QUOTING, EVENT_MARGIN, self._similarity.unrelated_below)),
        }

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent: missing baselines, then a request for each check worth asking."""
        asked = [finding for finding in self._findings(task) if _asked(finding)]
        missing = [(f.check, text) for text in CONTENT_FREE for f in asked if text in self._missing(task, f.check)]
        own = [(finding.check, finding.text) for finding in asked]
        return [self._request(task, check, text) for check, text in [*missing, *own]]

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer check by check; raises ModelError when the endpoint fails or gives no log-probabilities.

        A check whose reply holds neither Yes nor No is unjudged.
        """
        usages: list[Usage] = []
        groups = _by_criterion(self._findings(task))
        # All at once and before the answer, whose prompt a server can then keep from check to check.
        asked = _asked_checks(finding for group in groups for finding in group)
        baselines = await self._baselines_of(task, asked, usages)

        async def decide(finding: Finding) -> CheckVerdict:
            verdict = await self._decide(task, finding, baselines, usages, first=finding.check in asked[:1])
            if on_verdict:
                on_verdict(finding.check, verdict)
            return verdict

        verdicts: dict[str, CheckVerdict] = {}
        for group in groups:
            verdicts.update((v.check_id, v) for v in await _all_or_first_error(map(decide, group)))
        return Judgement(tuple(verdicts[check.id] for check in task.checks), sum(usages, Usage(0, 0, 0)))

    async def measure_baselines(self, task: JudgeTask) -> Usage:
        """Measure what content-free words get for every check of the task, where it is not known yet."""
        usages: list[Usage] = []
        await self._baselines_of(task, task.checks, usages)
        return sum(usages, Usage(0, 0, 0))

    async def measure_signals(self, task: JudgeTask) -> list[tuple[Check, Signals]]:
        """Measure what verdicts are made from, the model asked as in `judge`: the data that weights are fitted to.

        Raises ModelError, also when the model decides nothing about a check.
        """
        usages: list[Usage] = []
        findings = self._findings(task)
        asked = _asked_checks(findings)
        baselines = await self._baselines_of(task, asked, usages)
        return [
            (f.check, await self._signals(task, f, baselines, usages, first=f.check in asked[:1]))
            if _asked(f)
            else (f.check, f.signals)
            for f in findings
        ]

    def missing_baselines(self, task: JudgeTask) -> int:
        """Return how many baselines of the task are not known yet."""
        return sum(len(self._missing(task, check)) for check in task.checks)

    def _findings(self, task: JudgeTask) -> list[Finding]:
        sentences = task.answer.judged_sentences
        events = told_events([sentence.text for sentence in sentences], task.language)
        return find_evidence(self._similarity, sentences, task.checks, task.question.text, events)

    async def _decide(
        self, task: JudgeTask, finding: Finding, baselines: Mapping[str, Baseline], usages: list[Usage], *, first: bool
    ) -> CheckVerdict:
        signals = finding.signals
        if _asked(finding):
            try:
                signals = await self._signals(task, finding, baselines, usages, first=first)
            except _ABOUT_ONE_CHECK as error:
                return _unjudged(finding.check, error.message)
        probability = probability_of(finding.check.kind, signals)
        verdict = verdict_of(probability, finding.check.kind)
        found = verdict in (Verdict.MET, Verdict.PARTLY)
        evidence = (finding.sentence.number,) if found else ()
        return CheckVerdict(finding.check.id, verdict, probability, evidence)

    async def _signals(
        self, task: JudgeTask, finding: Finding, baselines: Mapping[str, Baseline], usages: list[Usage], *, first: bool
    ) -> Signals:
        """Return the finding's signals with the model's; ``first`` about this answer or not. Raises ModelError."""
        baseline = baselines[finding.check.id]
        if isinstance(baseline, ModelError):
            raise baseline
        own = await self._ask(task, finding.check, finding.text, usages, first=first)
        return replace(finding.signals, log_odds=own - baseline)

    async def _baselines_of(self, task: JudgeTask, checks: Sequence[Check], usages: list[Usage]) -> dict[str, Baseline]:
        """Return the baselines by check id, kept or measured now; all checks of a text one after the other."""
        values: dict[str, list[float]] = {check.id: [] for check in checks}
        failures: dict[str, ModelError] = {}
        for text in CONTENT_FREE:
            for check in checks:
                try:
                    values[check.id].append(await self._baseline(task, check, text, usages, first=check is checks[0]))
                except _ABOUT_ONE_CHECK as error:
                    failures[check.id] = error
        return {check_id: fmean(known) if known else failures[check_id] for check_id, known in values.items()}

    async def _baseline(self, task: JudgeTask, check: Check, text: str, usages: list[Usage], *, first: bool) -> float:
        key = self._key(task, check, text)
        known = self._baselines.get(key)
        if known is None:
            known = await self._ask(task, check, text, usages, first=first)
            self._baselines.put({key: known})
        return known

    def _missing(self, task: JudgeTask, check: Check) -> list[str]:
        return [text for text in CONTENT_FREE if self._baselines.get(self._key(task, check, text)) is None]

    async def _ask(self, task: JudgeTask, check: Check, answer: str, usages: list[Usage], *, first: bool) -> float:
        request = self._request(task, check, answer)
        if first:
            request = replace(request, fixed_characters=fixed_characters(self._templates, task))
        async with self._slots:
            completion = await self._model.complete(request)
        usages.append(completion.usage)
        if completion.first_token is None:
            # Without them a score would rest on the checks alone that the answer does not touch.
            raise ModelCapabilityError(f"{self.endpoint} gives no log-probabilities", "Use --method structured for it.")
        log_odds = yes_log_odds(completion.first_token)
        if log_odds is None:
            raise ModelReplyError("the model answered neither Yes nor No")
        return log_odds

    def _request(self, task: JudgeTask, check: Check, answer: str) -> CompletionRequest:
        return CompletionRequest(self._messages(task, check, answer), max_tokens=1, top_logprobs=TOP_LOGPROBS)

    def _messages(self, task: JudgeTask, check: Check, answer: str) -> tuple[Message, ...]:
        build = reference_messages if is_reference(check) else check_messages
        return build(self._templates, task, check, answer)

    def _key(self, task: JudgeTask, check: Check, answer: str) -> str:
        messages = self._messages(task, check, answer)
        text = "\0".join([self._model.name, *(f"{m.role}\0{m.content}" for m in messages)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _asked(finding: Finding) -> bool:
    return worth_asking(finding.check.kind, finding.signals)


def _asked_checks(findings: Iterable[Finding]) -> list[Check]:
    """Return the checks that the model is asked about, in the order of the findings."""
    return [finding.check for finding in findings if _asked(finding)]


def _by_criterion(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Group by criterion, in the order of the checks."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.check.criterion, []).append(finding)
    return list(groups.values())


async def _all_or_first_error(work: Iterable[Coroutine[Any, Any, CheckVerdict]]) -> list[CheckVerdict]:
    """Run all and wait for all; when one fails the others are cancelled and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
    except* ModelError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _unjudged(check: Check, reason: str) -> CheckVerdict:
    return CheckVerdict(check.id, Verdict.UNJUDGED, None, (), f"not judged: {reason}")
