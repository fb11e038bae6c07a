"""Named calibrations: one JSON file each in the user's data directory, readable by its user only."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from coach.calibrate.calibration import Calibration
from coach.calibrate.score_mapping import apply_calibration
from coach.errors import InputError, StorageError
from coach.files import data_directory, replacing
from coach.submit.assessment import Assessment

FOLDER = "calibrations"
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MAX_NAME = 60
#: Names that Windows keeps for devices, whatever follows the dot.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def check_name(name: str) -> str:
    """Return the name; raises InputError unless it can be a file's name everywhere."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise InputError(
            f"{name[:_MAX_NAME]!r} cannot be the name of a calibration",
            "Use small letters, digits, and single dots, hyphens or underscores between them, such as marks-2026.",
        )
    return name


def calibration_path(name: str) -> Path:
    """Return where a calibration of this name is kept; raises InputError for a bad name."""
    return data_directory() / FOLDER / f"{check_name(name)}.json"


def calibration_names() -> list[str]:
    """Return the names of all kept calibrations, sorted; raises StorageError."""
    try:
        return sorted(path.stem for path in (data_directory() / FOLDER).glob("*.json"))
    except OSError as error:
        raise _failed(data_directory() / FOLDER, "read", error) from error


def save_calibration(calibration: Calibration) -> Path:
    """Keep a calibration under its name, in place of an older one, and return its file (mode 0600).

    Raises InputError for a bad name, StorageError when it cannot be written.
    """
    path = calibration_path(calibration.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _failed(path.parent, "made", error) from error
    with replacing(path) as new:
        new.write_text(calibration.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
    return path


def load_calibration(name: str) -> Calibration:
    """Return the calibration of this name.

    Raises InputError that lists the known names when there is none, or when the file is damaged; StorageError when it
    cannot be read.
    """
    path = calibration_path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = calibration_names()
        raise InputError(
            f"there is no calibration {name!r}",
            f"Known: {', '.join(known)}." if known else "Make one with: coach calibrate GOLD --save NAME",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _failed(path, "read", error) from error
    try:
        return Calibration.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{path}: not a calibration ({'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']})",
            "Make it again with: coach calibrate GOLD --save NAME",
        ) from None


def apply_named_calibration(assessment: Assessment, name: str) -> Assessment:
    """Load a calibration and apply it (see `coach.calibrate.score_mapping.apply_calibration`); raises CoachError."""
    return apply_calibration(assessment, load_calibration(name))


def _failed(path: Path, action: str, error: OSError | UnicodeDecodeError) -> StorageError:
    why = error.strerror if isinstance(error, OSError) else "not UTF-8"
    return StorageError(f"{path}: cannot be {action} ({why or error})", "Check its permissions and the disk.")
