"""Tests of coach.calibrate.gold_files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gold_factory import gold_rows, write_gold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.batch.rows import RowProblem
from coach.calibrate.gold import GoldRow
from coach.calibrate.gold_files import load_gold, read_gold
from coach.errors import InputError

HEADER = "id,question,reference,answer,score,rater_1,rater_2,label\n"


def read(path: Path, content: str | bytes) -> list[GoldRow | RowProblem]:
    """Write a file and return what is read from it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_gold(path))


def row_of(item: GoldRow | RowProblem) -> GoldRow:
    """Return a usable row."""
    assert isinstance(item, GoldRow), item
    return item


def message_of(item: GoldRow | RowProblem) -> str:
    """Return a problem's message."""
    assert isinstance(item, RowProblem), item
    return item.message


def test_json_lines_are_read_back(tmp_path: Path) -> None:
    """Every field of the contract arrives, and blank lines do not count as rows."""
    rows = gold_rows(4)
    path = write_gold(tmp_path / "gold.jsonl", rows)
    path.write_text(path.read_text().replace("\n", "\n\n"))

    data = load_gold(path)

    assert data.problems == []
    assert [
        (r.row_id, r.answer, r.score, r.question, r.reference, r.rater_1, r.rater_2, r.label) for r in data.rows
    ] == [(r.row_id, r.answer, r.score, r.question, r.reference, r.rater_1, r.rater_2, r.label) for r in rows]
    assert [r.line for r in data.rows] == [1, 3, 5, 7]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_from_spreadsheets_are_read(tmp_path: Path, encoding: str, separator: str) -> None:
    """Byte-order marks, encodings, separators, quoted line breaks and decimal commas are as spreadsheets write them."""
    cells = ["a1", "What is it?", "Größe in Zügen.", '"first line\nsecond, ""third"""', '"3,5"', "3", "4", "ok"]
    text = HEADER.replace(",", separator) + separator.join(cells) + "\n"

    (item,) = read(tmp_path / "gold.csv", text.encode(encoding))

    row = row_of(item)
    assert (row.row_id, row.question, row.reference) == ("a1", "What is it?", "Größe in Zügen.")
    assert row.answer == 'first line\nsecond, "third"'
    assert (row.score, row.rater_1, row.rater_2, row.label, row.line) == (3.5, 3.0, 4.0, "ok", 2)


def test_the_separator_line_of_a_spreadsheet_is_understood(tmp_path: Path) -> None:
    """``sep=;`` announces the separator and is no header."""
    (item,) = read(tmp_path / "gold.csv", "sep=;\nanswer;score;question_id\nsome words;2;1\n")

    assert (row_of(item).question_id, row_of(item).line) == ("1", 3)


def test_column_names_are_matched_without_case_and_spaces(tmp_path: Path) -> None:
    """Usual names of data sets are known; other columns are ignored."""
    text = "Question Text,Reference Answer,Student Answer,Grade,Date\nWhat?,This is it all.,Some words,4,2020\n"

    (item,) = read(tmp_path / "gold.csv", text)

    row = row_of(item)
    assert (row.question, row.reference, row.answer, row.score) == ("What?", "This is it all.", "Some words", 4.0)
    assert row.row_id == "line-2"


