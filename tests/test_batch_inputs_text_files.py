"""Tests of coach.batch.inputs.text_files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import docx
import pytest
from assessment_factory import shipped_bank
from batch_factory import read_all

from coach.answer import read
from coach.batch.inputs.inputs import open_inputs
from coach.batch.rows import AnswerRow, RowProblem
from coach.errors import InputError


def test_a_folder_gives_one_answer_per_file(tmp_path: Path) -> None:
    """Candidate and question come from the name, the answer is the text as it stands; files come in order."""
    (tmp_path / "Zoë__dicom-standard.md").write_bytes("# Heading\r\n“text”\r\n".encode("cp1252"))
    (tmp_path / "Ann__Smith__3.txt").write_text("roles\n", encoding="utf-16")

    rows, problems = read_all(tmp_path)

    assert not problems
    assert [(row.row_id, row.candidate, row.answer) for row in rows] == [
        ("Ann__Smith/security-hipaa", "Ann__Smith", "roles\n"),
        ("Zoë/dicom-standard", "Zoë", "# Heading\r\n“text”\r\n"),
    ]
    assert rows[0].source == str(tmp_path / "Ann__Smith__3.txt")


def test_a_word_document_gives_its_text(tmp_path: Path) -> None:
    """Paragraphs and tables of a .docx are read in their order."""
    document = docx.Document()
    document.add_paragraph("First I look.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text = "then"
    table.rows[0].cells[1].text = "act"
    document.add_paragraph("Done – “really”.")
    document.save(str(tmp_path / "Ann__system-outage.docx"))

    (row,), _ = read_all(tmp_path)

    assert row.answer == "First I look.\nthen\tact\nDone – “really”."


def test_other_files_are_reported_not_read(tmp_path: Path) -> None:
    """Hidden files, lock files and other names are listed as ignored."""
    (tmp_path / "Ann__1.txt").write_text("x", encoding="utf-8")
    for name in (".Bob__1.txt", "~$Ann__1.docx", "readme.md", "Ann__1.pdf"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "Cid__1.txt").mkdir()
    batch = open_inputs([str(tmp_path)], shipped_bank())

    assert len(list(batch)) == 1
    assert sorted(batch.matches[0].ignored) == [".Bob__1.txt", "Ann__1.pdf", "readme.md", "~$Ann__1.docx"]


def test_a_file_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken document, an unknown question and a huge file are problems of their files."""
    monkeypatch.setattr(read, "MAX_BYTES", 10)
    (tmp_path / "A__dicom-standrad.txt").write_text("x", encoding="utf-8")
    (tmp_path / "B__1.docx").write_bytes(b"no document")
    (tmp_path / "C__1.txt").write_text("x" * 11, encoding="utf-8")
    (tmp_path / "D__.txt").write_text("x", encoding="utf-8")
    (tmp_path / "E__1.txt").write_text("fine", encoding="utf-8")

    rows, problems = read_all(tmp_path)

    assert [row.answer for row in rows] == ["fine"]
    assert [Path(problem.source).name[0] for problem in problems] == ["A", "B", "C", "D"]
    words = ["nearest: dicom-standard", "not a .docx", "larger than", "does not say the question"]
    assert all(word in problem.message for word, problem in zip(words, problems, strict=True))


def test_a_file_that_vanishes_is_a_problem(tmp_path: Path) -> None:
    """A file that the system does not give does not stop the rest."""
    for name in ("A__1.txt", "B__2.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    batch = open_inputs([str(tmp_path / "*.txt")], shipped_bank())
    (tmp_path / "A__1.txt").unlink()

    problem, row = list(batch)

    assert isinstance(problem, RowProblem)
    assert "there is no such file" in problem.message
    assert isinstance(row, AnswerRow)


def test_a_folder_without_answers_is_refused(tmp_path: Path) -> None:
    """The error lists what was found, the hint how files are named."""
    (tmp_path / "answers.csv").write_text("x", encoding="utf-8")

    with pytest.raises(InputError, match=r"found 'answers\.csv'") as caught:
        read_all(tmp_path)

    assert "<candidate>__<question-id>" in caught.value.hint


def test_files_given_by_name_are_read_as_in_a_folder(tmp_path: Path) -> None:
    """A pattern of answer files works like their folder."""
    for name in ("Ann__1.txt", "Bob__2.md"):
        (tmp_path / name).write_text(name, encoding="utf-8")

    rows, _ = read_all(tmp_path / "*__*")

    assert [row.row_id for row in rows] == ["Ann/dicom-standard", "Bob/hl7-integration"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_can_still_be_shown(tmp_path: Path) -> None:
    """A file name of an old encoding cannot break the journal or a report."""
    with open(os.fsencode(tmp_path) + b"/Zo\xeb__1.txt", "wb") as file:
        file.write(b"x")

    (row,), _ = read_all(tmp_path)

    assert row.candidate == "Zo\ufffd"
    row.source.encode()
