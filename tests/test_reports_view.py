"""Tests of coach.report.view and coach.report.points."""

from __future__ import annotations

from typing import Any

from assessment_factory import (
    ANSWER,
    SENTENCES,
    UNJUDGED_REASON,
    VERDICTS,
    criteria,
    dicom_assessment,
    dicom_question,
    dicom_rubric,
    receipt,
    unscored_assessment,
)

from coach.answer.answer import AssessmentWarning
from coach.judge.judging import Verdict
from coach.report.view import ReportView, build_view
from coach.report.words import Standing
from coach.submit.assessment import Assessment, Improvement


def view_of(assessment: Assessment, answer: str = ANSWER, **options: Any) -> ReportView:
    """Return the view of an assessment of the shipped question."""
    return build_view(assessment, dicom_question(), dicom_rubric(), answer, **options)


def improvement(check_id: str, gain: float) -> Improvement:
    """Return an improvement with recognisable advice."""
    return Improvement(check_id=check_id, advice=f"Do {check_id}.", gain=gain)


def test_the_headline_gives_score_interval_and_level_in_words() -> None:
    """The score is a whole number with its interval, and has a word."""
    head = view_of(dicom_assessment()).headline

    assert (head.level, head.score, head.interval) == ("Solid", 61, (52, 69))
    assert head.uncertainty == "likely between 52 and 69"
    assert head.points == "5 of 10 points made, 2 partly, 1 not judged"


def test_a_red_flag_is_named_in_the_opening() -> None:
    """The first sentences say that something is wrong, and only then."""
    clean = dict(VERDICTS) | {"guaranteed-plug-and-play": (Verdict.NOT_MET, 0.02, ())}

    assert "would count against you" in view_of(dicom_assessment()).headline.opening
    assert "against" not in view_of(dicom_assessment(criteria=criteria(clean))).headline.opening


def test_without_numbers_the_headline_keeps_the_words() -> None:
    """Level and doubt are said in words when scores are hidden."""
    head = view_of(dicom_assessment(), show_score=False).headline

    assert (head.level, head.score, head.interval, head.points) == ("Solid", None, None, "")
    assert head.uncertainty == "perhaps Developing"


def test_without_numbers_a_narrow_interval_needs_no_words() -> None:
    """No doubt is voiced where the interval lies within one level."""
    assert view_of(dicom_assessment(interval=(61.0, 62.0)), show_score=False).headline.uncertainty == ""


def test_points_with_quotes_are_numbered_in_reading_order() -> None:
    """Red flags come first, then criterion by criterion; what has no quote has no number."""
    view = view_of(dicom_assessment())

    numbered = [*view.red_flags, *(p for c in view.criteria for p in c.points if p.standing is not Standing.AGAINST)]
    assert [point.number for point in numbered if point.number] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(bool(point.quotes) == (point.number is not None) for point in numbered)


def test_markers_in_the_answer_lead_to_the_points() -> None:
    """Each marker stands behind the very sentence that its point quotes."""
    view = view_of(dicom_assessment())
    points = {point.number: point for c in view.criteria for point in (*view.red_flags, *c.points) if point.quotes}

    marked = [(segment, marker) for segment in view.segments for marker in segment.markers]
    assert {marker.number for _, marker in marked} == set(points)
    for segment, marker in marked:
        assert segment.text in points[marker.number].quotes
        assert points[marker.number].check_id in segment.check_ids


def test_quotes_are_verbatim() -> None:
    """A quote is the sentence as typed, only its line break folded."""
    view = view_of(dicom_assessment())
    quotes = {quote for criterion in view.criteria for point in criterion.points for quote in point.quotes}

    assert " ".join(SENTENCES[1].split()) in quotes
    assert quotes <= {" ".join(sentence.split()) for sentence in SENTENCES}


