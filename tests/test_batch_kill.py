"""``kill -9`` or a full disk during a batch: whatever the moment, the next run goes on as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batch_harness import batch_rows, grade_at, results_of, verdicts_of
from faulty_server import FaultyServer, faulty_server, prompt_of

from coach.errors import InputError, StorageError
from coach.model.pace import FixedLimit

PROCESS = Path(__file__).with_name("batch_process.py")
ROWS, MANY_ROWS = 80, 300
KILLS, MANY_KILLS = 4, 20

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")


def start(out: Path, url: str, count: int, max_bytes: int | None = None) -> subprocess.Popen[bytes]:
    """Grade rows in a process of its own, whose files cannot grow beyond ``max_bytes``."""
    limit = [] if max_bytes is None else [str(max_bytes)]
    command = [sys.executable, str(PROCESS), str(out), str(count), url, *limit]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait for the end and return exit code and standard error."""
    _, error = process.communicate(timeout=120)
    return process.returncode, error.decode()


def rows_of(requests: list[dict[str, Any]]) -> list[int]:
    """Return the numbers of the answers in these requests."""
    return [int(prompt_of(body).split("case number ")[1].split()[0]) for body in requests]


def killed_run(out: Path, server: FaultyServer, count: int, wanted: int) -> None:
    """Run until the server was asked about so many rows, then kill the process without warning."""
    before = len(server.requests)
    process = start(out, server.url, count)
    while len(server.requests) < before + wanted and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.communicate(timeout=30)


def finished_rows(out: Path) -> set[int]:
    """Return the numbers of the rows that have a result."""
    try:
        found = results_of(out)
    except (InputError, StorageError):
        # Killed before the store was made.
        return set()
    return {int(name.removeprefix("row-")) for name, record in found.items() if record.status == "ok"}


def test_killed_at_many_moments(tmp_path: Path, all_moments: bool) -> None:
    """Kills and resumes give the results of an undisturbed run, and no finished row is asked about again."""
    killed, sound = tmp_path / "killed", tmp_path / "sound"
    chance, count = random.Random(), MANY_ROWS if all_moments else ROWS
    with faulty_server(delay=0.003) as server:
        for _ in range(MANY_KILLS if all_moments else KILLS):
            finished, before = finished_rows(killed), len(server.requests)
            killed_run(killed, server, count, chance.randint(0, 14))
            asked = rows_of(server.requests[before:])
            assert not finished & set(asked)
            assert len(asked) == len(set(asked))
        assert finished_rows(killed)
        assert finish(start(killed, server.url, count)) == (0, "")
        grade_at(server.url, batch_rows(count), sound, limit=FixedLimit(8), timeout=30.0)

    after, expected = results_of(killed), results_of(sound)
    assert set(after) == {row.row_id for row in batch_rows(count)}
    assert {name: verdicts_of(record) for name, record in after.items()} == {
        name: verdicts_of(record) for name, record in expected.items()
    }
    assert all(record.status == "ok" for record in after.values())


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """The run ends with a message; what was kept stays readable, and no finished row is asked about again."""
    out = tmp_path / "out"
    with faulty_server() as server:
        code, error = finish(start(out, server.url, 60, max_bytes=250_000))
        finished, before = finished_rows(out), len(server.requests)
        assert code == 1
        assert "cannot be read or written" in error
        assert 0 < len(finished) < 60

        assert finish(start(out, server.url, 60)) == (0, "")
        assert not finished & set(rows_of(server.requests[before:]))

    assert {record.status for record in results_of(out).values()} == {"ok"}
    assert len(results_of(out)) == 60


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """Two processes never write one directory: the second says so and leaves everything alone."""
    with faulty_server(delay=0.3) as server:
        first = start(tmp_path / "out", server.url, 20)
        while not server.requests and first.poll() is None:
            time.sleep(0.01)
        # Else it may have ended before the second one has loaded its libraries.
        first.send_signal(signal.SIGSTOP)
        code, error = finish(start(tmp_path / "out", server.url, 20))
        first.send_signal(signal.SIGCONT)
        assert finish(first) == (0, "")

    assert code == 2
    assert "another process" in error
    assert len(results_of(tmp_path / "out")) == 20
