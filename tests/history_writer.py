"""A process of its own that saves attempts: history_writer.py PATH NAME COUNT, after a line on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

# Loaded before the start, so that both processes really open the new file at the same moment.
import filelock  # noqa: F401
from history_factory import BANK, QUESTION, judged

from coach.history.store import HistoryStore, new_record


def main(path: Path, name: str, count: int) -> None:
    """Say that the process is ready, wait for the start, then save ``count`` attempts one by one."""
    assessment = judged()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with HistoryStore.open(path, wait_seconds=120) as store:
        for number in range(count):
            store.add_record(new_record(QUESTION, f"{name} {number}", assessment, BANK))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