def test_a_question_without_reference_names_a_question_of_the_bank(tmp_path: Path) -> None:
    """Only question and reference together bring a question of their own."""
    (item,) = read(tmp_path / "gold.jsonl", '{"question": "What is DICOM?", "answer": "A standard", "score": 1}\n')

    assert (row_of(item).question_id, row_of(item).question) == ("What is DICOM?", None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"answer": "a", "question_id": "1"}', "the row has no score"),
        ('{"answer": "a", "score": null, "question_id": "1"}', "the row has no score"),
        ('{"score": 1, "question_id": "1"}', "the row has no answer"),
        ('{"answer": "a", "score": 1}', "the row has neither question_id nor question and reference"),
        ('{"answer": "a", "score": "good", "question_id": "1"}', "score is not a number: 'good'"),
        ('{"answer": "a", "score": true, "question_id": "1"}', "score is not a number: 'True'"),
        ('{"answer": "a", "score": NaN, "question_id": "1"}', "score is not a mark: nan"),
        ('{"answer": "a", "score": 1e300, "question_id": "1"}', "score is not a mark: 1e+300"),
        ('{"answer": "a", "score": 1, "rater_2": "x", "question_id": "1"}', "rater_2 is not a number: 'x'"),
        ('{"answer": ["a"], "score": 1, "question_id": "1"}', "answer is not text"),
        ('{"answer": "a", ', "not valid JSON: Expecting property name enclosed in double quotes (column 16)"),
        ('["a"]', "the line is JSON, but not an object"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    """The rows around a broken one are read, and its problem names file and line."""
    good = '{"answer": "fine words", "score": 2, "question_id": "1"}'

    before, broken, after = read(tmp_path / "gold.jsonl", f"{good}\n{line}\n{good}\n")

    assert message_of(broken) == message
    assert isinstance(broken, RowProblem)
    assert (broken.source, broken.line) == (str(tmp_path / "gold.jsonl"), 2)
    assert (row_of(before).line, row_of(after).line) == (1, 3)


def test_broken_table_rows_are_told(tmp_path: Path) -> None:
    """A row that is too wide, too short, or whose quote never ends costs that row alone."""
    text = 'answer,score,question_id\na,1,1,more\nb\n"c,1,1\nd,2,1\n'

    wide, short, quote, good = read(tmp_path / "gold.csv", text)

    assert message_of(wide) == "the row has 4 cells where the header has 3"
    assert message_of(short) == "the row has no score"
    assert "quote is opened" in message_of(quote)
    assert (row_of(good).answer, row_of(good).line) == ("d", 5)


def test_an_empty_answer_is_a_marked_answer(tmp_path: Path) -> None:
    """People mark empty answers too; whether to judge them is not the reader's business."""
    (item,) = read(tmp_path / "gold.jsonl", '{"answer": null, "score": 0, "question_id": 3}\n')

    assert (row_of(item).answer, row_of(item).question_id) == ("", "3")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gold.jsonl", "", "no marked answer can be used: the file is empty"),
        ("gold.csv", "\n \n", "no marked answer can be used: the file is empty"),
        ("gold.jsonl", '{"a": 1}\n', "no marked answer can be used; line 1: the row has no answer"),
        ("gold.csv", "text,points\nx,1\n", "no columns answer and score; found 'text', 'points'"),
        ("gold.csv", HEADER, "no marked answer can be used"),
        ("gold.json", '[{"answer": "a"}]', "one JSON array, not JSON lines"),
    ],
)
def test_a_file_without_a_usable_row_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    """The error names the file and what was found, and the hint shows what a row needs."""
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(InputError) as raised:
        load_gold(path)

    assert str(path) in raised.value.message
    assert message in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are told, without a traceback."""
    with pytest.raises(InputError, match="cannot be read"):
        load_gold(tmp_path / name)


def test_rows_are_read_as_they_come(tmp_path: Path) -> None:
    """The first row is there before a broken end of the file is reached."""
    path = write_gold(tmp_path / "gold.jsonl", gold_rows(2))
    with path.open("ab") as file:
        file.write(b'{"answer": "torn')

    rows = read_gold(path)

    assert row_of(next(rows)).line == 1
    assert row_of(next(rows)).line == 2
    assert "not valid JSON" in message_of(next(rows))


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["answer", "score", "question_id", "question", "reference", "rater_1"]), VALUES
        ),
        max_size=5,
    )
)
def test_every_object_is_a_row_or_a_problem(tmp_path: Path, objects: list[dict[str, object]]) -> None:
    """Whatever the values, no line is lost and none raises."""
    items = read(tmp_path / "any.jsonl", "".join(json.dumps(data) + "\n" for data in objects))

    assert [item.line for item in items] == list(range(1, len(objects) + 1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """A file of another kind ends in an InputError or in problems, never in a traceback."""
    try:
        items = read(tmp_path / "any", content)
    except InputError:
        return
    assert all(isinstance(item, GoldRow | RowProblem) for item in items)
