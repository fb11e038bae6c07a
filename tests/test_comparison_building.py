"""Tests of coach.compare.comparison_building."""

from __future__ import annotations

import json
from typing import Any

import pytest
from assessment_factory import ANSWER, dicom_assessment, dicom_question, receipt, shipped_bank
from comparison_cases import NEW, OLD, REWORDED, compared
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from coach.answer.answer import AssessmentWarning
from coach.compare.comparison_building import JudgedRevision, build_comparison
from coach.compare.result import ComparedVersion, Comparison
from coach.submit.assessment import Assessment
from coach.submit.changes import CheckChange

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
        shipped_bank(),
        dicom_question(),
        JudgedRevision("first.md", ANSWER, old),
        JudgedRevision("second.md", ANSWER, new, **new_options),
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


@settings(deadline=None, max_examples=30)
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
