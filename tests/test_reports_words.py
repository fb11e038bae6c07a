"""Tests of coach.report.words."""

from __future__ import annotations

import pytest
from assessment_factory import dicom_rubric

from coach.report.words import Standing, check_text, counted, gain_text, level_word, opening, steps_title, whole


@pytest.mark.parametrize(
    ("gain", "text"),
    [
        (0.0, ""),
        (0.3, "less than one point"),
        (0.5, "up to 1 point"),
        (1.5, "up to 2 points"),
        (9.41, "up to 9 points"),
    ],
)
def test_gains_read_as_people_say_them(gain: float, text: str) -> None:
    """A gain is a ceiling in whole points."""
    assert gain_text(gain) == text


def test_halves_are_rounded_up() -> None:
    """Rounding is the one that people expect."""
    assert [whole(number) for number in (0.5, 1.5, 2.5, 61.49)] == [1, 2, 3, 61]


def test_a_level_has_the_rubrics_word_when_its_criteria_agree() -> None:
    """The rubric's own titles are used for the whole answer; where they differ, plain words are."""
    rubric = dicom_rubric()
    first, *others = rubric.criteria
    levels = [level.model_copy(update={"title": f"Own {level.level}"}) for level in first.levels]
    mixed = rubric.model_copy(update={"criteria": [first.model_copy(update={"levels": levels}), *others]})
    own = rubric.model_copy(update={"criteria": [first.model_copy(update={"levels": levels})]})

    assert level_word(3, own) == "Own 3"
    assert level_word(3, mixed) == "Solid"


def test_headings_count_the_steps() -> None:
    """The heading promises as many steps as there are."""
    assert steps_title(1) == "The step that would help most"
    assert steps_title(3) == "The three steps that would help most"


def test_the_opening_is_never_kinder_than_the_level() -> None:
    """A low level is not called solid or strong, and several red flags are counted."""
    assert not any(word in opening(level, 0) for level in (0, 1, 2) for word in ("solid", "strong"))
    assert "Two statements would count against you" in opening(3, 2)


def test_things_are_counted_as_people_do() -> None:
    """Only one thing has no plural."""
    assert [counted(number, "answer") for number in (0, 1, 2)] == ["0 answers", "1 answer", "2 answers"]


def test_a_red_flag_is_named_among_points() -> None:
    """Only a red flag has a label, as its statement is no praise."""
    assert check_text("red_flag", "Blames others.") == "Red flag: Blames others."
    assert check_text("point", "Names a log.") == "Names a log."


def test_standings_have_an_order() -> None:
    """What was earned stands first, what was not judged last."""
    assert sorted(Standing, key=lambda standing: standing.rank) == list(Standing)
    assert (Standing.EARNED.rank, Standing.UNJUDGED.rank) == (0, 4)
