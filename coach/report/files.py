"""Writing a report to a file that only its owner can read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from coach.errors import StorageError


def write_report(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8 with mode 0600, whole or not at all; an older report is replaced.

    Raises StorageError when the folder is missing, the place is no regular file, or writing fails.
    """
    if path.exists() and not path.is_file():
        raise StorageError(f"{path}: not a regular file", "Name a file for the report, not a folder or a device.")
    # A link is followed, so that the file it names is replaced and not the link (such as /dev/stdout) itself.
    target = path.resolve()
    if not target.parent.is_dir():
        raise StorageError(f"{path}: the folder {target.parent} does not exist", "Create the folder first.")
    try:
        # mkstemp creates the file with mode 0600.
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise _not_written(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        temporary.replace(target)
    except OSError as error:
        raise _not_written(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: the report cannot be written ({error.strerror})", "Check the folder's permissions and free space."
    )
