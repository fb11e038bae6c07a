"""One answer from a person: a file (.txt, .md, .docx), standard input or the editor; and drafts of what was typed."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

from coach.answer.decoding import decode
from coach.errors import AnswerUnreadableError, StorageError
from coach.files import data_directory, keep_answer

if TYPE_CHECKING:
    from coach.bank.questions import Question

#: Nobody types more; what is larger is a wrong file.
MAX_BYTES = 4_000_000
#: Documents may hold pictures.
_MAX_DOCUMENT, _MAX_UNPACKED = 20_000_000, 200_000_000
#: Documents that hold text but are none: how they begin, and what people call them.
_DOCUMENTS = ((b"%PDF-", "a PDF document"), (b"{\\rtf", "an RTF document"))
_PACKED = b"PK\x03\x04"
#: What a damaged or encrypted document raises in zipfile, the XML parser (a SyntaxError) and python-docx.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError, TypeError, AttributeError, SyntaxError,
    RuntimeError, OSError,
)  # fmt: skip
_AS_TEXT = "Save the answer as plain text (.txt or .md) or as .docx."
_MARK = "# ------------------------ your answer goes below this line ------------------------"
#: Folder of the drafts in the data directory.
DRAFTS = "drafts"


def read_answer_file(path: Path) -> str:
    """Return the text of an answer file; raises AnswerUnreadableError, whose message begins with the path."""
    try:
        with path.open("rb") as file:
            return _without_comment(_read(file, str(path)))
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


def read_standard_input() -> str:
    """Return the answer piped or typed into standard input; raises AnswerUnreadableError."""
    return _read(sys.stdin.buffer, "standard input")


def _read(file: IO[bytes], name: str) -> str:
    data = file.read(_MAX_DOCUMENT + 1)
    return _docx_text(data, name) if data.startswith(_PACKED) or name.lower().endswith(".docx") else decoded(data, name)


def decoded(data: bytes, name: str) -> str:
    """Decode an answer in whatever encoding; what is no text is refused. Line ends stay as they are.

    Raises AnswerUnreadableError.
    """
    if len(data) > MAX_BYTES:
        raise AnswerUnreadableError(
            f"{name}: larger than {MAX_BYTES:,} bytes, too large for one answer", "Hand in the answer alone, as text."
        )
    for start, kind in _DOCUMENTS:
        if data.startswith(start):
            raise AnswerUnreadableError(f"{name}: this is {kind}, not a text file", _AS_TEXT)
    text = decode(data)
    controls = sum(char < " " and char not in "\t\n\r\f\x1b" for char in text[:4096])
    if "\0" in text or controls > len(text[:4096]) * 0.02:
        raise AnswerUnreadableError(f"{name}: this is not a text file", _AS_TEXT)
    return text


def _docx_text(data: bytes, name: str) -> str:
    """Return paragraphs and tables of a Word document, a line each; raises AnswerUnreadableError."""
    import docx
    from docx.table import Table

    if len(data) > _MAX_DOCUMENT:
        raise AnswerUnreadableError(f"{name}: larger than {_MAX_DOCUMENT:,} bytes", "Take pictures out of it.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED:
                raise ValueError(f"it unpacks to more than {_MAX_UNPACKED:,} bytes")
        lines: list[str] = []
        for block in docx.Document(io.BytesIO(data)).iter_inner_content():
            if isinstance(block, Table):
                # A merged cell appears once for every column that it spans.
                lines += ["\t".join(dict.fromkeys(cell.text for cell in row.cells)) for row in block.rows]
            else:
                lines.append(block.text)
    except _DAMAGE as error:
        words = str(error).partition("\n")[0] or type(error).__name__
        raise AnswerUnreadableError(f"{name}: not a .docx document that can be read ({words})", _AS_TEXT) from error
    return "\n".join(lines)


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
        answer = answer_part(decoded(path.read_bytes(), "the editor's file"), question)
    except (OSError, ValueError, subprocess.CalledProcessError, AnswerUnreadableError, KeyboardInterrupt) as error:
        message = f"the editor {editor!r} failed ({error})"
        if isinstance(error, AnswerUnreadableError):
            message = error.message
        elif isinstance(error, KeyboardInterrupt):
            message = "interrupted in the editor"
        # What somebody wrote before it went wrong is kept; our comment in it does no harm.
        hint = f"What you wrote is kept in {path}; hand that file in."
        if not path.exists() or path.read_bytes() == empty.encode():
            path.unlink(missing_ok=True)
            hint = "Set EDITOR, or name a file, or use - for standard input."
        raise AnswerUnreadableError(message, hint) from None
    # Answers are private: nothing stays behind in the temporary folder.
    path.unlink(missing_ok=True)
    return answer


def editor_text(question: Question) -> str:
    """Return what the editor shows first: question and rationale as a comment, then room for the answer."""
    comment = f"{question.text}\n\nWhy it is asked: {question.rationale}\n\nSave an empty answer to cancel."
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*lines, _MARK, "", ""])


def _without_comment(text: str) -> str:
    """Return a text as given, or what stands below the mark when it is one that our editor comment was left in."""
    return text.split(_MARK, 1)[1].strip() if _MARK in text else text


def answer_part(text: str, question: Question) -> str:
    """Return the answer from the editor's text: what stands below the mark, or everything but our comment."""
    if _MARK in text:
        return _without_comment(text)
    # Without the mark only our own lines are taken away: an answer may start with a heading.
    ours = {line.strip() for line in editor_text(question).splitlines()}
    lines = text.splitlines()
    while lines and lines[0].strip() in ours:
        lines.pop(0)
    return "\n".join(lines).strip()


def keep_draft(question_id: str, text: str) -> Path:
    """Write a typed answer that has no critique yet to a new private file, and return its path.

    It lies in the data directory, else in the temporary one. Raises StorageError when neither can be written.
    """
    return keep_answer(text.encode("utf-8", "replace"), f"{question_id}-", ".md", DRAFTS)


def discard_draft(path: Path) -> None:
    """Delete a draft whose answer has its critique; raises StorageError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be deleted ({error.strerror})", "Delete it yourself.") from error


def delete_drafts(question_id: str | None = None) -> int:
    """Delete the drafts in the data directory (of one question, or all) and return how many; raises StorageError."""
    pattern = "*.md" if question_id is None else f"{question_id}-*.md"
    # The draft of "net" is no draft of "net-2": behind the id stands what makes a file name unique, without a dash.
    own = [
        path
        for path in sorted((data_directory() / DRAFTS).glob(pattern))
        if question_id is None or "-" not in path.stem.removeprefix(f"{question_id}-")
    ]
    for path in own:
        discard_draft(path)
    return len(own)
