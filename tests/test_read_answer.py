"""An answer is read from a file, a pipe or an editor, as text and nothing else, and what was typed is not lost."""

from __future__ import annotations

import codecs
import io
import os
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import docx
import pytest
from assessment_factory import dicom_question
from hypothesis import given
from hypothesis import strategies as st

from coach.answer.read import (
    MAX_BYTES,
    answer_part,
    decoded,
    discard_draft,
    editor_text,
    keep_draft,
    read_answer_file,
    read_standard_input,
    write_in_editor,
)
from coach.errors import AnswerUnreadableError, StorageError

if TYPE_CHECKING:
    from fake_editor import MakeEditor

pytest_plugins = ("plain_user", "fake_editor")

TEXT = "I restored “the archive” in 3½ hours.\r\nNothing was lost.\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("cp1252"),
    ],
    ids=["UTF-8", "UTF-8 with mark", "UTF-16 LE", "UTF-16 BE", "UTF-16 without mark", "Windows-1252"],
)
def test_a_text_file_is_read_in_the_usual_encodings(tmp_path: Path, data: bytes) -> None:
    """The byte-order mark is no part of the text, and line ends stay as they are."""
    path = tmp_path / "answer.md"
    path.write_bytes(data)

    assert read_answer_file(path) == TEXT


@given(st.text())
def test_whatever_is_saved_as_utf8_comes_back(text: str) -> None:
    """Only control characters, which no text holds, make a file be refused."""
    data = text.encode()
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data)
    if controls == 0 and not text.startswith("\ufeff"):
        assert decoded(data, "file") == text


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No content fails in another way, and no NUL reaches the answer."""
    try:
        text = decoded(data, "file")
    except AnswerUnreadableError as error:
        text = error.message
    assert "\0" not in text


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("answer.pdf", b"%PDF-1.7\n1 0 obj", "this is a PDF document"),
        ("answer.rtf", rb"{\rtf1\ansi hello}", "this is an RTF document"),
        ("answer.txt", b"PK\x03\x04\x14\x00", "not a .docx document that can be read"),
        ("answer.docx", b"no document", "not a .docx document that can be read"),
        ("answer.docx", b"x" * 20_000_001, "larger than 20,000,000 bytes"),
        ("answer.md", b"\x89PNG\r\n\x1a\n\x00\x00", "this is not a text file"),
        ("answer.md", b"\x01\x02\x03 text", "this is not a text file"),
        ("answer.md", b"x" * (MAX_BYTES + 1), "larger than 4,000,000 bytes, too large for one answer"),
    ],
)
def test_what_is_no_answer_is_refused_with_a_way_out(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    """A document, a picture or a huge file is not judged as if it were an answer."""
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(AnswerUnreadableError) as caught:
        read_answer_file(path)

    assert caught.value.message.startswith(f"{path}: {expected}")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["answer.docx", "answer"])
def test_a_word_document_gives_its_text(tmp_path: Path, name: str) -> None:
    """Paragraphs and tables are read in their order, whatever the file is called."""
    document = docx.Document()
    document.add_paragraph("First I look.")
    table = document.add_table(rows=1, cols=3)
    table.rows[0].cells[0].merge(table.rows[0].cells[1]).text = "then"
    table.rows[0].cells[2].text = "act"
    document.add_paragraph("Done – “really”.")
    document.save(str(tmp_path / name))

    assert read_answer_file(tmp_path / name) == "First I look.\nthen\tact\nDone – “really”."


def test_a_document_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is seen before it is unpacked."""
    docx.Document().save(str(tmp_path / "answer.docx"))
    monkeypatch.setattr("coach.answer.read._MAX_UNPACKED", 100)

    with pytest.raises(AnswerUnreadableError, match="unpacks to more than 100 bytes"):
        read_answer_file(tmp_path / "answer.docx")


def test_the_largest_file_that_is_read(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    path = tmp_path / "answer.txt"
    path.write_bytes(b"x" * MAX_BYTES)

    assert len(read_answer_file(path)) == MAX_BYTES


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    """The errors say which path and what else could have been meant."""
    with pytest.raises(AnswerUnreadableError, match="there is no such file"):
        read_answer_file(tmp_path / "nothing.md")
    with pytest.raises(AnswerUnreadableError, match="this is a folder") as caught:
        read_answer_file(tmp_path)
    assert "coach batch" in caught.value.hint
    with pytest.raises(AnswerUnreadableError, match="cannot be read"):
        read_answer_file(tmp_path / ("x" * 300))


def test_a_file_that_may_not_be_read(
    open_directory: Path, as_plain_user: Callable[[], AbstractContextManager[None]]
) -> None:
    """The message says that it is the permissions."""
    path = open_directory / "answer.md"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0)

    with as_plain_user(), pytest.raises(AnswerUnreadableError, match="Permission denied") as caught:
        read_answer_file(path)
    assert "permissions" in caught.value.hint


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe may hold any of the encodings, and is bounded as well."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode("utf-16"))))
    assert read_standard_input() == TEXT

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * (MAX_BYTES + 1))))
    with pytest.raises(AnswerUnreadableError, match="standard input: larger than"):
        read_standard_input()


def drafts(folder: Path) -> list[Path]:
    """Return the answers that were left in the folder for temporary files."""
    return list(folder.glob("coach-answer-*"))


def test_what_is_typed_below_the_mark_is_the_answer(editor: MakeEditor, tmp_path: Path) -> None:
    """The question stands above as a comment, and nothing private stays behind."""
    editor('path.write_text(path.read_text() + "\\n# My answer\\nI restored it.\\n\\n")')

    assert write_in_editor(dicom_question()) == "# My answer\nI restored it."
    assert drafts(tmp_path) == []


