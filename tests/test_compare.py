"""Comparing revisions: each is judged once, compared check by check, and a series is a list of comparisons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from assessment_factory import ANSWER, dicom_assessment, dicom_bank, dicom_question, receipt, shipped_bank
from comparison_cases import NEW, OLD, REWORDED, assessor_with, compared, keyword_judge, series
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from coach.answer.answer import AssessmentWarning
from coach.compare.compare import (
    JudgedRevision,
    Revision,
    build_comparison,
    build_series,
    judge_revisions,
    known_from_history,
)
from coach.compare.result import ComparedVersion, Comparison, ComparisonSeries
from coach.history.records import AttemptRecord
from coach.judge.judging import OnVerdict
from coach.submit.assess import AnswerAssessor
from coach.submit.assessment import Assessment
from coach.submit.changes import CheckChange
from coach.submit.key import result_key

QUESTION = dicom_question()
PAIR = [Revision("old", OLD), Revision("new", NEW)]
BETTER = NEW + " A CT sends its images with C-STORE. We can mix manufacturers."
ANSWERS = st.lists(
    st.sampled_from(
        [
            "It defines the file and talks over the network.",
            "Every file has a header with tags.",
            "A CT sends its images with C-STORE.",
            "Before we buy, I compare the conformance statements.",
            "There is a worklist.",
            "Names come from the worklist.",
            "Last year I connected a scanner.",
            "All devices work together without any test.",
            "I like my work in the department very much.",
        ]
    ),
    min_size=3,
    max_size=7,
).map(" ".join)


def built(old: Assessment, new: Assessment, **new_options: Any) -> Comparison:
    """Compare two assessments of the realistic answer."""
    return build_comparison(
        dicom_bank(),
        dicom_question(),
        JudgedRevision(Revision("first.md", ANSWER), old),
        JudgedRevision(Revision("second.md", ANSWER, **new_options), new),
    )


def test_a_better_version_is_called_improved() -> None:
    """More points, and the verdict says so; the same pair the other way round is worse."""
    there, back = compared(), compared(NEW, OLD)

    assert (there.verdict, back.verdict) == ("improved", "worse")
    assert there.difference == pytest.approx((there.new.score or 0) - (there.old.score or 0), abs=0.11)


@pytest.mark.parametrize("new", [OLD, REWORDED])
def test_the_same_content_is_no_clear_change(new: str) -> None:
    """Neither the same text nor other words for the same content is called better or worse."""
    comparison = compared(OLD, new)

    assert (comparison.verdict, comparison.difference, comparison.changes()) == ("no_clear_change", 0, [])
    assert comparison.new_claims == []


@given(ANSWERS, ANSWERS)
def test_position_does_not_matter(old: str, new: str) -> None:
    """compare(A, B) mirrors compare(B, A): verdict, difference, interval, parts, changes and text diff."""
    there, back = compared(old, new), compared(new, old)
    mirrored = {"improved": "worse", "worse": "improved", "no_clear_change": "no_clear_change", None: None}

    assert back.verdict == mirrored[there.verdict]
    assert back.threshold == there.threshold
    assert (_as_a_whole(back.old), _as_a_whole(back.new)) == (_as_a_whole(there.new), _as_a_whole(there.old))
    if there.difference is not None and there.interval is not None:
        assert back.difference == -there.difference
        assert back.interval == (-there.interval[1], -there.interval[0])
    pairs = ((there.gained, back.lost), (there.red_flags_gone, back.red_flags_appeared))
    for mine, other in (*pairs, *((back_list, there_list) for there_list, back_list in pairs)):
        assert {_told(change) for change in mine} == {_told(_swapped(change)) for change in other}
    kinds = {"removed": "inserted", "inserted": "removed"}
    assert {(s.kind, s.text, s.moved, tuple(sorted(s.check_ids))) for s in there.diff.segments if s.kind != "same"} == {
        (kinds[s.kind], s.text, s.moved, tuple(sorted(s.check_ids))) for s in back.diff.segments if s.kind != "same"
    }


def _as_a_whole(version: ComparedVersion) -> tuple[object, ...]:
    return version.answer_sha256, version.score, version.interval, version.unscored_reason


def _swapped(change: CheckChange) -> CheckChange:
    return change.model_copy(
        update={
            "points": -change.points + 0.0,
            "old_verdict": change.new_verdict,
            "new_verdict": change.old_verdict,
            "old_probability": change.new_probability,
            "new_probability": change.old_probability,
            "old_evidence": change.new_evidence,
            "new_evidence": change.old_evidence,
        }
    )


def _told(change: CheckChange) -> str:
    return change.model_dump_json()


@pytest.mark.parametrize(("old", "new"), [("", NEW), (OLD, "Too short."), ("", "")])
def test_without_a_score_there_is_no_verdict_but_a_reason(old: str, new: str) -> None:
    """A version that was not judged is null with a reason, never a zero that something improved on."""
    comparison = compared(old, new)

    assert (comparison.verdict, comparison.difference, comparison.interval) == (None, None, None)
    assert [*comparison.changes(), *comparison.left_out, *comparison.followed_advice] == []
    reason = comparison.no_verdict_reason or ""
    assert ("first.md: The answer is empty." in reason) == (old == "")
    assert ("second.md: The answer is too short" in reason) == (new == "Too short.")


def test_advice_goes_on_after_an_empty_version() -> None:
    """What is missing in the new version is told even when the old one could not be judged."""
    comparison = compared("", NEW)

    assert "result-stated" in [change.check_id for change in comparison.still_missing]
    assert comparison.next_advice
    assert comparison.rule
    assert comparison.new_claims == []


def test_too_little_judged_in_both_is_no_verdict() -> None:
    """When no point was judged in both versions, there is no difference to speak of."""
    other = dicom_assessment()
    for criterion in other.criteria:
        for check in criterion.checks:
            check.probability = None

    comparison = built(dicom_assessment(), other)
    assert comparison.verdict is None
    assert comparison.no_verdict_reason == "The checks that were judged in both versions are too few for a score."


def test_pieces_of_the_diff_name_the_checks_that_they_changed() -> None:
    """The cut sentence names the check that was lost, each added one the check that it earned."""
    linked = {s.text.strip(): (s.kind, s.check_ids) for s in compared().diff.segments if s.check_ids}

    assert linked == {
        "A CT sends its images with C-STORE to the archive.": ("removed", ["transfer-services"]),
        "Because it is a standard, all devices work together without any test.": (
            "removed",
            ["guaranteed-plug-and-play"],
        ),
        "Before we buy a device, I compare the conformance statements.": ("inserted", ["conformance-statement"]),
        "There is a worklist too.": ("inserted", ["modality-worklist"]),
        "Last year I connected 14 scanners from Siemens.": ("inserted", ["own-example"]),
    }


def test_new_facts_are_listed() -> None:
    """A number and a product that only the new version states are named with their sentence."""
    assert [claim.claim for claim in compared().new_claims] == ["14 scanners", "Siemens"]


def test_an_example_is_no_version_of_the_candidate() -> None:
    """Against an example, advice and gaps are about the candidate's own text; its facts are nobody's claims."""
    comparison = compared(OLD, NEW, example=True)

    assert (comparison.old.example, comparison.new.example) == (False, True)
    assert [*comparison.followed_advice, *comparison.new_claims] == []
    assert "own-example" in [advice.check_id for advice in comparison.next_advice]
    assert comparison.next_advice == compared(NEW, OLD).next_advice


@pytest.mark.parametrize(
    "change",
    [
        {"model": "x"},
        {"judge": "x"},
        {"prompt_version": "x"},
        {"bank_sha256": "x"},
        {"rubric_sha256": "x"},
        {"calibration": "x"},
        {"judging_sha256": "x"},
    ],
)
def test_another_way_of_judging_is_warned_of(change: dict[str, str]) -> None:
    """Assessments of different models, methods, prompts, banks or rubrics are compared, but not in silence."""
    comparison = built(dicom_assessment(), dicom_assessment(receipt=receipt(**change)))

    assert "judged_differently" in [warning.code for warning in comparison.warnings]
    assert "judged_differently" not in [w.code for w in built(dicom_assessment(), dicom_assessment()).warnings]


def test_a_score_by_an_older_rule_is_named() -> None:
    """An old result keeps its score and is marked; the difference counts both versions by the rule of today."""
    old, new = dicom_assessment(receipt=receipt(scoring_rule=1)), dicom_assessment()
    comparison = built(old, new)

    assert [(w.code, w.message.partition(":")[0]) for w in comparison.warnings if "rule" in w.code] == [
        ("older_scoring_rule", "first.md")
    ]
    assert comparison.old.score == old.score
    assert comparison.old.receipt.scoring_rule == 1
    assert comparison.difference == built(new, new).difference
    assert "older_scoring_rule" not in [w.code for w in built(new, new).warnings]


def test_the_warnings_say_which_version_they_are_about() -> None:
    """What the assessments warn of is passed on with the version's name, and so is a need for a human look."""
    warned = dicom_assessment(
        warnings=[AssessmentWarning(code="placeholder", message="There is a [placeholder].")], needs_review=False
    )
    messages = [(w.code, w.message) for w in built(dicom_assessment(), warned).warnings]

    assert messages == [
        ("needs_review", "first.md: a person should look: One check could not be judged."),
        ("placeholder", "second.md: There is a [placeholder]."),
    ]


