"""Tests of coach.compare.claim_names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.compare.claim_names import known_words, names_in


def found(text: str, *known: str, language: str = "en") -> list[str]:
    """Return the new names of one sentence, as the report names them."""
    return [text[start:end] for start, end in names_in(text, known_words(known, text), language)]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Our archive was from Sectra at that time.", ["Sectra"]),
        ("We moved to Agfa Enterprise Imaging in May.", ["Agfa Enterprise Imaging"]),
        ("I wrote it in PowerShell and read the logs in Splunk.", ["PowerShell", "Splunk"]),
        ("The SIEM alerted us to Log4j.", ["SIEM", "Log4j"]),
        ("Splunk showed it, because iLO was off.", ["iLO"]),
        ("The archive (Sectra) was full.", ["Sectra"]),
    ],
)
def test_names_inside_a_sentence_are_found(text: str, claims: list[str]) -> None:
    """Capitalised words, acronyms and product-like spellings are names; names in a row are one."""
    assert found(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "The archive was full. Then I called. “We know”, they said: Nobody had seen it.",
        "- First, I look. **Result:** They were happy.",
        "On Monday in March I told Mr Smith's team that I'd do it, OK?".replace("Smith's ", ""),
        "WE HAD AN OUTAGE AND THE NAS WAS FULL",
        "Monitoring And Alerting In My Department",
        "Replace it by [Name of the Product] here.",
        "Our Team did it, and the team was proud.",
    ],
)
def test_a_capital_alone_is_no_name(text: str) -> None:
    """Beginnings of sentences, headings, weekdays, shouting, placeholders and emphasis raise no alarm."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("We use the DICOM standard.", "what is dicom?"),
        ("All CTs send with C-STORE.", "A CT sends images (c-store)."),
        ("It is Sectra's archive.", "The archive is from Sectra."),
        ("We use a C-FIND for that.", "cfind is used"),
        ("They came by Wi-Fi to us.", "wifi"),
    ],
)
def test_what_is_known_is_not_new(text: str, known: str) -> None:
    """Another spelling, a plural or a possessive of a known word is no new name."""
    assert found(text, known) == []
    assert found(text) != []


def test_a_name_is_told_once() -> None:
    """The second mention of a name is no second claim."""
    assert found("We use Splunk here, and I like Splunk there.") == ["Splunk"]


def test_where_all_nouns_have_capitals_only_spelling_tells() -> None:
    """In German a capital inside a sentence says nothing, but an acronym does."""
    assert found("Ich habe den Server im Keller mit der USV verbunden.", language="de") == ["USV"]


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    """No text breaks the search, and every name lies in the text."""
    assert all(0 <= start < end <= len(text) for start, end in names_in(text, known_words([], text), "en"))
