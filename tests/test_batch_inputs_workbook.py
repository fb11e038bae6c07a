"""Tests of coach.batch.inputs.workbook."""

from __future__ import annotations

import re
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from assessment_factory import shipped_bank
from batch_factory import read_all, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.inputs.inputs import open_inputs
from coach.batch.inputs.layout import SPREADSHEET_ERRORS
from coach.errors import InputError

#: XML cannot hold other control characters, and makes every line end \n.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60).filter(
    lambda text: text.strip() not in SPREADSHEET_ERRORS and not re.search("[\ufffe\uffff]", text)
)


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    """Write a workbook with these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=4), st.booleans())
def test_any_answer_survives(answers: list[str], inline: bool) -> None:
    """Whatever an answer holds, it is read back letter by letter, from shared and from inline strings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.xlsx"
        book = xlsxwriter.Workbook(str(path), {"constant_memory": inline})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["candidate", "question_id", "answer"])
        for number, answer in enumerate(answers, start=1):
            sheet.write_string(number, 0, f"c{number}")
            sheet.write_number(number, 1, 3)
            sheet.write_string(number, 2, answer)
        book.close()

        rows, problems = read_all(path)

    assert not problems
    assert [(row.candidate, row.question_id, row.answer, row.line) for row in rows] == [
        (f"c{number}", "security-hipaa", answer, number + 1) for number, answer in enumerate(answers, start=1)
    ]


def test_a_form_export_is_read(tmp_path: Path) -> None:
    """A wide sheet below a title, with dates and numeric headers, gives one row per filled cell."""
    path = workbook(
        tmp_path / "form.xlsx",
        [
            ["Interviews 2026"],
            [],
            ["Timestamp", "Name", 3, text_of(6)],
            [datetime(2026, 11, 3, 9, 30), "Ann", "roles", "monitor"],  # noqa: DTZ001
            [None, 17, None, "second"],
        ],
    )
    batch = open_inputs([str(path)], shipped_bank())

    rows = list(batch)

    assert [(getattr(row, "row_id", None), row.line) for row in rows] == [
        ("Ann/security-hipaa", 4),
        ("Ann/slow-performance", 4),
        ("17/slow-performance", 5),
    ]
    assert batch.empty_cells == 1
    assert [match.by for match in batch.matches[0].matched] == ["number", "text"]


def test_every_known_sheet_is_read_and_named(tmp_path: Path) -> None:
    """Rows of a workbook with several sheets say their sheet; hidden ones are left alone, unknown ones reported."""
    header = ["candidate", "question_id", "answer"]
    path = workbook(
        tmp_path / "a.xlsx",
        [["notes"]],
        [header, ["Ann", 1, "x"]],
        [header, ["Bob", 2, "y"]],
        [header, ["Old", 2, "z"]],
    )
    book = openpyxl.load_workbook(path)
    book["Sheet 4"].sheet_state = "hidden"
    book.save(path)
    batch = open_inputs([str(path)], shipped_bank())

    assert [row.source for row in batch] == [f"{path} [Sheet 2]", f"{path} [Sheet 3]"]
    assert batch.matches[0].notes == ("sheets without a known column: 'Sheet 1'",)


def test_an_answer_that_excel_took_for_a_formula_is_a_problem(tmp_path: Path) -> None:
    """``#NAME?`` in place of an answer is reported, not graded."""
    path = workbook(tmp_path / "a.xlsx", [["candidate", "Q1", "Q2"], ["Ann", "#NAME?", "fine"]])

    rows, problems = read_all(path)

    assert [row.answer for row in rows] == ["fine"]
    assert "#NAME?" in problems[0].message


def test_a_stray_cell_at_the_bottom_costs_nothing(tmp_path: Path) -> None:
    """The million empty rows before it are not read one by one, and its row is named rightly."""
    book = openpyxl.Workbook()
    book.active.append(["candidate", "question_id", "answer"])
    book.active["A1048576"] = "stray"
    book.save(tmp_path / "a.xlsx")

    _, (problem,) = read_all(tmp_path / "a.xlsx")

    assert problem.line == 1_048_576


def test_a_workbook_under_another_name_is_read(tmp_path: Path) -> None:
    """The content decides: an .xlsx that was renamed to .csv is a workbook."""
    path = workbook(tmp_path / "a.xlsx", [["candidate", "Q1"], ["Ann", "x"]])

    rows, _ = read_all(path.rename(tmp_path / "a.csv"))

    assert [row.answer for row in rows] == ["x"]


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0 encrypted", b"PK\x03\x04 torn", b"text"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged or encrypted workbook is an error with a hint, not a traceback."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    with pytest.raises(InputError, match="not an XLSX workbook") as caught:
        read_all(path)

    assert "password" in caught.value.hint


def test_a_workbook_without_known_columns_is_refused(tmp_path: Path) -> None:
    """The error lists the headers found."""
    with pytest.raises(InputError, match="'name', 'securty-hipaa'") as caught:
        read_all(workbook(tmp_path / "a.xlsx", [["name", "securty-hipaa"], ["Ann", "x"]]))

    assert "security-hipaa" in caught.value.hint


def test_damage_in_the_middle_keeps_the_rows_before_it(tmp_path: Path) -> None:
    """Rows are read up to the damage, which is a problem of its own."""
    whole = workbook(
        tmp_path / "whole.xlsx", [["candidate", "question_id", "answer"], *([f"c{n}", 1, f"a{n}"] for n in range(200))]
    )
    torn = tmp_path / "torn.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(torn, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if "sheet1" in name:
                content = content[: content.index(b'<row r="101"')] + b"<row><broken"
            target.writestr(name, content)

    rows, problems = read_all(torn)

    assert len(rows) == 99
    assert [problem.line for problem in problems] == [101]
    assert "the rest of the sheet cannot be read" in problems[0].message


def test_any_damage_is_a_problem_or_an_input_error(tmp_path: Path) -> None:
    """Whatever byte of a workbook is wrong, nothing but an InputError or problems comes out."""
    whole = workbook(tmp_path / "a.xlsx", [["candidate", "Q1"], ["Ann", "x"]]).read_bytes()
    path = tmp_path / "damaged.xlsx"
    refusals: list[str] = []

    for place in range(0, len(whole), max(1, len(whole) // 120)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_all(path)
        except InputError as error:
            refusals.append(error.message)

    assert refusals
    assert all(str(path) in message for message in refusals)
