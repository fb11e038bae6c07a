"""Tests of coach.compare.claim_numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.compare.claim_numbers import known_numbers, numbers_in


def found(text: str, *known: str) -> list[str]:
    """Return the new numbers of one sentence, as the report names them."""
    return [text[start:end] for start, end in numbers_in(text, known_numbers(known))]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("We lost 37 studies that night.", ["37 studies"]),
        ("It fell from 40 % to 12%.", ["40 %", "12%"]),
        ("That saved $20,000 in 2019.", ["$20,000", "2019"]),
        ("I moved 500GB in a 24-hour window.", ["500GB", "24-hour"]),
        ("About forty studies failed, and twenty-five were lost.", ["forty studies", "twenty-five"]),
        ("We keep two hundred workstations and a dozen servers.", ["two hundred workstations", "dozen servers"]),
        ("It is used by 40 thousand people.", ["40 thousand people"]),
        ("Four nurses called.", ["Four nurses"]),
        ("TLS 1.3 was switched on at 08:30.", ["1.3", "08:30"]),
    ],
)
def test_numbers_are_named_with_what_they_count(text: str, claims: list[str]) -> None:
    """A number in digits or words is a fact, and is told together with its unit or the word that it counts."""
    assert found(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "One of them called me, and two did not.",
        "There are three things to do, in four steps.",
        "Step 3 is the phase 2 of the question 5.",
        "1. First I look at the log.",
        "I do 1) this and 2) that.",
        "I am 100 % sure, a hundred percent.",
        "The 3rd and the 21st time it worked 24/7.",
        "HL7, PS3.4, AES-256 and C3PO are names.",
        "Hundreds of studies and dozens of people.",
        "All three of us agreed.",
    ],
)
def test_what_only_counts_off_is_no_fact(text: str) -> None:
    """List numbers, ordinals, small numbers in words and idioms raise no alarm."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("We lost forty studies.", "We lost 40 studies."),
        ("We lost 40 studies.", "Forty of them were lost."),
        ("It holds 1,200 GB.", "It holds 1200 GB."),
        ("It holds 40,000 files.", "It holds 40 thousand files."),
        ("It fell by 12.50 %.", "It fell by 12.5 percent."),
        ("At 08:30 it was over.", "It ended at 08:30."),
    ],
)
def test_a_number_written_in_another_way_is_not_new(text: str, known: str) -> None:
    """Words or digits, with or without separators: the same value is the same fact."""
    assert found(text, known) == []
    assert found(text) != []


def test_a_number_is_told_once() -> None:
    """The second mention of a number is no second claim."""
    assert found("We lost 37 studies, and the 37 patients were called.") == ["37 studies"]


@given(st.text(alphabet="0123456789,.:%$ -/()abEmiofhundred", max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    """Odd numbers break nothing, and every claim lies in the text."""
    assert all(0 <= start < end <= len(text) for start, end in numbers_in(text, set()))
