"""Inputs that cannot be used at all: what was found in them, and what would be needed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Sequence

from coach.bank.find import QuestionMatcher
from coach.batch.table_layout import near_misses
from coach.errors import InputError

WANTED = (
    "Either name the columns question_id and answer (candidate and id may be added), one answer a row; "
    "or one candidate a row, with one column a question, headed by its id, number or text. "
    "A file that holds one answer is named <candidate>__<question-id>.txt, .md or .docx."
)

#: What a damaged or encrypted workbook or document raises in zipfile, the XML parsers (a SyntaxError) and the libraries
#: above them.
ARCHIVE_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError, TypeError, AttributeError, SyntaxError,
    RuntimeError, OSError,
)  # fmt: skip
_SHOWN = 12


def unreadable(source: str, error: OSError) -> InputError:
    """Return the error for a file that cannot be opened or read."""
    return InputError(
        f"{source}: cannot be read ({error.strerror or error})", "Check the path and the file's permissions."
    )


def empty(source: str) -> InputError:
    """Return the error for a file without any content."""
    return InputError(f"{source}: the file is empty", WANTED)


def unknown_columns(source: str, headers: Sequence[str], form: str, matcher: QuestionMatcher) -> InputError:
    """Return the error for a table none of whose columns is known; it lists them, with what the nearest may mean."""
    names = [name for name in headers if name.strip()]
    near = near_misses(names, matcher)
    hints = [f"{shorten(miss.header)!r}: nearest are {', '.join(miss.question_ids)}." for miss in near[:3]]
    return InputError(
        f"{source}: no column is known; found in its first row: {listed(names)} (read as {form})",
        " ".join([*hints, WANTED]),
    )


def listed(names: Iterable[str]) -> str:
    """Return names for a message: quoted, shortened, at most a dozen."""
    all_names = list(names)
    shown = ", ".join(repr(shorten(name)) for name in all_names[:_SHOWN])
    more = len(all_names) - _SHOWN
    return (f"{shown} and {more} more" if more > 0 else shown) or "nothing"


def storable(text: str) -> str:
    """Return the text without NULs, and with U+FFFD for halves of surrogate pairs: neither can be kept as UTF-8."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def words_of(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind when it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__


def shorten(name: str, width: int = 60) -> str:
    """Return the name on one line, cut to ``width`` characters."""
    name = " ".join(name.split())
    return name if len(name) <= width else name[: width - 1] + "…"
