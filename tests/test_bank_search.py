"""A question is found by id, number or text, and a near miss names the nearest ids."""

from __future__ import annotations

import pytest
from assessment_factory import shipped_bank
from hypothesis import given
from hypothesis import strategies as st

from coach.bank.find import find_question, nearest_ids
from coach.errors import UnknownQuestionError


@pytest.mark.parametrize("wanted", ["dicom-standard", "1", " DICOM-Standard ", "1."])
def test_a_question_is_found_by_id_or_number(wanted: str) -> None:
    """Case, blanks around it and a final dot do not matter."""
    assert find_question(shipped_bank(), wanted).id == "dicom-standard"


def test_every_question_is_found_by_its_own_text() -> None:
    """The text may be pasted with other line breaks, in any case, without its question mark."""
    for question in shipped_bank().questions:
        pasted = question.text.replace(" ", "\n  ").upper().rstrip("?")

        assert find_question(shipped_bank(), pasted) is question


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("dicom", "dicom-standard"),
        ("hippa", "security-hipaa"),
        ("upgrade", "upgrade-migration"),
        ("outtage", "system-outage"),
    ],
)
def test_a_near_miss_names_what_may_be_meant(wanted: str, meant: str) -> None:
    """The error repeats what was typed, suggests the likely id first, and says how to list all."""
    with pytest.raises(UnknownQuestionError) as caught:
        find_question(shipped_bank(), wanted)

    assert repr(wanted) in caught.value.message
    assert caught.value.hint.startswith(f"Did you mean {meant}")
    assert "coach questions" in caught.value.hint


@given(st.text(max_size=40))
def test_whatever_is_typed_gets_an_answer_or_suggestions(wanted: str) -> None:
    """Any text either finds a question or names three that exist."""
    ids = [question.id for question in shipped_bank().questions]
    nearest = nearest_ids(shipped_bank(), wanted)

    assert len(nearest) == 3
    assert set(nearest) <= set(ids)
    assert len(nearest_ids(shipped_bank(), wanted, count=99)) == len(ids)
