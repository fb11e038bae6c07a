"""How many telling words two texts share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.judge.key_words import KeyWords

TEXTS = ["I compared the conformance statements.", "I compared the prices.", "I compared two vendors."]


def test_a_word_that_few_texts_hold_counts_more() -> None:
    """ "conformance" tells the first text from the others, "compared" does not."""
    words = KeyWords(TEXTS, "What is DICOM?")

    assert words.shares("The conformance was checked.")[TEXTS[0]] > words.shares("We compared it.")[TEXTS[0]]


def test_words_of_the_question_prove_nothing() -> None:
    """An answer that repeats the question shares nothing with what is asked for."""
    words = KeyWords(["Compared prices"], "Have you compared prices?")

    assert words.shares("I have compared prices.") == {"Compared prices": 0.0}


def test_the_same_text_shares_everything() -> None:
    """All words are found, in any case."""
    assert KeyWords(TEXTS, "").shares(TEXTS[0].upper())[TEXTS[0]] == pytest.approx(1.0)


@given(st.lists(st.text(max_size=30), max_size=4), st.text(max_size=20), st.text(max_size=60), st.text(max_size=60))
def test_more_text_never_shares_less(texts: list[str], question: str, source: str, more: str) -> None:
    """Every share lies between 0 and 1 and can only rise with further sentences."""
    words = KeyWords(texts, question)
    before, after = words.shares(source), words.shares(f"{source} {more}")

    assert all(0.0 <= before[text] <= after[text] + 1e-12 <= 1.0 + 1e-9 for text in texts)
