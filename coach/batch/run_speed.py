"""How fast a batch went, kept beside its journal so that a dry run can say how long the rest will take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from coach.errors import StorageError
from coach.files import replacing

FILE_NAME = "speed.json"
#: Fewer rows say nothing about the next thousand.
MIN_ROWS = 10


class RunSpeed(BaseModel):
    """What was measured in the last run: rows a minute, and output tokens a row (None where not reported)."""

    judge: str
    model: str
    endpoint: str
    rows: int
    rows_per_minute: float
    output_tokens_per_row: float | None


def save_speed(directory: Path, speed: RunSpeed) -> None:
    """Keep what was measured, if it was enough; a failure to write it is no reason to stop."""
    if speed.rows < MIN_ROWS:
        return
    with suppress(StorageError), replacing(directory / FILE_NAME) as new:
        new.write_text(speed.model_dump_json(), encoding="utf-8")


def load_speed(directory: Path, judge: str, model: str) -> RunSpeed | None:
    """Return what was measured with this judge and model, or None."""
    try:
        speed = RunSpeed.model_validate_json((directory / FILE_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return speed if (speed.judge, speed.model) == (judge, model) else None
