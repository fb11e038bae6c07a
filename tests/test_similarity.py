"""The lexical measure compares two texts by the words they share, rare words counting more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.judge.similarity import LexicalSimilarity, stems

TEXTS = st.lists(st.text(st.sampled_from("abc -\né我"), max_size=20), max_size=6)


@given(TEXTS, TEXTS)
def test_the_matrix_has_a_row_for_each_text_and_values_from_zero_to_one(rows: list[str], columns: list[str]) -> None:
    """The shape follows the lists, also when one is empty, and no value leaves the scale."""
    matrix = LexicalSimilarity().matrix(rows, columns)

    assert [len(row) for row in matrix] == [len(columns)] * len(rows)
    assert all(-1e-9 <= value <= 1 + 1e-9 for row in matrix for value in row)


@given(TEXTS)
def test_a_text_is_most_like_itself_and_likeness_has_no_direction(texts: list[str]) -> None:
    """The diagonal is 1 for every text with words, and the matrix is symmetric."""
    matrix = LexicalSimilarity().matrix(texts, texts)

    for i, text in enumerate(texts):
        assert matrix[i][i] == pytest.approx(1 if stems(text) else 0)
        for j in range(len(texts)):
            assert matrix[i][j] == pytest.approx(matrix[j][i])


def test_the_right_statement_is_the_nearest() -> None:
    """A sentence about a subject is nearest to the statement about that subject."""
    statements = [
        "Describes connecting a device by setting AE title, IP address and port.",
        "Says they compare conformance statements before a device is bought.",
        "Names an image transfer service and says what it does.",
    ]
    sentence = "I entered the AE title, the address and the port of the new device."

    [row] = LexicalSimilarity().matrix([sentence], statements)

    assert max(range(3), key=lambda column: row[column]) == 0


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    """Sharing what few texts have says more than sharing what all have."""
    rows = ["archive worklist"]
    columns = ["worklist colour", "archive colour", "archive sound", "archive taste"]

    [row] = LexicalSimilarity().matrix(rows, columns)

    assert row[0] > row[1]


def test_stems_fold_case_forms_and_drop_what_says_nothing() -> None:
    """Forms of a long word meet in one stem; words such as "the" and "we" are left out."""
    assert stems("We CONFIGURED the configuration") == ["config", "config"]
    assert stems("The and of") == []
    assert stems("C-STORE") == ["c-stor"]
