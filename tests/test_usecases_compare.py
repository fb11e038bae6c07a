"""Tests of coach.compare.compare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from assessment_factory import dicom_question, shipped_bank
from comparison_cases import NEW, OLD, assessor_with, keyword_judge

from coach.compare.compare import Revision, compare_revisions, compare_series, known_from_history
from coach.history.records import AttemptRecord
from coach.judge.judging import OnVerdict
from coach.submit.assess import AnswerAssessor
from coach.submit.key import result_key

QUESTION = dicom_question()
PAIR = [Revision("old", OLD), Revision("new", NEW)]


async def saved(assessor: AnswerAssessor, text: str, **changes: Any) -> AttemptRecord:
    """Return a saved attempt as this assessor would have made it; ``changes`` replace fields of its receipt."""
    assessment = await assessor.assess(QUESTION, text)
    assessment.receipt = assessment.receipt.model_copy(update=changes)
    return AttemptRecord(
        question_id=QUESTION.id,
        bank_title=shipped_bank().title,
        created_at=datetime.now(UTC),
        answer=text,
        assessment=assessment,
    )


async def test_both_revisions_are_judged_once() -> None:
    """Two revisions cost two judgements, in their order."""
    judge = keyword_judge()
    comparison = await compare_revisions(assessor_with(judge), QUESTION, PAIR)

    assert [task.answer.text for task in judge.tasks] == [OLD, NEW]
    assert (comparison.old.label, comparison.new.label) == ("old", "new")


async def test_the_same_text_is_judged_once() -> None:
    """A text that stands twice in a series is not paid for twice."""
    judge = keyword_judge()
    await compare_series(assessor_with(judge), QUESTION, [*PAIR, Revision("again", OLD)])

    assert [task.answer.text for task in judge.tasks] == [OLD, NEW]


async def test_other_white_space_is_judged_anew() -> None:
    """Evidence points at characters, so that a text with other line breaks cannot borrow it."""
    judge = keyword_judge()
    wrapped = OLD.replace("hospital. ", "hospital.\n")
    comparison = await compare_revisions(assessor_with(judge), QUESTION, [PAIR[0], Revision("wrapped", wrapped)])

    assert len(judge.tasks) == 2
    assert comparison.verdict == "no_clear_change"
    assert all(wrapped[q.start : q.end] == q.quote for c in comparison.red_flags_remaining for q in c.new_evidence)


async def test_a_known_assessment_is_not_made_again() -> None:
    """An assessment with the same result key is taken over as it is."""
    judge = keyword_judge()
    assessor = assessor_with(judge)
    known = {result_key(shipped_bank(), QUESTION, judge, OLD): await assessor.assess(QUESTION, OLD)}
    judge.tasks.clear()
    await compare_revisions(assessor, QUESTION, PAIR, known)

    assert [task.answer.text for task in judge.tasks] == [NEW]


async def test_saved_attempts_of_the_same_making_are_known() -> None:
    """Comparing two attempts that this model judged asks the model nothing."""
    judge = keyword_judge()
    assessor = assessor_with(judge)
    attempts = [await saved(assessor, OLD), await saved(assessor, NEW)]
    judge.tasks.clear()
    comparison = await compare_revisions(assessor, QUESTION, PAIR, known_from_history(assessor, QUESTION, attempts))

    assert judge.tasks == []
    assert comparison.verdict == "improved"


@pytest.mark.parametrize("field", ["judging_sha256", "calibration"])
async def test_attempts_of_another_making_are_judged_again(field: str) -> None:
    """An attempt under another model, method, prompt, question, rubric or encoder is not mixed in."""
    assessor = assessor_with(keyword_judge())

    assert known_from_history(assessor, QUESTION, [await saved(assessor, OLD)])
    assert not known_from_history(assessor, QUESTION, [await saved(assessor, OLD, **{field: "another"})])


async def test_the_caller_hears_which_revision_is_judged() -> None:
    """Before a revision is judged its name is told, and its verdicts go where the caller wants them."""
    told: list[str] = []

    def on_revision(revision: Revision) -> OnVerdict | None:
        told.append(revision.label)
        return None

    await compare_revisions(
        assessor_with(keyword_judge()), QUESTION, [PAIR[0], Revision("same", OLD)], None, on_revision
    )

    assert told == ["old"]


async def test_a_comparison_needs_two_revisions() -> None:
    """One revision cannot be compared, and three are a series."""
    for revisions in (PAIR[:1], [*PAIR, *PAIR]):
        with pytest.raises(ValueError, match="two revisions"):
            await compare_revisions(assessor_with(keyword_judge()), QUESTION, revisions)
