"""Tests of coach.submit.changes."""

from __future__ import annotations

from assessment_factory import VERDICTS, criteria, dicom_assessment
from comparison_cases import KEYWORDS, NEW, OLD, compared, keyword_judge

from coach.compare.result import Comparison
from coach.judge.judging import Verdict
from coach.judge.signals import verdict_of
from coach.submit.assessment import Assessment
from coach.submit.changes import CLEAR_MOVE, CheckChange, check_changes, left_out_checks
from coach.submit.feedback import STEPS

MET, PARTLY, NOT_MET = Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET


def ids(changes: list[CheckChange]) -> list[str]:
    """Return the checks that changed."""
    return [change.check_id for change in changes]


def with_verdicts(**changed: tuple[Verdict, float]) -> Assessment:
    """Return the realistic assessment with other verdicts (names with underscores)."""
    verdicts = {name.replace("_", "-"): (*verdict, ()) for name, verdict in changed.items()}
    return dicom_assessment(criteria=criteria({**VERDICTS, **verdicts}))


def test_lost_and_gained_have_the_sentence_that_did_it() -> None:
    """A loss quotes the sentence that was cut, a gain the one that was added, each verbatim in its own text."""
    comparison = compared()
    (lost,) = comparison.lost
    gained = {change.check_id: change for change in comparison.gained}

    assert (lost.check_id, lost.old_verdict, lost.new_verdict) == ("transfer-services", MET, NOT_MET)
    assert [quote.quote for quote in lost.old_evidence] == ["A CT sends its images with C-STORE to the archive."]
    assert lost.new_evidence == []
    assert lost.points < 0
    assert gained.keys() == {"own-example", "conformance-statement", "modality-worklist"}
    for change in comparison.changes():
        assert all(OLD[quote.start : quote.end] == quote.quote for quote in change.old_evidence)
        assert all(NEW[quote.start : quote.end] == quote.quote for quote in change.new_evidence)


def test_what_moved_most_points_comes_first() -> None:
    """Gains are told in the order of what they brought."""
    points = [change.points for change in compared().gained]

    assert points == sorted(points, reverse=True)
    assert min(points) > 0


def test_half_a_step_is_a_gain() -> None:
    """From not met to partly is a gain; the check stays on the way to be completed."""
    gained = {change.check_id: change for change in compared().gained}

    assert (gained["modality-worklist"].old_verdict, gained["modality-worklist"].new_verdict) == (NOT_MET, PARTLY)


def test_red_flags_that_went_away_or_appeared_are_no_losses_or_gains() -> None:
    """A wrong statement has lists of its own, in both directions."""
    there, back = compared(), compared(NEW, OLD)

    assert ids(there.red_flags_gone) == ids(back.red_flags_appeared) == ["guaranteed-plug-and-play"]
    assert there.red_flags_gone[0].points == -back.red_flags_appeared[0].points > 0
    assert there.red_flags_appeared == back.red_flags_gone == []


def test_swapping_the_versions_swaps_gained_and_lost() -> None:
    """Every gain is a loss from the other side, with the same points."""
    there, back = compared(), compared(NEW, OLD)

    def told(changes: list[CheckChange]) -> dict[str, tuple[float, Verdict, Verdict]]:
        return {change.check_id: (change.points, change.old_verdict, change.new_verdict) for change in changes}

    def mirrored(changes: list[CheckChange]) -> dict[str, tuple[float, Verdict, Verdict]]:
        return {change.check_id: (-change.points, change.new_verdict, change.old_verdict) for change in changes}

    assert told(back.lost) == mirrored(there.gained)
    assert told(back.gained) == mirrored(there.lost)


def test_a_verdict_that_flipped_by_noise_did_not_change() -> None:
    """A probability that crosses a threshold by no more than rewording can move it is neither gain nor loss."""
    near, far = 0.65 - CLEAR_MOVE + 0.01, 0.65 - CLEAR_MOVE - 0.01
    old = with_verdicts(header_tags=(MET, 0.65), transfer_services=(MET, 0.65))
    new = with_verdicts(header_tags=(verdict_of(near), near), transfer_services=(verdict_of(far), far))

    assert ids(check_changes(old, new, {}).lost) == ["transfer-services"]
    assert ids(check_changes(new, old, {}).gained) == ["transfer-services"]