def test_a_criterion_lists_what_is_wrong_before_what_is_missing() -> None:
    """Within a criterion the order is earned, partly there, against, missing."""
    application = view_of(dicom_assessment()).criteria[1]

    standings = [point.standing for point in application.points]
    assert standings == sorted(standings, key=list(Standing).index)
    assert standings.index(Standing.AGAINST) < standings.index(Standing.MISSING)


def test_partly_met_points_and_possible_red_flags_are_shown_as_such() -> None:
    """Half a point is labelled as half, a doubtful red flag as doubtful."""
    doubtful = dict(VERDICTS) | {"guaranteed-plug-and-play": (Verdict.PARTLY, 0.5, (5,))}
    view = view_of(dicom_assessment(criteria=criteria(doubtful)))

    labels = {point.check_id: point.label for criterion in view.criteria for point in criterion.points}
    assert labels["device-configuration"] == "partly there"
    assert view.red_flags[0].label == "may count against you"
    assert view.red_flags_title == "Look at this first"
    assert "One statement may count against you" in view.headline.opening


def test_a_red_flag_that_is_not_raised_is_not_mentioned() -> None:
    """Nobody is told of mistakes they did not make."""
    view = view_of(dicom_assessment())

    assert "only-a-file-format" not in {point.check_id for c in view.criteria for point in c.points}


def test_unjudged_checks_are_named_with_their_reason() -> None:
    """A check without a verdict is neither met nor missing, and says why."""
    experience = view_of(dicom_assessment()).criteria[2]

    assert experience.unjudged == (
        (UNJUDGED_REASON, ("States what came of it, such as a result, a number or a lesson.",)),
    )
    assert [point.check_id for point in experience.points] == ["own-example"]


def test_the_three_largest_gains_come_first() -> None:
    """Steps are sorted by what they can bring, whatever the order in the assessment, and end after three."""
    gains = [("modality-worklist", 2.0), ("own-example", 9.4), ("header-tags", 0.4), ("conformance-statement", 5.0)]
    view = view_of(dicom_assessment(improvements=[improvement(*gain) for gain in gains]))

    assert [(step.number, step.advice, step.gain) for step in view.steps] == [
        (1, "Do own-example.", "up to 9 points"),
        (2, "Do conformance-statement.", "up to 5 points"),
        (3, "Do modality-worklist.", "up to 2 points"),
    ]


def test_a_point_names_the_step_about_it() -> None:
    """A missing point leads to the step that brings it; a red flag's advice is not given twice."""
    view = view_of(dicom_assessment())

    steps = {point.check_id: point.step for criterion in view.criteria for point in criterion.points}
    assert (steps["modality-worklist"], steps["conformance-statement"]) == (2, None)
    assert view.red_flags[0].step == 1
    assert view.steps[0].verb == "Put right"


def test_no_praise_without_a_verdict_that_carries_it() -> None:
    """Strengths are left out when no point was even partly made."""
    nothing = dict.fromkeys(VERDICTS, (Verdict.NOT_MET, 0.1, ()))

    assert view_of(dicom_assessment(criteria=criteria(nothing))).strengths == ()
    assert len(view_of(dicom_assessment()).strengths) == 2


def test_an_unscored_answer_says_why_and_what_to_do() -> None:
    """No score is no zero: the reason stands in its place, with the next command."""
    view = view_of(unscored_assessment("The answer is too short to judge."), "DICOM is great.")

    assert view.headline.score is None
    assert (view.headline.level, view.headline.opening) == ("Not scored", "The answer is too short to judge.")
    assert [action.command for action in view.next_actions] == [
        "coach submit dicom-standard",
        "coach questions dicom-standard",
    ]
    assert view.criteria == ()
    assert view.follow_up == ""


def test_a_failed_judge_is_not_the_candidates_fault() -> None:
    """When the model failed, the advice is to judge again, not to write another answer."""
    assessment = dicom_assessment(score=None, interval=None, unscored_reason="The model stopped answering.")

    actions = view_of(assessment).next_actions
    assert "same answer again" in actions[0].text
    assert view_of(dicom_assessment()).next_actions == ()


