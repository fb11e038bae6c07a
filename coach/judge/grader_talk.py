"""What becomes of sentences that the judge takes for talk to the grader: they are reported and earn nothing.

Rules find the usual wordings before a model is asked (``coach.answer.instructions``); a capable model also finds what
no rule foresees. It is asked for the sentences' numbers only, and code draws the conclusion.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from coach.answer.answer import Answer, AssessmentWarning
from coach.answer.sentences import shortened
from coach.bank.questions import Check
from coach.judge.judging import CheckVerdict, Verdict
from coach.judge.structured_reply import STATED_PROBABILITY


def without_grader_talk(check: Check, verdict: CheckVerdict, reported: Collection[int]) -> CheckVerdict:
    """Return a verdict that rests on no reported sentence.

    A point that was shown by reported sentences alone is not met. A red flag stays as it is: calling a sentence talk to
    the grader must not take back what it costs.
    """
    left = tuple(number for number in verdict.evidence if number not in reported)
    if check.kind != "point" or left == verdict.evidence:
        return verdict
    if left:
        return replace(verdict, evidence=left)
    comment = "not met: the only sentence named for it talks to the grader"
    return CheckVerdict(check.id, Verdict.NOT_MET, STATED_PROBABILITY[Verdict.NOT_MET], (), comment)


def grader_talk_warnings(answer: Answer, reported: Sequence[int]) -> list[AssessmentWarning]:
    """Return one warning for each reported sentence."""
    return [
        AssessmentWarning(
            code="instruction_in_answer",
            message=f"The judge takes sentence {number} for talk to the grader; it earned nothing: "
            f"“{shortened(answer.sentences[number - 1].text)}”",
        )
        for number in reported
    ]
