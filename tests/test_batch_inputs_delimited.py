"""Tests of coach.batch.inputs.delimited."""

from __future__ import annotations

import csv
import re
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from batch_factory import read_all, text_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coach.batch.inputs.inputs import open_inputs
from coach.batch.inputs.layout import SPREADSHEET_ERRORS
from coach.errors import InputError

HEADER = "candidate,question_id,answer\n"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80).filter(
    lambda text: text.strip() not in SPREADSHEET_ERRORS
)
#: Bytes of Windows-1252 that happen to be UTF-8, such as a typed "Ã©", are read as UTF-8.
UTF_8_PAIR = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a file without touching its line ends."""
    path.write_bytes(text.encode(encoding))
    return path


def table(path: Path, rows: list[list[str]], separator: str, encoding: str) -> None:
    """Write a table as a spreadsheet program would."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)


@settings(deadline=None)
@given(
    st.lists(TEXT, min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from([".csv", ".tsv", ".txt"]),
)
def test_any_answer_survives_a_long_table(answers: list[str], separator: str, encoding: str, suffix: str) -> None:
    """Whatever an answer holds, it is read back letter by letter, in every separator and encoding."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"answers{suffix}"
        rows = [[f"c{number}", "security-hipaa", answer] for number, answer in enumerate(answers)]
        table(path, [["candidate", "question_id", "answer"], *rows], separator, encoding)

        found, problems = read_all(path)

    assert not problems
    assert [(row.candidate, row.answer) for row in found] == [(row[0], row[2]) for row in rows]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=80), min_size=1, max_size=5))
def test_any_windows_1252_answer_survives(answers: list[str]) -> None:
    """Text of Western European Office programs is read back letter by letter."""
    assume(not any(answer.strip() in SPREADSHEET_ERRORS for answer in answers))
    assume(not any(UTF_8_PAIR.search(answer.encode("cp1252")) for answer in answers))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        rows = [[f"Zoë {number}", "3", answer] for number, answer in enumerate(answers)]
        table(path, [["candidate", "question_id", "answer"], *rows], ";", "cp1252")

        found, problems = read_all(path)

    assert not problems
    assert [(row.candidate, row.answer) for row in found] == [(row[0], row[2]) for row in rows]


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), st.sampled_from([",", ";", "\t"]))
def test_any_answer_survives_a_wide_table(answers: list[tuple[str, str]], separator: str) -> None:
    """A form export gives one row per filled cell; empty cells are counted, not reported."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.csv"
        rows = [["t", f"c{number}", *pair] for number, pair in enumerate(answers)]
        table(path, [["Timestamp", "Name", text_of(6), f"15. {text_of(15)}"], *rows], separator, "utf-8")
        batch = open_inputs([str(path)], shipped_bank())

        found = list(batch)

    filled = [text for pair in answers for text in pair if text.strip()]
    assert [getattr(row, "answer", None) for row in found] == filled
    assert batch.empty_cells == 2 * len(answers) - len(filled)


def test_a_form_export_is_reported_column_by_column(tmp_path: Path) -> None:
    """The report says form, encoding, separator, roles, matches, ignored columns and near misses."""
    header = f'Timestamp;Email Address;"{text_of(6)}";Q3;securty-hipaa\n'
    path = write(tmp_path / "form.csv", header + "1;a@example.org;x;y;z\n", "utf-8-sig")

    (report,) = open_inputs([str(path)], shipped_bank()).matches

    assert report.form == "delimited text, one candidate a row, one question a column"
    assert (report.encoding, report.separator) == ("UTF-8 with byte-order mark", "semicolon")
    assert report.roles == (("candidate", "Email Address"),)
    assert [(match.question_id, match.by) for match in report.matched] == [
        ("slow-performance", "text"),
        ("security-hipaa", "number"),
    ]
    assert report.ignored == ("Timestamp", "securty-hipaa")
    assert report.near_misses[0].question_ids[0] == "security-hipaa"


def test_a_separator_inside_the_questions_does_not_mislead(tmp_path: Path) -> None:
    """Commas in unquoted headers and answers do not hide the semicolons that separate them."""
    path = write(tmp_path / "form.csv", f"Name;{text_of(4)};{text_of(2)}\nAnn;one, two, three;four, five\n")

    rows, problems = read_all(path)

    assert not problems
    assert [(row.question_id, row.answer) for row in rows] == [
        ("system-outage", "one, two, three"),
        ("hl7-integration", "four, five"),
    ]


def test_the_separator_line_of_excel_is_obeyed(tmp_path: Path) -> None:
    """``sep=;`` names the separator and is no row; lines are still counted from it."""
    rows, _ = read_all(write(tmp_path / "a.csv", "sep=|\r\ncandidate|question_id|answer\r\nAnn|1|a;b,c\r\n"))

    assert [(row.answer, row.line) for row in rows] == [("a;b,c", 3)]


def test_a_table_typed_by_hand_may_have_spaces_after_commas(tmp_path: Path) -> None:
    """``candidate, question_id, answer`` and quoted cells after a space are read."""
    rows, problems = read_all(write(tmp_path / "a.csv", 'candidate, question_id, answer\nAnn, 3, "Yes, always"\n'))

    assert not problems
    assert [(row.question_id, row.answer) for row in rows] == [("security-hipaa", "Yes, always")]


def test_a_row_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Every broken row is a problem with its file and line; all others are read."""
    path = write(
        tmp_path / "a.csv",
        HEADER
        + 'A,1,good\nB,1,"never closed\nC,no-such-question,x\nD,1,too,many\nE,2\nF,2,"two\nlines"\nG,,x\nH,3,last',
    )

    rows, problems = read_all(path)

    assert [(row.candidate, row.line) for row in rows] == [("A", 2), ("F", 7), ("H", 10)]
    assert [problem.line for problem in problems] == [3, 4, 5, 6, 9]
    assert {problem.source for problem in problems} == {str(path)}
    assert "nearest" in problems[1].message


def test_nuls_do_not_stop_anything(tmp_path: Path) -> None:
    """NULs are left out of cells."""
    rows, problems = read_all(write(tmp_path / "a.csv", HEADER + "A\0nn,1,some\0thing\n"))

    assert not problems
    assert [(row.candidate, row.answer) for row in rows] == [("Ann", "something")]


def test_another_encoding_behind_the_sample_loses_no_row(tmp_path: Path) -> None:
    """Rows whose bytes contradict the guessed encoding are still there."""
    path = tmp_path / "a.csv"
    plain = "".join(f"c{number},1,plain text number {number}\n" for number in range(4000))
    path.write_bytes((HEADER + plain).encode() + "Zoë,2,déjà vu\n".encode("cp1252") + "Zoë,3,déjà vu\n".encode())

    rows, problems = read_all(path)

    assert not problems
    assert len(rows) == 4002
    assert [(row.candidate, row.answer) for row in rows[-2:]] == [("Zoë", "déjà vu")] * 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("\r\n\r\n", "empty"),
        ("name,securty-hipaa\nAnn,x\n", "'name', 'securty-hipaa'"),
        ("Ann,dicom-standard,An answer\nBob,1,Another\n", "no column is known"),
    ],
)
def test_a_file_without_a_known_column_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """The error lists what was found, and the hint says what is wanted."""
    with pytest.raises(InputError, match=words) as caught:
        read_all(write(tmp_path / "a.csv", content))

    assert "question_id" in caught.value.hint


def test_the_hint_names_the_nearest_question(tmp_path: Path) -> None:
    """A slip in the only header is not left unexplained."""
    with pytest.raises(InputError) as caught:
        read_all(write(tmp_path / "a.csv", "name,securty-hipaa\nAnn,x\n"))

    assert "security-hipaa" in caught.value.hint


def peak_of(path: Path) -> int:
    """Return the peak of memory in bytes while all rows of a file are read."""
    batch = open_inputs([str(path)], shipped_bank())
    tracemalloc.start()
    try:
        assert sum(1 for _ in batch) > 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    """Eight times the rows need no more memory."""
    answer = "I would check the archive first. " * 5
    peaks = []
    for count in (1000, 8000):
        path = tmp_path / f"{count}{suffix}"
        if suffix == ".csv":
            body = HEADER + "".join(f"c{number},{number % 15 + 1},{answer}\n" for number in range(count))
        else:
            line = '{{"candidate": "c{0}", "question_id": {1}, "answer": "{2}"}}\n'
            body = "".join(line.format(number, number % 15 + 1, answer) for number in range(count))
        path.write_text(body, encoding="utf-8")
        del body
        peaks.append(peak_of(path))

    assert peaks[1] - peaks[0] < 300_000
