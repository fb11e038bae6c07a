"""Reading one answer that a person hands in: a file, standard input or the editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coach.errors import AnswerUnreadableError

if TYPE_CHECKING:
    from coach.bank.questions import Question

#: Nobody types more; what is larger is a wrong file.
MAX_BYTES = 512 * 1024
#: Documents that hold text but are none: how they begin, and what people call them.
_DOCUMENTS = (
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"PK\x03\x04", "a Word or other packed document"),
)
_AS_TEXT = "Save the answer as plain text (.txt or .md)."
_MARK = "# ------------------------ your answer goes below this line ------------------------"


def read_answer_file(path: Path) -> str:
    """Return the text of an answer file; raises AnswerUnreadableError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise AnswerUnreadableError(
            f"{path}: there is no such file", "Check the path, or use - to type it in."
        ) from None
    except IsADirectoryError:
        raise AnswerUnreadableError(
            f"{path}: this is a folder", "Name one file; `coach batch` takes folders."
        ) from None
    except OSError as error:
        raise AnswerUnreadableError(f"{path}: cannot be read ({error.strerror})", "Check its permissions.") from None
    return without_comment(decode_answer(data, str(path)))


def read_standard_input() -> str:
    """Return the answer piped or typed into standard input; raises AnswerUnreadableError."""
    return decode_answer(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")


def decode_answer(data: bytes, name: str) -> str:
    """Decode an answer: UTF-8, or UTF-16 with a byte-order mark, else Windows-1252; other documents are refused.

    Line ends stay as they are. Raises AnswerUnreadableError.
    """
    if len(data) > MAX_BYTES:
        raise AnswerUnreadableError(
            f"{name}: more than {MAX_BYTES // 1024} KB, too large for one answer", "Hand in the answer alone, as text."
        )
    for start, kind in _DOCUMENTS:
        if data.startswith(start):
            raise AnswerUnreadableError(f"{name}: this is {kind}, not a text file", _AS_TEXT)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = _decode(data, "utf-16", name)
    elif _looks_binary(data):
        raise AnswerUnreadableError(f"{name}: this is not a text file", _AS_TEXT)
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _decode(data, "cp1252", name)
    if "\0" in text:
        raise AnswerUnreadableError(f"{name}: this is not a text file", _AS_TEXT)
    return text


def _decode(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise AnswerUnreadableError(f"{name}: its text encoding is not known", "Save the answer as UTF-8.") from None


def _looks_binary(data: bytes) -> bool:
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data[:4096])
    return control > len(data[:4096]) * 0.02


def write_in_editor(question: Question) -> str:
    """Open the user's editor with the question as a comment; return what was written, "" when cancelled.

    Raises AnswerUnreadableError when no editor can be started or its file cannot be read; what was written by
    then stays in the file that the hint names.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    empty = editor_text(question)
    try:
        descriptor, name = tempfile.mkstemp(prefix="coach-answer-", suffix=".md")
        path = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(empty)
    except OSError as error:
        raise AnswerUnreadableError(
            f"no file to write in could be made ({error})", "Name a file, or use - for standard input."
        ) from None
    try:
        subprocess.run([*shlex.split(editor), name], check=True)
        answer = answer_part(decode_answer(path.read_bytes(), "the editor's file"), question)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise AnswerUnreadableError(
            f"the editor {editor!r} failed ({error})", _hint_after_editor(path, empty)
        ) from None
    except AnswerUnreadableError as error:
        raise AnswerUnreadableError(error.message, _hint_after_editor(path, empty)) from None
    except KeyboardInterrupt:
        raise AnswerUnreadableError("interrupted in the editor", _hint_after_editor(path, empty)) from None
    # Answers are private: nothing stays behind in the temporary folder.
    path.unlink(missing_ok=True)
    return answer


def _hint_after_editor(path: Path, empty: str) -> str:
    """Keep what somebody wrote before it went wrong, and say where it is; our comment in it does no harm."""
    try:
        written = path.read_bytes() != empty.encode()
    except OSError:
        written = False
    if written:
        return f"What you wrote is kept in {path}; hand that file in."
    path.unlink(missing_ok=True)
    return "Set EDITOR, or name a file, or use - for standard input."


def editor_text(question: Question) -> str:
    """Return what the editor shows first: question and rationale as a comment, then room for the answer."""
    comment = f"{question.text}\n\nWhy it is asked: {question.rationale}\n\nSave an empty answer to cancel."
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*lines, _MARK, "", ""])


def without_comment(text: str) -> str:
    """Return a text as given, or what stands below the mark when it is one that our editor comment was left in."""
    return text.split(_MARK, 1)[1].strip() if _MARK in text else text


def answer_part(text: str, question: Question) -> str:
    """Return the answer from the editor's text: what stands below the mark, or everything but our comment."""
    if _MARK in text:
        return without_comment(text)
    # Without the mark only our own lines are taken away: an answer may start with a heading.
    ours = {line.strip() for line in editor_text(question).splitlines()}
    lines = text.splitlines()
    while lines and lines[0].strip() in ours:
        lines.pop(0)
    return "\n".join(lines).strip()