def test_the_editor_sees_the_question_in_a_private_file(editor: MakeEditor, tmp_path: Path) -> None:
    """Question and rationale are there to read, and nobody else can read what is written."""
    editor(f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(path.read_text() + oct(path.stat().st_mode))")

    assert write_in_editor(dicom_question()) == ""
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert dicom_question().text in seen
    assert dicom_question().rationale in seen
    assert seen.endswith(oct(stat.S_IFREG | 0o600))


def test_visual_is_asked_before_editor(editor: MakeEditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual order of the two variables holds."""
    editor('path.write_text(path.read_text() + "from VISUAL")')
    monkeypatch.setenv("VISUAL", os.environ["EDITOR"])
    monkeypatch.setenv("EDITOR", "/nonexistent/editor")

    assert write_in_editor(dicom_question()) == "from VISUAL"


@pytest.mark.parametrize("command", ["/nonexistent/editor", "false", "editor 'with an open quote"])
def test_an_editor_that_cannot_run_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    """The error says which editor and what else can be done; an untouched file is removed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("EDITOR", command)

    with pytest.raises(AnswerUnreadableError, match="failed") as caught:
        write_in_editor(dicom_question())

    assert repr(command) in caught.value.message
    assert "EDITOR" in caught.value.hint
    assert drafts(tmp_path) == []


@pytest.mark.parametrize("end", ["sys.exit(3)", "path.write_bytes(b'typed \\x00')"])
def test_what_was_written_before_a_failure_is_kept(editor: MakeEditor, tmp_path: Path, end: str) -> None:
    """An editor that crashes after saving, or saves what cannot be read, costs nobody the answer."""
    editor(f'path.write_text(path.read_text() + "An hour of typing.")\n{end}')

    with pytest.raises(AnswerUnreadableError) as caught:
        write_in_editor(dicom_question())

    [draft] = drafts(tmp_path)
    assert str(draft) in caught.value.hint
    assert b"typ" in draft.read_bytes()


def test_ctrl_c_in_the_editor_keeps_what_was_written(editor: MakeEditor, tmp_path: Path) -> None:
    """The terminal sends Ctrl-C to the editor and to the coach; what was saved by then is named."""
    editor(
        'path.write_text(path.read_text() + "An hour of typing.")\n'
        "import os, signal\nos.kill(os.getppid(), signal.SIGINT)"
    )

    with pytest.raises(AnswerUnreadableError, match="interrupted") as caught:
        write_in_editor(dicom_question())

    [draft] = drafts(tmp_path)
    assert str(draft) in caught.value.hint


def test_a_file_that_the_editor_removed_is_an_error(editor: MakeEditor, tmp_path: Path) -> None:
    """Some editors remove the file when they are cancelled."""
    editor("path.unlink()")

    with pytest.raises(AnswerUnreadableError, match="failed"):
        write_in_editor(dicom_question())


def test_without_room_for_a_file_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A temporary folder that cannot be written to is no crash."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    with pytest.raises(AnswerUnreadableError, match="no file to write in"):
        write_in_editor(dicom_question())


def test_our_comment_is_taken_away_without_the_mark_too() -> None:
    """Somebody who deleted the mark keeps own headings; an untouched text is an empty answer."""
    question = dicom_question()
    comment = [line for line in editor_text(question).splitlines() if "below this line" not in line]

    assert answer_part(editor_text(question), question) == ""
    assert (
        answer_part("\n".join([*comment, "# My answer", "It is a standard."]), question)
        == "# My answer\nIt is a standard."
    )
    assert answer_part("# My answer\nIt is a standard.", question) == "# My answer\nIt is a standard."
    assert answer_part("\n".join(comment), question) == ""


def test_a_file_that_holds_our_comment_is_read_without_it(tmp_path: Path) -> None:
    """An editor's file that was rescued can be handed in as it is; any other file stays as given."""
    question = dicom_question()
    path = tmp_path / "rescued.md"
    path.write_text(f"{editor_text(question)}# My answer\nI restored it.\n", encoding="utf-8")
    assert read_answer_file(path) == "# My answer\nI restored it."

    path.write_text("# My answer\nI restored it.\n", encoding="utf-8")
    assert read_answer_file(path) == "# My answer\nI restored it.\n"


def test_a_draft_is_private_and_comes_back_as_typed(tmp_path: Path) -> None:
    """Nobody else can read it, it replaces no other, and it can be handed in as it is."""
    path, other = keep_draft("dicom-standard", TEXT), keep_draft("dicom-standard", "two")

    assert path.is_relative_to(tmp_path / "coach-data")
    assert path.name.startswith("dicom-standard-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (read_answer_file(path), read_answer_file(other)) == (TEXT, "two")


def test_a_discarded_draft_is_gone() -> None:
    """Also when somebody else was quicker."""
    path = keep_draft("dicom-standard", TEXT)
    discard_draft(path)
    discard_draft(path)

    assert not path.exists()


def test_a_draft_that_cannot_be_deleted_is_named(
    monkeypatch: pytest.MonkeyPatch, open_directory: Path, as_plain_user: Callable[[], AbstractContextManager[None]]
) -> None:
    """The error says which file stays."""
    monkeypatch.setenv("COACH_DATA_DIR", str(open_directory))
    path = keep_draft("dicom-standard", TEXT)
    open_directory.joinpath("drafts").chmod(0o555)

    with as_plain_user(), pytest.raises(StorageError, match=path.name):
        discard_draft(path)
