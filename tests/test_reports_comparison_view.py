"""Tests of coach.compare.comparison_view and coach.compare.comparison_words."""

from __future__ import annotations

import dataclasses
import re

import pytest
from comparison_cases import NEW, OLD, REWORDED, compared
from comparison_views import (
    example_view,
    hostile_view,
    improved,
    improved_view,
    other_numbers,
    unchanged_view,
    unscored_view,
    view_of,
    worse_view,
)

from coach.compare.comparison import Comparison
from coach.compare.comparison_view import ComparisonView
from coach.compare.comparison_words import difference_text, explanation, points_text, signed
from coach.report.document import Standing


def titles(view: ComparisonView) -> list[str]:
    """Return the headings of the groups of changes."""
    return [group.title for group in view.groups]


def test_what_was_lost_comes_first() -> None:
    """Even in an improved answer the regression is the first thing to read, and its number is the first."""
    view = improved_view()

    assert titles(view) == ["Lost: put this back first", "Gained", "Gone: this no longer counts against you"]
    assert view.groups[0].changes[0].number == 1
    assert view.explanation.endswith("It also lost something; that stands first.")
    assert view.groups[0].changes[0].quotes[0].part == "old"


def test_a_worse_answer_says_what_to_put_back() -> None:
    """Losses and a new wrong statement stand before the gain, in a tone that says what to do."""
    view = worse_view()

    assert titles(view) == ["Lost: put this back first", "New, and it counts against you", "Gained"]
    assert (view.verdict, view.tone) == ("Worse", Standing.AGAINST)
    assert "putting it back is the quickest way up" in view.explanation


def test_no_clear_change_is_honest_and_kind() -> None:
    """It is neither sold as progress nor held against the candidate, and the next step is named."""
    view = unchanged_view()

    assert (view.verdict, view.tone) == ("No clear change", Standing.PARTLY)
    assert view.difference == "no points more or fewer"
    assert "says nothing against your work" in view.explanation
    assert "steps below" in view.explanation
    assert view.steps


def test_the_same_text_is_called_the_same() -> None:
    """Handing in the same file twice is told plainly."""
    assert explanation(compared(OLD, OLD)) == "The two texts are the same."


def test_gains_and_losses_that_even_out_are_both_told() -> None:
    """When what was gained was paid for with what was lost, the way to a better version is to keep both."""
    comparison = improved().model_copy(update={"verdict": "no_clear_change"})

    assert "Put back what was lost" in explanation(comparison)


def test_a_new_mistake_explains_a_worse_version() -> None:
    """Where nothing was lost but something wrong was added, the advice is to take it out."""
    comparison = compared(NEW, NEW + " All devices work together without any test.")

    assert comparison.verdict == "worse"
    assert "taking it out is the quickest way up" in explanation(comparison)


def test_without_a_verdict_the_reason_stands_there() -> None:
    """An empty version is not compared, and the report says why and what is still missing."""
    view = unscored_view()

    assert (view.verdict, view.difference) == ("Not compared", "")
    assert "first.md: The answer is empty." in view.explanation
    assert view.versions[0].standing == "Not scored: The answer is empty."
    assert view.missing is not None
    assert view.groups == ()


def test_an_example_is_labelled_as_one_example() -> None:
    """The words never call it the right answer, and nothing is called lost or put back."""
    view = example_view()

    assert "one example" in view.example_note
    assert "not the right answer" in view.example_note
    assert view.verdict == "The example shows more"
    assert [version.part for version in view.versions] == ["Your answer", "Example"]
    assert not [title for title in titles(view) if "Lost" in title or "Gained" in title]
    assert "Put back" not in [step.verb for step in view.steps]
    assert improved_view().example_note == ""


def test_advice_that_was_followed_is_acknowledged_at_its_gain() -> None:
    """The candidate reads that following the advice worked, where it worked."""
    notes = {change.statement: change.note for group in improved_view().groups for change in group.changes}

    assert list(notes.values()).count("You followed the advice on this.") == 2


def test_a_step_about_a_loss_says_put_back() -> None:
    """The advice on a check that was lost is to put it back, not to add it."""
    verbs = [step.verb for step in improved_view().steps]

    assert verbs == ["Add", "Add", "Put back"]


def test_what_is_missing_points_to_its_step() -> None:
    """A missing point whose advice stands above is not explained twice."""
    view = improved_view()
    assert view.missing is not None

    assert [change.step for change in view.missing.changes][:3] == ["see step 1", "see step 2", ""]


def test_unjudged_checks_are_named() -> None:
    """What could not be compared is listed with its reason."""
    ((statement, reason),) = unchanged_view().left_out

    assert statement.startswith("Describes something specific")
    assert "could not be read" in reason


def test_facts_of_one_sentence_are_told_together() -> None:
    """A sentence with two new facts is quoted once."""
    (claim,) = improved_view().claims

    assert claim.claims == ("14 scanners", "Siemens")
    assert claim.quote == "Last year I connected 14 scanners from Siemens."


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two comparisons that differ in all numbers but in no words give the same view in words."""
    view = improved_view(show_score=False)

    assert view == view_of(other_numbers(improved()), show_score=False)
    shown = [view.verdict, view.difference, view.explanation, view.rule, *(v.standing for v in view.versions)]
    shown += [change.points for group in view.groups for change in group.changes]
    assert not re.search(r"\d", " ".join(shown))


def test_a_quote_that_both_versions_have_is_given_once() -> None:
    """A sentence that stands in both texts is not quoted twice."""
    (group,) = [group for group in unchanged_view().groups if group.title == "Still counts against you"]

    assert [quote.part for quote in group.changes[0].quotes] == ["both"]


def test_every_string_is_fit_for_display() -> None:
    """No control character of a foreign text reaches a writer."""

    def strings(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if dataclasses.is_dataclass(value):
            return [text for field in dataclasses.fields(value) for text in strings(getattr(value, field.name))]
        return [text for item in value for text in strings(item)] if isinstance(value, tuple) else []

    found = strings(hostile_view())

    assert len(found) > 50
    assert not [text for text in found for char in text if not char.isprintable() and char not in "\n\u2060"]


@pytest.mark.parametrize(
    ("points", "difference", "sign", "change"),
    [
        (11.2, "11 points more", "+11", "+11 points"),
        (-1.0, "1 point fewer", "-1", "-1 point"),
        (0.4, "no points more or fewer", "0", ""),
        (-0.4, "no points more or fewer", "0", ""),
    ],
)
def test_points_are_told_as_people_say_them(points: float, difference: str, sign: str, change: str) -> None:
    """Whole points, with sign or in words; less than half a point is none."""
    assert (difference_text(points), signed(points), points_text(points)) == (difference, sign, change)


def test_the_receipts_of_both_versions_are_shown() -> None:
    """Who judged the old version and who the new one, each at what cost."""
    lines = [" ".join(parts) for parts in improved_view().receipt]

    assert lines[0].startswith("Old: Judged by scripted-model")
    assert any(line.startswith("New: Judged by scripted-model") for line in lines)


def test_the_verdict_of_a_rewording_is_no_clear_change() -> None:
    """A harmless rewording gives the verdict that the report is kind about."""
    comparison: Comparison = compared(OLD, REWORDED)

    assert comparison.verdict == "no_clear_change"
