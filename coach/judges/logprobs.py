"""The ``logprobs`` method: find the sentence for each check, then ask one token about that sentence.

Evidence first: a check is decided from the one sentence of the answer that comes nearest to it, never from the
whole answer. So a verdict cannot be moved by what stands elsewhere (padding, flattery, orders to the grader),
and the quote is the sentence that was judged. Only a check without any example sentence (a reference answer) is decided
from the answer as a whole, because there similarity does not find the sentence reliably enough.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from coach.core.evidence import Finding, find_evidence
from coach.core.log_odds import yes_log_odds
from coach.core.prompts import check_messages
from coach.core.signals import probability_of, rule_sha256, worth_asking
from coach.core.similarity import Similarity
from coach.core.templates import PromptTemplates
from coach.core.verdicts import verdict_of
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError, ModelRequestError
from coach.models.assessment import Verdict
from coach.models.bank import Check
from coach.models.completion import ChatModel, CompletionRequest, Usage
from coach.models.judging import CheckVerdict, Judgement, JudgeTask, OnVerdict

TOP_LOGPROBS = 20
#: Words that sound right for any question and say nothing.
CONTENT_FREE = (
    "I have a lot of experience with this and always follow best practice. It is an important topic and I make sure "
    "that everything is done properly and to a high standard.",
    "That is a good question. There are many aspects to consider here, and the right approach depends on the "
    "situation, but in general it plays a key role and works well.",
)


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


class LogprobsJudge:
    """Asks one token per check; implements ``coach.models.judging.Judge``."""

    name = "logprobs"

    def __init__(
        self,
        model: ChatModel,
        templates: PromptTemplates,
        similarity: Similarity,
        baselines: Baselines | None = None,
        parallel: int = 1,
    ) -> None:
        self._model = model
        self._templates = templates
        self._similarity = similarity
        self._baselines = baselines or MemoryBaselines()
        self._slots = asyncio.Semaphore(parallel)

    @property
    def model(self) -> str:
        """Id of the model."""
        return self._model.name

    @property
    def endpoint(self) -> str:
        """Where the answer is sent."""
        return self._model.endpoint

    @property
    def prompt_version(self) -> str:
        """Version and hash of the prompt templates."""
        return self._templates.fingerprint

    @property
    def settings(self) -> Mapping[str, str]:
        """The similarity measure changes which sentence is asked about, the rule what follows from it."""
        return {"similarity": self._similarity.name, "rule": rule_sha256()}

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent: a request for each check worth asking, and missing baselines."""
        asked = [finding for finding in self._findings(task) if _asked(finding)]
        own = [self._request(task, f.check, f.text) for f in asked]
        return own + [self._request(task, f.check, text) for f in asked for text in self._missing(task, f.check)]

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer check by check; raises ModelError when the endpoint fails or gives no log-probabilities.

        A check whose reply holds neither Yes nor No is unjudged.
        """
        usages: list[Usage] = []

        async def decide(finding: Finding) -> CheckVerdict:
            verdict = await self._decide(task, finding, usages)
            if on_verdict:
                on_verdict(finding.check, verdict)
            return verdict

        verdicts: dict[str, CheckVerdict] = {}
        for group in _by_criterion(self._findings(task)):
            verdicts.update((v.check_id, v) for v in await _all_or_first_error(map(decide, group)))
        return Judgement(tuple(verdicts[check.id] for check in task.checks), sum(usages, Usage(0, 0, 0)))

    async def measure_baselines(self, task: JudgeTask) -> Usage:
        """Measure what content-free words get for every check of the task, where it is not known yet."""
        usages: list[Usage] = []
        for check in task.checks:
            await self._complete_baselines(task, check, usages)
        return sum(usages, Usage(0, 0, 0))

    def missing_baselines(self, task: JudgeTask) -> int:
        """Return how many baselines of the task are not known yet."""
        return sum(len(self._missing(task, check)) for check in task.checks)

    def _findings(self, task: JudgeTask) -> list[Finding]:
        return find_evidence(self._similarity, task.answer.judged_sentences, task.checks)

    async def _decide(self, task: JudgeTask, finding: Finding, usages: list[Usage]) -> CheckVerdict:
        signals = finding.signals
        if _asked(finding):
            try:
                measured = await self._log_odds(task, finding, usages)
            except (ModelContentFilterError, ModelReplyError) as error:
                return _unjudged(finding.check, error.message)
            if measured is None:
                return _unjudged(finding.check, "the model answered neither Yes nor No")
            signals = replace(signals, log_odds=measured)
        probability = probability_of(finding.check.kind, signals)
        verdict = verdict_of(probability)
        found = verdict in (Verdict.MET, Verdict.PARTLY)
        evidence = tuple(sentence.number for sentence in finding.sentences) if found else ()
        return CheckVerdict(finding.check.id, verdict, probability, evidence)

    async def _log_odds(self, task: JudgeTask, finding: Finding, usages: list[Usage]) -> float | None:
        own = await self._ask(task, finding.check, finding.text, usages)
        await self._complete_baselines(task, finding.check, usages)
        known = [self._baselines.get(self._key(task, finding.check, text)) for text in CONTENT_FREE]
        values = [value for value in known if value is not None]
        if own is None or not values:
            return None
        return own - sum(values) / len(values)

    async def _complete_baselines(self, task: JudgeTask, check: Check, usages: list[Usage]) -> None:
        for text in self._missing(task, check):
            value = await self._ask(task, check, text, usages)
            if value is not None:
                self._baselines.put({self._key(task, check, text): value})

    def _missing(self, task: JudgeTask, check: Check) -> list[str]:
        return [text for text in CONTENT_FREE if self._baselines.get(self._key(task, check, text)) is None]

    async def _ask(self, task: JudgeTask, check: Check, sentence: str, usages: list[Usage]) -> float | None:
        async with self._slots:
            completion = await self._model.complete(self._request(task, check, sentence))
        usages.append(completion.usage)
        if completion.first_token is None:
            # Without them a score would rest on the checks alone that the answer does not touch.
            raise ModelRequestError(f"{self.endpoint} gives no log-probabilities", "Use --method structured for it.")
        return yes_log_odds(completion.first_token)

    def _request(self, task: JudgeTask, check: Check, sentence: str) -> CompletionRequest:
        messages = check_messages(self._templates, task, check, sentence)
        return CompletionRequest(messages, max_tokens=1, top_logprobs=TOP_LOGPROBS)

    def _key(self, task: JudgeTask, check: Check, sentence: str) -> str:
        messages = check_messages(self._templates, task, check, sentence)
        text = "\0".join([self._model.name, *(f"{m.role}\0{m.content}" for m in messages)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _asked(finding: Finding) -> bool:
    return worth_asking(finding.check.kind, finding.signals)


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
