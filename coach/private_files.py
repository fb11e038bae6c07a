"""New files that only the user can read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private_file(folder: Path, prefix: str, suffix: str, content: bytes) -> Path:
    """Write a new file with a name of its own into the folder, to the disk, and return its path.

    Nothing is left of a file that could not be written whole. Raises OSError.
    """
    # mkstemp makes a file that only the user can read, and never follows or replaces one that is there.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=suffix)
    path = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
    return path
