"""The rows of a batch's inputs that could not be read, kept for the reports: ``unreadable.jsonl``, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

from coach.batch.rows import RowProblem
from coach.errors import StorageError
from coach.files import replacing

FILE_NAME = "unreadable.jsonl"
SHOWN = 20
_PROBLEM = TypeAdapter(RowProblem)


class UnreadableRows:
    """Takes the place of what an earlier run kept; readable by the user only. Raises StorageError."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        with replacing(self._path):
            pass
        self._file: IO[bytes] | None = None

    def add(self, problem: RowProblem) -> None:
        """Keep one."""
        try:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
            self._file.write(_PROBLEM.dump_json(problem) + b"\n")
        except OSError as error:
            raise StorageError(
                f"{self._path}: cannot be written ({error.strerror or error})",
                "What was finished is kept. Free some space, then run the same command again.",
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_unreadable(directory: Path) -> tuple[list[RowProblem], int]:
    """Return the first unreadable rows of the last run, and how many there were; raises StorageError."""
    path = directory / FILE_NAME
    problems: list[RowProblem] = []
    count = 0
    try:
        with path.open("rb") as file:
            for line in file:
                count += 1
                if len(problems) < SHOWN:
                    problems.append(_PROBLEM.validate_json(line))
    except FileNotFoundError:
        return [], 0
    except ValidationError:
        # A line that a crash tore is the last one.
        return problems, count
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})", "Check its permissions.") from error
    return problems, count
