"""The comparison of two revisions of an answer, and of a whole series (JSON contracts of ``coach compare``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coach.answer.answer import AssessmentWarning
from coach.schema import ResultModel
from coach.submit.assessment import Evidence, Improvement, Receipt
from coach.submit.changes import CheckChange, FollowedAdvice, LeftOutCheck

ComparisonVerdict = Literal["improved", "worse", "no_clear_change"]
SegmentKind = Literal["same", "removed", "inserted"]


class ComparedVersion(ResultModel):
    """One of the texts compared, with what its assessment says as a whole."""

    label: str = Field(description="What the user calls it: a file name, or the number of an attempt.")
    example: bool = Field(default=False, description="True for the bank's example, which is not the candidate's text.")
    answer_sha256: str
    score: float | None = Field(ge=0, le=100)
    interval: tuple[float, float] | None
    unscored_reason: str | None
    receipt: Receipt


class MovedSentence(ResultModel):
    """A sentence that stands in both versions, but at another place among the others."""

    number: int = Field(ge=1)
    quote: str = Field(description="As it stands in the new version.")
    old_start: int
    old_end: int
    new_start: int
    new_end: int


class DiffSegment(ResultModel):
    """A piece of the text diff. All old spans joined are the old text, all new spans joined the new text.

    ``old_start``/``old_end`` are equal for an inserted piece, ``new_start``/``new_end`` for a removed one. The words
    of a ``same`` piece are the same in both versions, its white space may differ.
    """

    kind: SegmentKind
    text: str = Field(description="The old text of a removed piece, else the new text.")
    old_start: int
    old_end: int
    new_start: int
    new_end: int
    moved: int | None = Field(default=None, description="Number of the moved sentence that this piece is.")
    check_ids: list[str] = Field(
        default_factory=list, description="Checks that changed and whose evidence lies in this piece."
    )


class TextDiff(ResultModel):
    """What happened to the words."""

    segments: list[DiffSegment]
    moved: list[MovedSentence]


class NewClaim(ResultModel):
    """A fact that only the new version states: a number, or a name that neither question nor advice holds."""

    kind: Literal["number", "name"]
    claim: str
    start: int = Field(ge=0, description="Offset of the claim in the new text.")
    end: int = Field(ge=0)
    evidence: Evidence = Field(description="The sentence of the new text that states it.")


class Comparison(ResultModel):
    """Two revisions under the same bank, rubric, prompt and model; losses come before gains.

    ``verdict``, ``difference``, ``interval`` and ``threshold`` are None, with ``no_verdict_reason``, when one of the
    versions has no score. ``still_missing``, ``red_flags_remaining`` and ``next_advice`` are about the version that
    the candidate goes on with: the new one, or the old one when the new one is an example.
    """

    schema_: Literal["coach/comparison@1"] = Field(default="coach/comparison@1", alias="schema")
    question_id: str
    old: ComparedVersion
    new: ComparedVersion
    verdict: ComparisonVerdict | None
    no_verdict_reason: str | None
    difference: float | None = Field(ge=-100, le=100, description="New minus old, over the checks judged in both.")
    interval: tuple[float, float] | None = Field(description="90 % interval of the difference.")
    threshold: float | None = Field(description="The difference must be larger than this, up or down.")
    rule: str = Field(description="How the verdict is found, in words.")
    lost: list[CheckChange]
    red_flags_appeared: list[CheckChange]
    gained: list[CheckChange]
    red_flags_gone: list[CheckChange]
    still_missing: list[CheckChange]
    red_flags_remaining: list[CheckChange]
    left_out: list[LeftOutCheck]
    followed_advice: list[FollowedAdvice]
    next_advice: list[Improvement]
    diff: TextDiff
    new_claims: list[NewClaim]
    warnings: list[AssessmentWarning]

    def changes(self) -> list[CheckChange]:
        """Return the checks that changed, in the order of a report: what was lost first."""
        return [*self.lost, *self.red_flags_appeared, *self.gained, *self.red_flags_gone]


class SeriesStep(ResultModel):
    """One version against an earlier one, in short."""

    verdict: ComparisonVerdict | None
    no_verdict_reason: str | None
    difference: float | None
    interval: tuple[float, float] | None
    lost: list[CheckChange]
    red_flags_appeared: list[CheckChange]
    gained: list[CheckChange]
    red_flags_gone: list[CheckChange]


class SeriesRow(ResultModel):
    """One version of a series; the first one has nothing to be compared with."""

    version: ComparedVersion
    against_previous: SeriesStep | None
    against_first: SeriesStep | None
    best: bool = Field(description="True for the version with the highest score; of equals the latest.")


class ComparisonSeries(ResultModel):
    """More than two versions, in the order given.

    ``not_clearly_better_than`` names the versions that the best one does not beat by more than noise; ``latest`` is
    the whole comparison of the last version with the one before it.
    """

    schema_: Literal["coach/comparison-series@1"] = Field(default="coach/comparison-series@1", alias="schema")
    question_id: str
    rows: list[SeriesRow]
    best: str | None = Field(description="Label of the best version; None when none has a score.")
    not_clearly_better_than: list[str]
    rule: str
    latest: Comparison