def shape(value: object) -> object:
    """Return a JSON value with every number, string and truth value replaced by its type, and lists cut to one item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def test_the_json_keeps_its_shape(snapshot: SnapshotAssertion) -> None:
    """The document that --json prints has the fields that tools rely on, in the same order and of the same types."""
    document = json.loads(compared().to_json())

    assert document["schema"] == "coach/comparison@1"
    assert json.dumps(shape(document), indent=1) == snapshot


def test_the_json_can_be_read_back() -> None:
    """A written comparison is valid and says the same."""
    comparison = compared()

    assert Comparison.model_validate_json(comparison.to_json()) == comparison


def test_a_regression_is_not_hidden_by_gains() -> None:
    """An improved answer that lost something still says so, first in the document."""
    comparison = compared()
    fields = list(json.loads(comparison.to_json()))

    assert comparison.verdict == "improved"
    assert comparison.lost
    assert fields.index("lost") < fields.index("red_flags_appeared") < fields.index("gained")
    assert comparison.changes()[0] == comparison.lost[0]


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
    judged = await judge_revisions(assessor_with(judge), QUESTION, PAIR)

    assert [task.answer.text for task in judge.tasks] == [OLD, NEW]
    assert [version.revision for version in judged] == PAIR


async def test_the_same_text_is_judged_once() -> None:
    """A text that stands twice in a series is not paid for twice."""
    judge = keyword_judge()
    await judge_revisions(assessor_with(judge), QUESTION, [*PAIR, Revision("again", OLD)])

    assert [task.answer.text for task in judge.tasks] == [OLD, NEW]


async def test_other_white_space_is_judged_anew() -> None:
    """Evidence points at characters, so that a text with other line breaks cannot borrow it."""
    judge = keyword_judge()
    wrapped = OLD.replace("hospital. ", "hospital.\n")
    judged = await judge_revisions(assessor_with(judge), QUESTION, [PAIR[0], Revision("wrapped", wrapped)])
    comparison = build_comparison(dicom_bank(), QUESTION, *judged)

    assert len(judge.tasks) == 2
    assert comparison.verdict == "no_clear_change"
    assert all(wrapped[q.start : q.end] == q.quote for c in comparison.red_flags_remaining for q in c.new_evidence)


async def test_a_known_assessment_is_not_made_again() -> None:
    """An assessment with the same result key is taken over as it is."""
    judge = keyword_judge()
    assessor = assessor_with(judge)
    known = {result_key(assessor.bank, QUESTION, judge, OLD): await assessor.assess(QUESTION, OLD)}
    judge.tasks.clear()
    await judge_revisions(assessor, QUESTION, PAIR, known)

    assert [task.answer.text for task in judge.tasks] == [NEW]


async def test_saved_attempts_of_the_same_making_are_known() -> None:
    """Comparing two attempts that this model judged asks the model nothing."""
    judge = keyword_judge()
    assessor = assessor_with(judge)
    attempts = [await saved(assessor, OLD), await saved(assessor, NEW)]
    judge.tasks.clear()
    known = known_from_history(assessor, QUESTION, attempts)
    judged = await judge_revisions(assessor, QUESTION, PAIR, known)

    assert judge.tasks == []
    assert [version.assessment for version in judged] == [attempt.assessment for attempt in attempts]


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

    await judge_revisions(assessor_with(keyword_judge()), QUESTION, [PAIR[0], Revision("same", OLD)], None, on_revision)

    assert told == ["old"]


def test_each_version_is_compared_with_the_one_before_and_with_the_first() -> None:
    """The table says for every version what it gained since the previous one, and how it stands to the first."""
    first, second, third = series(OLD, NEW, BETTER).rows

    assert first.against_previous is first.against_first is None
    assert second.against_previous == second.against_first
    assert second.against_previous is not None
    assert second.against_previous.verdict == compared().verdict
    assert second.against_previous.lost == compared().lost
    assert third.against_previous is not None
    assert {change.check_id for change in third.against_previous.gained} == {"transfer-services", "vendor-independence"}
    assert third.against_first is not None
    assert third.against_first.verdict == "improved"
    assert "own-example" in {change.check_id for change in third.against_first.gained}


def test_the_best_version_is_marked() -> None:
    """The version with the highest score is the best one, wherever it stands in the series."""
    table = series(OLD, BETTER, NEW)

    assert [row.best for row in table.rows] == [False, True, False]
    assert (table.best, table.not_clearly_better_than) == ("v2", [])


def test_the_best_version_may_be_best_by_noise_only() -> None:
    """A version that does not clearly beat another one is no clear winner; of equals the latest is best."""
    table = series(NEW, OLD, NEW + " We all like to work with it here.")

    assert (table.best, table.not_clearly_better_than) == ("v3", ["v1"])


def test_the_last_step_is_told_in_full() -> None:
    """Beside the table stands the whole comparison of the last version with the one before it."""
    latest = series(OLD, REWORDED, NEW).latest

    assert (latest.old.label, latest.new.label, latest.verdict) == ("v2", "v3", "improved")
    assert latest.next_advice


def test_versions_without_a_score_are_no_zeros() -> None:
    """A version that was not judged has no verdict, a reason, and is never best."""
    table = series("", OLD, "No.")

    assert [row.version.score is None for row in table.rows] == [True, False, True]
    assert table.best == "v2"
    step = table.rows[1].against_previous
    assert step is not None
    assert (step.verdict, step.difference) == (None, None)
    assert "v1: The answer is empty." in (step.no_verdict_reason or "")
    assert series("", "").best is None


def test_one_version_is_no_series() -> None:
    """A table of fewer than two versions is a mistake of the caller."""
    with pytest.raises(ValueError, match="two"):
        build_series(dicom_bank(), dicom_question(), [])


def test_the_json_of_a_series_can_be_read_back() -> None:
    """A written series is valid, says the same and names its schema."""
    table = series(OLD, NEW, BETTER)

    assert ComparisonSeries.model_validate_json(table.to_json()) == table
    assert '"schema": "coach/comparison-series@1"' in table.to_json()
