"""A process that writes a journal until it is killed or its file may not grow: for tests only.

Usage: python journal_writer.py DIR COUNT [MAX_FILE_BYTES]
"""

from __future__ import annotations

import sys
from pathlib import Path

from batch_factory import journal_record

from coach.batch.journal import Journal
from coach.errors import CoachError


def main(directory: str, count: str, max_bytes: str = "") -> int:
    """Append records, printing the id of each when ``append`` has returned."""
    try:
        with Journal.open(Path(directory)) as journal:
            if max_bytes:
                _limit_file_size(int(max_bytes))
            for number in range(int(count)):
                journal.append(journal_record(f"row-{number}", f"key-{number}"))
                print(f"row-{number}", flush=True)  # noqa: T201
    except CoachError as error:
        print(f"{type(error).__name__}: {error.message}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _limit_file_size(max_bytes: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