def test_a_probability_that_moved_within_its_verdict_did_not_change() -> None:
    """A point that was met before and is met now is no gain, however much surer the judge is."""
    old, new = with_verdicts(header_tags=(MET, 0.61)), with_verdicts(header_tags=(MET, 0.99))

    assert check_changes(old, new, {}).ids() == set()


def test_checks_that_could_not_be_judged_are_left_out_and_named() -> None:
    """An unjudged check is neither gained nor lost nor missing, and the comparison says why."""
    judge = keyword_judge(unjudged=frozenset({"transfer-services", "own-example"}))
    comparison = compared(judge=judge)

    assert comparison.changes()
    assert {change.check_id for change in comparison.changes()}.isdisjoint(judge.unjudged)
    assert {item.check_id: item.reason for item in comparison.left_out} == dict.fromkeys(
        judge.unjudged, "not judged in both versions: the model's reply could not be read"
    )
    assert "transfer-services" not in ids(comparison.still_missing)


def test_a_check_that_one_version_was_not_judged_by_is_left_out() -> None:
    """Assessments under two versions of a rubric are compared by the checks that both have."""
    old, new = dicom_assessment(), dicom_assessment()
    first = old.criteria[0].checks.pop(0)

    assert ("result-stated", "not judged in both versions: the model's reply could not be read") in [
        (item.check_id, item.reason) for item in left_out_checks(old, new)
    ]
    assert (first.id, "only the new version was judged by this check") in [
        (item.check_id, item.reason) for item in left_out_checks(old, new)
    ]
    assert (first.id, "only the old version was judged by this check") in [
        (item.check_id, item.reason) for item in left_out_checks(new, old)
    ]


def test_still_missing_is_about_the_new_version_best_first() -> None:
    """What neither version shows is listed, what can bring most first; what changed is not listed again."""
    comparison = compared()
    gains = {item.check_id: item.gain for item in comparison.next_advice}

    assert "result-stated" in ids(comparison.still_missing)
    assert set(ids(comparison.still_missing)).isdisjoint(change.check_id for change in comparison.changes())
    found = [gains[name] for name in ids(comparison.still_missing)]
    assert found == sorted(found, reverse=True)


def test_a_red_flag_that_stayed_is_named() -> None:
    """A wrong statement that stands in both versions still has to go."""
    comparison = compared(OLD, OLD + " Last year I connected a scanner.")

    assert ids(comparison.red_flags_remaining) == ["guaranteed-plug-and-play"]


def followed(comparison: Comparison) -> dict[str, tuple[bool, float]]:
    """Return the advice that was followed: whether it is complete, and what it brought."""
    return {item.check_id: (item.complete, item.points) for item in comparison.followed_advice}


def test_advice_that_was_followed_is_acknowledged_and_not_given_again() -> None:
    """What the old version was advised and the new one does is told once, with what it brought."""
    comparison = compared()

    assert followed(comparison)["own-example"] == (True, comparison.gained[0].points)
    assert "guaranteed-plug-and-play" in followed(comparison)
    assert followed(comparison).keys().isdisjoint(item.check_id for item in comparison.next_advice)
    assert comparison.next_advice[0].check_id == "result-stated"


def test_advice_that_was_not_shown_is_not_called_followed() -> None:
    """A report names the first steps only; what the candidate found without them is gained, and was not advised."""
    comparison = compared()

    assert "modality-worklist" in ids(comparison.gained)
    assert len(followed(comparison).keys() - set(ids(comparison.red_flags_gone))) <= STEPS
    assert "modality-worklist" not in followed(comparison)


def test_advice_followed_halfway_says_what_is_left() -> None:
    """A point that is now partly there is acknowledged with the points that completing it can bring."""
    plain = {**KEYWORDS, "guaranteed-plug-and-play": {}, "own-example": {"I connected": 0.5}}
    comparison = compared(judge=keyword_judge(keywords=plain))
    (item,) = (item for item in comparison.followed_advice if item.check_id == "own-example")

    assert not item.complete
    assert item.gain_left > 0.5
    assert "own-example" not in [advice.check_id for advice in comparison.next_advice]
