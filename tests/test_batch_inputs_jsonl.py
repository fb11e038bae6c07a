"""Tests of coach.batch.inputs.jsonl."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from batch_factory import read_all
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.inputs.inputs import open_inputs
from coach.batch.rows import AnswerRow, RowProblem
from coach.errors import InputError

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])


def write(path: Path, *lines: object) -> Path:
    """Write one line per object; strings are written as they are."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


@settings(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5), ENCODINGS, st.booleans())
def test_any_answer_survives(answers: list[str], encoding: str, escaped: bool) -> None:
    """Whatever an answer holds, it is read back letter by letter, escaped or not, in every encoding."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        objects = [{"question_id": "3", "answer": answer, "candidate": "Zoë"} for answer in answers]
        lines = [json.dumps(item, ensure_ascii=escaped) for item in objects]
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))

        rows, problems = read_all(path)

    assert not problems
    assert [row.answer for row in rows] == answers


def test_windows_1252_is_read(tmp_path: Path) -> None:
    """JSON that a Windows program wrote in its own encoding is read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"question_id": 3, "answer": "Don’t – déjà"}\n'.encode("cp1252"))

    assert read_all(path)[0][0].answer == "Don’t – déjà"


def test_a_line_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Every broken line is a problem with its file and line, and says what is wrong."""
    good = {"question_id": "dicom-standard", "answer": "fine"}
    path = write(
        tmp_path / "a.jsonl",
        good,
        '{"question_id": "3", "answer": "torn',
        "[1, 2]",
        {"question_id": "3", "text": "x"},
        {"question_id": "3", "answer": ["a", "b"]},
        {"question_id": "", "answer": "x"},
        {"question_id": "dicom-standrad", "answer": "x"},
        "",
        "[" * 100_000,
        good,
    )

    rows, problems = read_all(path)

    assert [row.line for row in rows] == [1, 10]
    assert [problem.line for problem in problems] == [2, 3, 4, 5, 6, 7, 9]
    words = [
        "not valid JSON",
        "not an object",
        "no answer",
        "a list",
        "question_id is empty",
        "nearest: dicom-standard",
    ]
    for problem, expected in zip(problems, words, strict=False):
        assert expected in problem.message
        assert problem.source == str(path)


def test_numbers_and_null_are_taken_as_text(tmp_path: Path) -> None:
    """A number names a question, a candidate or an id; a null answer is an empty one."""
    rows, problems = read_all(write(tmp_path / "a.jsonl", {"question_id": 3, "answer": None, "candidate": 17, "id": 4}))

    assert not problems
    assert (rows[0].question_id, rows[0].answer, rows[0].candidate, rows[0].row_id) == ("security-hipaa", "", "17", "4")


def test_what_cannot_be_stored_is_replaced(tmp_path: Path) -> None:
    """Halves of surrogate pairs and NULs, which JSON can carry, cannot break the journal later."""
    line = r'{"question_id": 1, "answer": "a\u0000b \ud83d \ud83d\ude00", "candidate": "\udc00"}'

    (row,), _ = read_all(write(tmp_path / "a.jsonl", line))

    assert (row.answer, row.candidate) == ("ab \ufffd 😀", "\ufffd")


def test_the_report_names_the_keys(tmp_path: Path) -> None:
    """Which keys were used, and which were not, is reported from the first lines."""
    path = write(tmp_path / "a.jsonl", {"question": "1", "answer": "x", "score": 3, "id": "a"})

    (report,) = open_inputs([str(path)], shipped_bank()).matches

    assert (report.form, report.encoding) == ("JSON lines", "UTF-8")
    assert dict(report.roles) == {"question_id": "question", "answer": "answer", "id": "id"}
    assert report.ignored == ("score",)


@pytest.mark.parametrize(
    ("content", "words", "hint"),
    [
        ("", "empty", "one answer a row"),
        ("\n \n", "empty", "one answer a row"),
        ('{"q": 1, "text": "x"}\n', "found the keys 'q', 'text'", "question_id"),
        ('[{"question_id": 1, "answer": "x"}]\n', "not JSON lines", "one JSON array"),
        ("candidate,answer\n", "not JSON lines", "JSON keys"),
    ],
)
def test_a_file_without_answers_is_refused(tmp_path: Path, content: str, words: str, hint: str) -> None:
    """The error lists what was found."""
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=words) as caught:
        read_all(path)

    assert hint in caught.value.hint


def test_standard_input_is_read_like_a_file() -> None:
    """``-`` stands for JSON lines: reported and read as often as wanted, and the stream stays open."""
    stream = io.BytesIO('\ufeff{"question_id": 3, "answer": "é"}\nbroken\n'.encode())
    batch = open_inputs(["-"], shipped_bank(), stdin=stream)

    first, second = list(batch)

    assert isinstance(first, AnswerRow)
    assert (first.answer, first.source, first.line) == ("é", "standard input", 1)
    assert isinstance(second, RowProblem)
    assert not stream.closed
    assert list(batch) == [first, second]
    assert dict(batch.matches[0].roles) == {"question_id": "question_id", "answer": "answer"}


def test_rows_can_be_piped_in() -> None:
    """What another program writes is read to its end."""
    code = (
        "from coach.bank.load import load_bank\n"
        "from coach.batch.inputs.inputs import open_inputs\n"
        "print(len(list(open_inputs(['-'], load_bank()))))"
    )
    lines = b'{"question_id": 1, "answer": "an answer"}\n' * 3

    done = subprocess.run([sys.executable, "-c", code], input=lines, capture_output=True, check=True, timeout=60)

    assert done.stdout.strip() == b"3"
