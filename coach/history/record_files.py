"""Files of attempts as JSON Lines: exports, and the rescue files of attempts that could not be saved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from coach.errors import InputError, StorageError
from coach.files import data_directory, make_private_directory, write_new
from coach.history.records import AttemptRecord

_PREFIX = "coach-attempt-"
_SUFFIX = ".jsonl"


@contextmanager
def private_export(path: Path) -> Iterator[TextIO]:
    """Open a text stream whose content stands in ``path``, readable by the user only, when the block ends well.

    An existing file is replaced as a whole, or not at all. Raises StorageError.
    """
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        temporary = Path(name)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error})", "Name a file in a directory that you may write."
        ) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def read_records(path: Path) -> list[AttemptRecord]:
    """Read an export or a rescue file; raises InputError that names the file and the line."""
    hint = "Give a file that `coach history --export` or a failed save wrote."
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})", hint) from error
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no UTF-8 text", hint) from None
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(_Line.model_validate_json(line).record())
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{path}:{number}: {where}: {first['msg']}", hint) from None
    return records


def write_rescue_file(record: AttemptRecord) -> Path:
    """Write the record to a new private file in the data directory, else in the temporary directory; return its path.

    Raises StorageError when neither can be written.
    """
    failures = []
    for directory in _rescue_directories():
        try:
            if directory != Path(tempfile.gettempdir()):
                make_private_directory(directory)
            return _write_new(directory, record)
        except (OSError, UnicodeError) as error:
            failures.append(f"{directory}: {getattr(error, 'strerror', None) or error}")
    raise StorageError(f"no rescue file could be written ({'; '.join(failures)})", "Copy the answer yourself.")


def rescue_files() -> list[Path]:
    """Return the rescue files of this user, in the data directory and the temporary one, oldest name first."""
    found: list[Path] = []
    for directory in _rescue_directories():
        with suppress(OSError):
            found += sorted(path for path in directory.glob(f"{_PREFIX}*{_SUFFIX}") if _is_ours(path))
    return found


def delete_rescue_files(question_id: str | None = None, bank_title: str | None = None) -> int:
    """Delete the rescue files (of one question, of one bank, or all) and return how many; raises StorageError.

    A file that cannot be read as an attempt is deleted only when all are.
    """
    chosen = [
        path for path in rescue_files() if not (question_id or bank_title) or _holds(path, question_id, bank_title)
    ]
    for path in chosen:
        _delete(path)
    return len(chosen)


def delete_if_rescue_file(path: Path) -> bool:
    """Delete the file when it is one of the user's rescue files; return whether it was. Raises StorageError."""
    if path.resolve() not in [rescued.resolve() for rescued in rescue_files()]:
        return False
    _delete(path)
    return True


class _Line(AttemptRecord):
    """A line of a file; only exported ones have a number, which a new database does not keep."""

    id: int | None = None

    def record(self) -> AttemptRecord:
        return AttemptRecord.model_validate(self.model_dump(by_alias=True, exclude={"id"}))


def _rescue_directories() -> list[Path]:
    return list(dict.fromkeys((data_directory(), Path(tempfile.gettempdir()))))


def _write_new(directory: Path, record: AttemptRecord) -> Path:
    content = (record.model_dump_json(by_alias=True) + "\n").encode()
    stamp = record.created_at.strftime("%Y%m%dT%H%M%SZ")
    return write_new(directory, f"{_PREFIX}{stamp}-", _SUFFIX, content)


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be deleted ({error.strerror})", "Delete it yourself.") from error


def _is_ours(path: Path) -> bool:
    status = path.lstat()
    return path.is_file() and not path.is_symlink() and (os.name == "nt" or status.st_uid == os.geteuid())


def _holds(path: Path, question_id: str | None, bank_title: str | None) -> bool:
    try:
        records = read_records(path)
    except InputError:
        return False
    return any(
        question_id in (None, record.question_id) and bank_title in (None, record.bank_title) for record in records
    )
