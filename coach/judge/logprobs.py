"""The ``logprobs`` method: find the sentence for each check, then ask one token about it.

Views of every check are joined. Similarity finds the sentences and clauses that come nearest to it, and where it is
installed, a small matcher reads these: a quote, and a verdict where it is clear. Where it is still open, the model is
asked whether the answer does what the check says, and the log-odds of Yes are read instead of prose, minus what answers
without content get (contextual calibration).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from coach.bank.questions import Check
from coach.errors import ModelCapabilityError, ModelContentFilterError, ModelError, ModelReplyError
from coach.judge.baselines import Baselines
from coach.judge.events import told_events
from coach.judge.evidence import EVENT_MARGIN, QUOTING, RANKING, Finding, find_evidence, is_reference
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict, Verdict, unjudged
from coach.judge.prompts import PromptTemplates
from coach.judge.signals import decider_of, probability_of, rule_sha256, verdict_of, worth_asking, yes_log_odds
from coach.judge.similarity import Similarity
from coach.model.completion import ChatModel, CompletionRequest, Usage
from coach.model.encoder import Matcher

_TOP_LOGPROBS = 20
#: Words that sound right for any question and say nothing.
CONTENT_FREE = (
    "I have a lot of experience with this and always follow best practice. It is an important topic and I make sure "
    "that everything is done properly and to a high standard.",
    "That is a good question. There are many aspects to consider here, and the right approach depends on the "
    "situation, but in general it plays a key role and works well.",
)
#: Failures that say nothing about the other checks.
_ABOUT_ONE_CHECK = (ModelContentFilterError, ModelReplyError)


class LogprobsJudge(Judge):
    """Asks one token per check, one after the other: a server can then keep the answer's prompt from check to check."""

    name = "logprobs"

    def __init__(
        self,
        model: ChatModel,
        templates: PromptTemplates,
        similarity: Similarity,
        baselines: Baselines | None = None,
        matcher: Matcher | None = None,
    ) -> None:
        super().__init__(model, templates)
        self._similarity = similarity
        self._matcher = matcher
        self._baselines = baselines or Baselines()
        self._measuring = asyncio.Lock()

    @property
    def settings(self) -> Mapping[str, str]:
        """The similarity measure changes how near an answer comes to a check, the rule what follows from that."""
        return {
            "similarity": self._similarity.name,
            "matcher": Matcher.sha256[:12] if self._matcher else "none",
            "rule": rule_sha256(),
            "ranking": repr((RANKING, QUOTING, EVENT_MARGIN, self._similarity.unrelated_below)),
        }

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent: missing baselines, then a request for each check worth asking."""
        asked = [finding for finding in self.findings(task) if _asked(finding)]
        missing = self.missing_baselines(task, [finding.check for finding in asked])
        own = [(finding.check, finding.text) for finding in asked]
        return [self._request(task, check, text) for check, text in [*missing, *own]]

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer check by check; raises ModelError when the endpoint fails or gives no log-probabilities.

        A check whose reply holds neither Yes nor No is unjudged.
        """
        # The sentence encoder takes the processor for some time, in which other answers go on.
        findings = await asyncio.to_thread(self.findings, task)
        asked = [finding.check for finding in findings if _asked(finding)]
        usages: list[Usage] = []
        baselines = await self.baselines(task, asked, usages)
        verdicts: dict[str, CheckVerdict] = {}
        for finding in findings:
            check, signals = finding.check, finding.signals
            try:
                if _asked(finding):
                    baseline = baselines[check.id]
                    if isinstance(baseline, ModelError):
                        raise baseline
                    own = await self.ask(task, check, finding.text, usages, first=check is asked[0])
                    signals = replace(signals, log_odds=own - baseline)
                probability = probability_of(check.kind, signals)
                verdict = verdict_of(probability, check.kind)
                evidence = (finding.sentence.number,) if verdict in (Verdict.MET, Verdict.PARTLY) else ()
                verdicts[check.id] = CheckVerdict(
                    check.id, verdict, probability, evidence, decided_by=decider_of(check.kind, signals)
                )
            except _ABOUT_ONE_CHECK as error:
                verdicts[check.id] = unjudged(check, error.message)
            if on_verdict:
                on_verdict(check, verdicts[check.id])
        return Judgement(tuple(verdicts[check.id] for check in task.checks), sum(usages, Usage(0, 0, 0)))

    async def warm_up(self, task: JudgeTask) -> None:
        """Let the server read what all prompts about the question begin with."""
        await self.ask(task, task.checks[0], CONTENT_FREE[0], [], first=True)

    def findings(self, task: JudgeTask) -> list[Finding]:
        """Return what similarity finds for every check, criterion by criterion: the order in which they are asked."""
        sentences = task.answer.judged_sentences
        events = told_events([sentence.text for sentence in sentences], task.language)
        found = find_evidence(self._similarity, sentences, task.checks, task.question.text, events, self._matcher)
        criteria = list(dict.fromkeys(check.criterion for check in task.checks))
        return sorted(found, key=lambda finding: criteria.index(finding.check.criterion))

    def missing_baselines(self, task: JudgeTask, checks: Sequence[Check]) -> list[tuple[Check, str]]:
        """Return the checks with the content-free words whose baseline is not known; those of a text together."""
        return [(check, text) for check, text, key in self._keyed(task, checks) if self._baselines.get(key) is None]

    async def baselines(
        self, task: JudgeTask, checks: Sequence[Check], usages: list[Usage]
    ) -> dict[str, float | ModelError]:
        """Return by check id the mean log-odds of content-free words, kept or measured now, or why there are none."""
        known: dict[str, list[float]] = {check.id: [] for check in checks}
        failures: dict[str, ModelError] = {}
        measured: dict[str, float] = {}
        asked_about = ""
        # One answer measures, and the others find what it has measured.
        async with self._measuring:
            try:
                for check, text, key in self._keyed(task, checks):
                    value = self._baselines.get(key)
                    if value is None:
                        first, asked_about = text != asked_about, text
                        try:
                            value = measured[key] = await self.ask(task, check, text, usages, first=first)
                        except _ABOUT_ONE_CHECK as error:
                            failures[check.id] = error
                            continue
                    known[check.id].append(value)
            finally:
                if measured:
                    self._baselines.put(measured)
        return {check_id: fmean(values) if values else failures[check_id] for check_id, values in known.items()}

    async def ask(self, task: JudgeTask, check: Check, answer: str, usages: list[Usage], *, first: bool) -> float:
        """Return the log-odds of Yes for one check; raises ModelError.

        The ``first`` request about a text tells which part of its prompt is the same for every answer.
        """
        request = self._request(task, check, answer)
        if first:
            request = replace(request, fixed_characters=self._templates.fixed_characters(task))
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
        messages = self._templates.one_check(task, check, answer, reference=is_reference(check))
        return CompletionRequest(messages, max_tokens=1, top_logprobs=_TOP_LOGPROBS)

    def _keyed(self, task: JudgeTask, checks: Sequence[Check]) -> list[tuple[Check, str, str]]:
        """Return each check with each content-free text and the key of its baseline."""
        return [(check, text, self._key(task, check, text)) for text in CONTENT_FREE for check in checks]

    def _key(self, task: JudgeTask, check: Check, answer: str) -> str:
        messages = self._request(task, check, answer).messages
        text = "\0".join([self._model.name, *(f"{m.role}\0{m.content}" for m in messages)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _asked(finding: Finding) -> bool:
    """Return whether the model is asked about a check: where its view could still change the verdict."""
    return worth_asking(finding.check.kind, finding.signals)
