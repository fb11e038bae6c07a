"""Tests of coach.report.words."""

from __future__ import annotations

import pytest
from assessment_factory import dicom_rubric, receipt

from coach.report.document import Standing
from coach.report.words import (
    check_text,
    counted,
    gain_text,
    level_word,
    opening,
    receipt_lines,
    steps_title,
    whole,
)


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


def test_the_receipt_says_who_judged_where_and_at_what_cost() -> None:
    """The first line names model, endpoint, time, tokens and cost in words."""
    first, _ = receipt_lines(receipt(model="small", endpoint="http://127.0.0.1:8080/v1"))

    assert " · ".join(first) == (
        "Judged by small at http://127.0.0.1:8080/v1 in 6.2 seconds · 1,234 tokens read (900 cached), 14 written "
        "· cost: none (your own machine)"
    )


def test_the_receipt_says_how_to_judge_the_same_way_again() -> None:
    """The second line names method, prompts, program, calibration and time."""
    _, second = receipt_lines(receipt(calibration="mohler"))

    assert second == (
        "method logprobs",
        "prompts 1-3f9a2c",
        "coach 0.1.0",
        "calibration mohler",
        "2026-11-24 03:40 UTC",
    )


@pytest.mark.parametrize(
    ("endpoint", "cost", "text"),
    [
        ("http://localhost:11434/v1", 0.0, "none (your own machine)"),
        ("http://[::1]:8080", 0.0, "none (your own machine)"),
        ("http://localhost:11434/v1", None, "none known (your own machine)"),
        ("https://api.openai.com/v1", None, "unknown (no price known for this model)"),
        ("https://api.openai.com/v1", 0.0, "none"),
        ("https://api.openai.com/v1", 1.234, "$1.23"),
        ("https://api.openai.com/v1", 0.00042, "$0.00042"),
        ("https://api.openai.com/v1", 0.0012, "$0.0012"),
        ("https://api.openai.com/v1", 0.000001, "less than $0.00001"),
    ],
)
def test_an_unknown_price_is_never_shown_as_free(endpoint: str, cost: float | None, text: str) -> None:
    """Cost is free only when it is known to be nothing."""
    assert receipt_lines(receipt(endpoint=endpoint, cost_usd=cost))[0][-1] == f"cost: {text}"


def test_what_the_endpoint_did_not_count_is_left_out() -> None:
    """Unknown token counts are not shown as zero."""
    first, _ = receipt_lines(receipt(input_tokens=None, cached_tokens=None, output_tokens=None))

    assert not any("token" in part for part in first)


def test_written_tokens_alone_are_named_as_tokens() -> None:
    """A count of written tokens is understood without the count of read ones."""
    first, _ = receipt_lines(receipt(input_tokens=None, cached_tokens=None))

    assert "14 tokens written" in first


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 seconds"), (6.24, "6.2 seconds"), (59.97, "1 min 0 seconds"), (125.2, "2 min 5 seconds")],
)
def test_durations_are_rounded_for_people(seconds: float, text: str) -> None:
    """Tenths below a minute, whole seconds above."""
    assert receipt_lines(receipt(seconds=seconds))[0][0].endswith(f" in {text}")


def test_a_receipt_without_verdicts_claims_none() -> None:
    """Where nothing was judged the receipt says so, and says when the answer was not even sent."""
    unasked = receipt(input_tokens=0, cached_tokens=0, output_tokens=0)
    unknown = receipt(model="small", endpoint="http://here/v1", input_tokens=None, output_tokens=None, cost_usd=None)

    assert receipt_lines(unasked, judged=False)[0] == ("No model was asked, and the answer was sent nowhere",)
    assert receipt_lines(unknown, judged=False)[0] == (
        "Nothing was judged by small at http://here/v1",
        "cost: unknown (no price known for this model)",
    )
