"""The scores of a calibration run, kept line by line, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import Field, ValidationError

from coach.batch.journal_file import JournalFile
from coach.batch.journal_lock import JournalLock
from coach.calibrate.result import JudgeSummary
from coach.errors import StorageError
from coach.files import cache_directory
from coach.schema import ResultModel
from coach.submit.key import canonical_sha256

FILE_NAME = "scores.jsonl"


class ScoreRecord(ResultModel):
    """One kept score. ``key`` covers everything that changes it (see coach.submit.key); no answer is kept."""

    key: str = Field(min_length=1)
    repeat: int = Field(ge=0, description="0 for the first time of judging, 1 for the second ...")
    score: float = Field(ge=0, le=100)
    seconds: float = Field(ge=0)
    cost_usd: float | None = None


def score_directory(judge: JudgeSummary) -> Path:
    """Return where the scores of a judge are kept unless the user names a directory: one per judge, in the cache."""
    identity = judge.model_dump(mode="json", include={"judge", "model", "prompt_version", "settings"})
    return cache_directory() / "calibrate" / canonical_sha256(identity)[:16]


class ScoreLog:
    """Kept scores by result key and repetition, in an append-only file (``scores.jsonl``, mode 0600).

    Opening it reads every record. A last line that a crash tore is removed; another line that cannot be read stays
    and counts as ``damaged``, and its answer is judged again. The last record of a key counts.
    Raises InputError when another process has the directory, StorageError when it cannot be read or written.
    """

    def __init__(self, directory: Path) -> None:
        self.damaged = 0
        self._scores: dict[tuple[str, int], ScoreRecord] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(
                f"{directory}: cannot be made ({error.strerror or error})", "Name another directory with --out."
            ) from error
        self._lock = JournalLock(directory)
        try:
            self._file = JournalFile(directory / FILE_NAME, writable=True)
            self._load()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        self.close()

    def get(self, key: str, repeat: int) -> ScoreRecord | None:
        """Return the kept score of one judging, or None."""
        return self._scores.get((key, repeat))

    def add(self, record: ScoreRecord) -> None:
        """Keep a score; when this returns, ``kill -9`` cannot lose it. Raises StorageError."""
        self._file.append(record.model_dump_json().encode())
        self._scores[record.key, record.repeat] = record

    def close(self) -> None:
        """Bring everything to the disk, close the file and let other processes in."""
        try:
            self._file.close()
        finally:
            self._lock.release()

    def _load(self) -> None:
        tail = self._file.tail()
        if tail:
            # Only the line end is missing when the crash came at the very last byte.
            if _parse(tail):
                self._file.end_tail()
            else:
                self._file.cut_tail(len(tail))
        for line in self._file.lines():
            record = _parse(line.content)
            if record:
                self._scores[record.key, record.repeat] = record
            elif line.content.strip():
                self.damaged += 1


def _parse(line: bytes) -> ScoreRecord | None:
    try:
        return ScoreRecord.model_validate_json(line)
    except ValidationError:
        return None
