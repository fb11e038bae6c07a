"""Finding out before a model is asked that a report could not be written."""

from __future__ import annotations

from pathlib import Path

from coach.errors import InputError


def check_writable(*paths: Path | None) -> None:
    """Raise InputError for a path that no report can be written to; None stands for a report nobody wants."""
    for path in paths:
        if path is not None:
            _check(path)


def _check(path: Path) -> None:
    # The folder of a link's target, because that is where the report is written.
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir():
        raise InputError(f"{path}: a report cannot be written there", "Name a file in a folder that exists.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: a report cannot be written there", "Name a regular file, not a device.")
    import tempfile

    try:
        # Permissions alone do not tell: the disk may be read-only, or the user one who passes over permissions.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(
            f"{path}: a report cannot be written there ({why})", "Name a file in a folder that you may write."
        ) from None