def test_warnings_and_reasons_for_review_are_shown() -> None:
    """Both are told apart, in the words of the assessment."""
    warning = AssessmentWarning(code="placeholder", message="The answer still contains a [placeholder].")
    notices = view_of(dicom_assessment(warnings=[warning])).notices

    assert [notice.messages for notice in notices] == [
        ("The answer still contains a [placeholder].",),
        ("One check could not be judged.",),
    ]


def test_remarks_are_shown_as_sentences() -> None:
    """A bare reason gets a capital letter and a full stop, whatever it ends in."""
    notices = view_of(dicom_assessment(review_reasons=["the answer contains hidden text", "Why not?"])).notices

    assert notices[-1].messages == ("The answer contains hidden text.", "Why not?")


def test_an_answer_that_nobody_judged_needs_no_second_look() -> None:
    """The reason in the headline is not said again as a reason for review."""
    assessment = unscored_assessment("It is empty.", needs_review=True, review_reasons=["the answer was not scored"])

    assert view_of(assessment, "").notices == ()


def test_only_the_first_strengths_are_named() -> None:
    """The strengths that count most are named; all others stand with their criterion."""
    assert view_of(dicom_assessment(strengths=["a", "b", "c", "d"])).strengths == ("a", "b", "c")


def test_reasons_for_review_hide_their_numbers_on_request() -> None:
    """Without numbers a reason keeps its words, or becomes a general one."""
    reasons = ["The interval is wide (38 to 71).", "The credit is 0.5."]
    notices = view_of(dicom_assessment(review_reasons=reasons), show_score=False).notices

    assert notices[-1].messages == ("The interval is wide.", "The judging left some doubt.")


def test_another_text_than_the_judged_one_is_not_marked_and_this_is_said() -> None:
    """Quotes are shown, but not painted onto a text that does not hold them."""
    view = view_of(dicom_assessment(), "Something else entirely, typed later.")

    assert not any(segment.standing for segment in view.segments)
    assert "not the one that was judged" in view.notices[0].messages[0]
    assert view.answer_title == "Your answer"


def test_a_rubric_that_has_changed_does_not_break_an_old_assessment() -> None:
    """A criterion that the rubric no longer has is shown without descriptor."""
    old = [item.model_copy(update={"id": f"old-{item.id}"}) for item in criteria()]

    assert [item.descriptor for item in view_of(dicom_assessment(criteria=old)).criteria] == ["", "", ""]


def test_the_models_comment_is_shown_where_something_is_to_do() -> None:
    """A reason is given for what is partly there or missing, not for what is earned."""
    commented = criteria()
    for item in commented:
        for check in item.checks:
            check.comment = f"about {check.id}"
    points = {p.check_id: p for c in view_of(dicom_assessment(criteria=commented)).criteria for p in c.points}

    assert points["device-configuration"].comment == "about device-configuration"
    assert points["file-and-network"].comment == ""


def test_a_quote_shown_before_is_referred_to() -> None:
    """The second point with the same sentence names the first one's marker."""
    points = {p.check_id: p for c in view_of(dicom_assessment()).criteria for p in c.points}

    assert points["header-tags"].same_as == "[2]"
    assert points["file-and-network"].same_as is None


def test_every_string_of_a_view_is_fit_for_display() -> None:
    """Foreign text anywhere in the assessment loses its control characters."""
    evil = "x\x1b]0;evil\x07"
    assessment = dicom_assessment(
        strengths=[evil],
        improvements=[Improvement(check_id=evil, advice=evil, gain=1)],
        follow_up=evil,
        outline=f"{evil}\n{evil}",
        warnings=[AssessmentWarning(code="x", message=evil)],
        review_reasons=[evil],
        receipt=receipt(model=evil, endpoint=evil, judge=evil),
    )

    shown = repr(view_of(assessment, ANSWER + evil))
    assert "\\x1b" not in shown
    assert "\\x07" not in shown
