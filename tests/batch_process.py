"""A process that grades rows at a server until it is killed: for tests only.

Usage: python batch_process.py DIR COUNT URL [MAX_BYTES]

With MAX_BYTES no file can grow beyond that, as on a full disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from batch_harness import batch_rows, grade_at

from coach.errors import CoachError
from coach.model.pace import FixedLimit, Patience


def main(directory: str, count: str, url: str, max_bytes: str = "") -> int:
    """Grade the rows; return 0, or the exit code of an error."""
    if max_bytes:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_bytes), int(max_bytes)))
    # Patient: what is tested is the end of this process, not the server's.
    try:
        grade_at(url, batch_rows(int(count)), Path(directory), limit=FixedLimit(8), patience=Patience(), timeout=30.0)
    except CoachError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
