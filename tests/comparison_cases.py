"""Revisions of an answer to ``dicom-standard``, and a judge that finds keywords in their sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assessment_factory import dicom_bank, dicom_question
from scripted_judge import ScriptedJudge

from coach.answer.answer import Sentence
from coach.bank.questions import Bank, Check
from coach.compare.compare import Revision, build_comparison, build_series, judge_revisions
from coach.compare.result import Comparison, ComparisonSeries
from coach.judge.judging import CheckVerdict, Judgement, JudgeTask, OnVerdict
from coach.judge.signals import verdict_of
from coach.submit.assess import AnswerAssessor

#: check id -> words that show it in a sentence, each with the probability that it is worth.
KEYWORDS: Mapping[str, Mapping[str, float]] = {
    "file-and-network": {"over the network": 0.9},
    "header-tags": {"header": 0.85},
    "transfer-services": {"C-STORE": 0.9},
    "vendor-independence": {"manufacturers": 0.9},
    "conformance-statement": {"conformance": 0.8},
    "modality-worklist": {"from the worklist": 0.9, "worklist": 0.5},
    "own-example": {"I connected": 0.8},
    "guaranteed-plug-and-play": {"without any test": 0.95},
}
FALLBACK = 0.05

OLD = (
    "DICOM is the standard for medical images in every hospital. It defines the file with its header, and how devices "
    "talk over the network. A CT sends its images with C-STORE to the archive. Because it is a standard, all devices "
    "work together without any test. Our radiologists like to work with it."
)
#: Lost: the transfer service. Gone: the red flag. Gained: the conformance statement, an own example, partly the
#: worklist. Moved: what the radiologists like. New claims: 14 scanners, Siemens.
NEW = (
    "Our radiologists like to work with it. DICOM is the standard for medical images in every hospital. It defines the "
    "file with its header, and how devices talk over the network. Before we buy a device, I compare the conformance "
    "statements. There is a worklist too. Last year I connected 14 scanners from Siemens."
)
#: What harmless rewording does: other words, the same content.
REWORDED = OLD.replace("A CT sends its images", "The CT, for example, pushes its pictures")


@dataclass
class KeywordJudge(ScriptedJudge):
    """A check has the probability of the best keyword in any sentence, and that sentence is its evidence."""

    keywords: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: KEYWORDS)
    unjudged: frozenset[str] = frozenset()

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Return the verdicts by keywords."""
        self.tasks.append(task)
        verdicts = tuple(self._verdict(check, task.answer.judged_sentences) for check in task.checks)
        return Judgement(verdicts)

    def _verdict(self, check: Check, sentences: Sequence[Sentence]) -> CheckVerdict:
        if check.id in self.unjudged:
            return CheckVerdict(check.id, verdict_of(None), None, (), "the model's reply could not be read")
        worth = self.keywords.get(check.id, {})
        found = [(p, -s.number) for s in sentences for word, p in worth.items() if word in s.text]
        probability, number = max(found, default=(FALLBACK, 0))
        return CheckVerdict(check.id, verdict_of(probability), probability, (-number,) if number else ())


def keyword_judge(**changes: object) -> KeywordJudge:
    """Return a judge by KEYWORDS; ``changes`` replace its fields."""
    return KeywordJudge(script=lambda task, check: FALLBACK, **changes)  # type: ignore[arg-type]


def assessor_with(judge: ScriptedJudge, bank: Bank | None = None) -> AnswerAssessor:
    """Return an assessor with this judge, of the bank of one question unless another is given."""
    return AnswerAssessor(bank or dicom_bank(), judge, lambda model, usage, endpoint: 0.0)


def compared(
    old: str = OLD, new: str = NEW, *, example: bool = False, judge: ScriptedJudge | None = None
) -> Comparison:
    """Compare two answers, called first.md and second.md; the second may be an example."""
    revisions = [Revision("first.md", old), Revision("second.md", new, example)]
    judged = asyncio.run(judge_revisions(assessor_with(judge or keyword_judge()), dicom_question(), revisions))
    return build_comparison(dicom_bank(), dicom_question(), *judged)


def series(*texts: str, judge: ScriptedJudge | None = None) -> ComparisonSeries:
    """Compare a series of answers, called v1, v2, …"""
    revisions = [Revision(f"v{number}", text) for number, text in enumerate(texts, 1)]
    judged = asyncio.run(judge_revisions(assessor_with(judge or keyword_judge()), dicom_question(), revisions))
    return build_series(dicom_bank(), dicom_question(), judged)
