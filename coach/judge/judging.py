"""What a judge is asked and what it answers, whatever its method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from coach.answer.answer import Answer, AssessmentWarning
from coach.bank.questions import Check, Question, Rubric
from coach.model.completion import ChatModel, CompletionRequest, Usage

if TYPE_CHECKING:
    from coach.judge.prompts import PromptTemplates


#: Who decided about a check: the language model, the small matcher, or likeness to the author's sentences alone.
Decider = Literal["model", "matcher", "similarity"]


class Verdict(StrEnum):
    """What the judge decided about one check."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    UNJUDGED = "unjudged"


@dataclass(frozen=True)
class JudgeTask:
    """One answer to judge: the question, its rubric, the checks in order, and the prepared answer."""

    profession: str
    question: Question
    rubric: Rubric
    checks: tuple[Check, ...]
    answer: Answer
    #: Language of the bank (ISO 639-1).
    language: str = "en"


@dataclass(frozen=True)
class CheckVerdict:
    """The verdict on one check.

    ``probability`` is the calibrated probability (0..1) that the answer does what the check says; None together
    with ``Verdict.UNJUDGED`` and a reason in ``comment``. ``evidence`` holds sentence numbers (from 1), best first.
    ``decided_by`` is None where nobody decided.
    """

    check_id: str
    verdict: Verdict
    probability: float | None
    evidence: tuple[int, ...] = ()
    comment: str | None = None
    decided_by: Decider | None = None


def unjudged(check: Check, reason: str) -> CheckVerdict:
    """Return the verdict on a check that could not be judged."""
    return CheckVerdict(check.id, Verdict.UNJUDGED, None, (), f"not judged: {reason}")


@dataclass(frozen=True)
class Judgement:
    """All verdicts on one answer, in the order of the checks, with what the model added in its own words."""

    verdicts: tuple[CheckVerdict, ...]
    usage: Usage = field(default_factory=Usage)
    follow_up: str | None = None
    outline: str | None = None
    warnings: tuple[AssessmentWarning, ...] = ()


OnVerdict = Callable[[Check, CheckVerdict], None]


class Judge:
    """A model plus a method of asking."""

    #: Name of the method.
    name: str

    def __init__(self, chat_model: ChatModel, templates: PromptTemplates) -> None:
        self._model = chat_model
        self._templates = templates

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
        """Version of the prompt templates, with a hash of the method's texts."""
        return self._templates.fingerprint(self.name)

    @property
    def settings(self) -> Mapping[str, str]:
        """Everything else that changes a verdict (such as the sentence encoder), for the result key."""
        return {}

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent for a task, as far as that does not depend on replies; sends nothing."""
        raise NotImplementedError

    async def warm_up(self, task: JudgeTask) -> None:
        """Ask beforehand what is the same for every answer to the task's question; raises ModelError."""

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer; ``on_verdict`` is called for each check as soon as it is decided.

        A check that could not be judged is ``unjudged`` with a reason, even when that is so for all of them; raises
        ModelError when the endpoint fails.
        """
        raise NotImplementedError
