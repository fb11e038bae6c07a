"""Tests of coach.report.receipt_text."""

from __future__ import annotations

import pytest
from assessment_factory import receipt

from coach.report.receipt_text import cost_text, receipt_lines, seconds_text


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
    assert cost_text(receipt(endpoint=endpoint, cost_usd=cost)) == text


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
    assert seconds_text(seconds) == text


def test_a_hostile_endpoint_name_cannot_steer_the_terminal() -> None:
    """Names in a receipt are made fit for display."""
    first, second = receipt_lines(receipt(model="m\x1b[2J", created_at="yesterday\x07"))

    assert "\x1b" not in "".join(first)
    assert "yesterday\u2407" in second


def test_a_receipt_without_verdicts_claims_none() -> None:
    """Where nothing was judged the receipt says so, and says when the answer was not even sent."""
    unasked = receipt(input_tokens=0, cached_tokens=0, output_tokens=0)
    unknown = receipt(model="small", endpoint="http://here/v1", input_tokens=None, output_tokens=None, cost_usd=None)

    assert receipt_lines(unasked, judged=False)[0] == ("No model was asked, and the answer was sent nowhere",)
    assert receipt_lines(unknown, judged=False)[0] == (
        "Nothing was judged by small at http://here/v1",
        "cost: unknown (no price known for this model)",
    )
