"""Tests of coach.batch.inputs.layout."""

from __future__ import annotations

import pytest
from assessment_factory import shipped_bank
from batch_factory import text_of

from coach.batch.inputs.inputs import answer_columns
from coach.batch.inputs.layout import Row, TableLayout, find_layout
from coach.batch.rows import ColumnMatch

COLUMNS = answer_columns(shipped_bank())


def layout(*header: str) -> TableLayout:
    """Return the layout under a header that must be known."""
    found = find_layout([header], COLUMNS)
    assert found is not None
    return found


def test_a_long_table_is_known_by_question_and_answer() -> None:
    """Question and answer columns make a table long, whatever their order, case and spelling."""
    found = layout("Answer", "Score", "Question ID", "Candidate", "id")

    assert not found.questions
    assert found.roles == {"question_id": 2, "answer": 0, "candidate": 3, "id": 4}
    assert found.ignored == ("Score",)


def test_a_wide_table_says_which_header_matched_what() -> None:
    """Every known header is reported with its question and how it was recognised; others are ignored."""
    found = layout("Timestamp", "Name", "dicom-standard", "Q2", text_of(3), text_of(5)[:40] + "…", "dicom-standrad")

    assert list(found.questions.values()) == [
        ColumnMatch("dicom-standard", "dicom-standard", "id"),
        ColumnMatch("Q2", "hl7-integration", "number"),
        ColumnMatch(text_of(3), "security-hipaa", "text"),
        ColumnMatch(text_of(5)[:40] + "…", "database-management", "start of the text"),
    ]
    assert found.ignored == ("Timestamp", "dicom-standrad")
    assert [(miss.header, miss.question_ids[0]) for miss in found.near_misses] == [("dicom-standrad", "dicom-standard")]


def test_the_first_name_for_the_candidate_wins() -> None:
    """The contract's own name is preferred to other columns that may name a person."""
    assert layout("Email Address", "candidate", "Q1").roles == {"candidate": 1}
    assert layout("Email Address", "Q1").roles == {"candidate": 0}


def test_a_quiz_export_is_read_from_its_responses() -> None:
    """Beside ``Response 1`` the column ``Question 1`` holds no answer."""
    found = layout("Name", "Question 1", "Response 1")

    assert list(found.questions) == [2]
    assert found.ignored == ("Question 1",)


def test_unknown_columns_have_no_layout() -> None:
    """A table without any known column is not guessed at."""
    assert find_layout([["Name", "Score"]], COLUMNS) is None
    assert find_layout([[]], COLUMNS) is None


def test_a_header_may_stand_below_a_title() -> None:
    """Rows with fewer cells before the header are skipped."""
    found = find_layout([["Interviews 2026", "", ""], [], ["Name", "Q1", "Q2"], ["Ann", "x", "y"]], COLUMNS)

    assert found is not None
    assert (len(found.questions), found.header_index) == (2, 2)


@pytest.mark.parametrize(
    "rows",
    [
        [["ann", "dicom-standard", "An answer"], ["bob", "hl7-integration", "Another"]],
        [["who", "which", "what"], ["ann", "dicom-standard", "An answer"]],
        [["name", "score"], ["ann", "3"], ["bob", "5"]],
        [["ann", "3", "An answer"], ["bob", "4", "Another"]],
    ],
)
def test_rows_of_data_are_not_taken_for_a_header(rows: list[list[str]]) -> None:
    """A table without a known header is refused instead of losing most of its columns."""
    assert find_layout(rows, COLUMNS) is None


def test_a_wide_row_gives_one_answer_per_filled_cell() -> None:
    """Empty and missing cells come as such; the candidate and the row's id go with every answer."""
    found = list(layout("id", "name", "Q1", "Q2", "Q3").rows(["7", " Ann ", "First", "  "], "t.csv", 4))

    values = {"row": "7", "candidate": " Ann ", "question_id": "dicom-standard", "answer": "First"}
    assert found == [Row("t.csv", 4, values), Row("t.csv", 4), Row("t.csv", 4)]


def test_a_long_row_keeps_its_answer_as_it_stands() -> None:
    """Spaces and line ends of the answer stay; an empty answer is an answer too."""
    found = layout("candidate", "question_id", "answer")

    for answer in (" a\n b ", ""):
        (row,) = found.rows(["Ann", " 3 ", answer], "t.csv", 2)
        assert row.values == {"candidate": "Ann", "question_id": " 3 ", "answer": answer}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["Ann", "3", "Hello", " world"], "4 cells where the header has 3"),
        (["Ann", "3"], "ends before the column 'answer'"),
        (["Ann", "3", "#NAME?"], "spreadsheet error #NAME?"),
    ],
)
def test_a_row_that_would_be_graded_wrongly_is_a_problem(cells: list[str], words: str) -> None:
    """A cut answer and a spreadsheet's error are reported, not graded."""
    (row,) = layout("candidate", "question_id", "answer").rows(cells, "t.csv", 9)

    assert (row.source, row.line, row.values) == ("t.csv", 9, None)
    assert words in (row.problem or "")


def test_blank_rows_and_empty_cells_at_the_end_are_nothing() -> None:
    """A blank row yields nothing; empty cells beyond the header do no harm."""
    found = layout("candidate", "question_id", "answer")

    assert list(found.rows(["", " ", ""], "t.csv", 2)) == []
    assert len(list(found.rows(["Ann", "3", "Hello", "", " "], "t.csv", 2))) == 1


def test_roles_take_the_contracts_names_first() -> None:
    """``question_id`` wins over ``question``, and other keys have no role."""
    assert COLUMNS.roles(["question", "question_id", "answer", "note"]) == {"question_id": 1, "answer": 2}
