"""A batch at a server that fails in every way: nothing is lost, nothing comes twice, a second run heals."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from batch_harness import HASTY, batch_rows, grade_at, kept_in, results_of, verdicts_of
from faulty_server import FAULTS, faulty_server

from coach.batch.grade import Ending
from coach.model.pace import AdaptiveLimit, EndpointDownError, FixedLimit, Patience

ROWS = 200
FAULTY_SHARE = 0.3


def test_every_row_ends_at_a_server_that_fails_in_every_way(tmp_path: Path) -> None:
    """At 30 % faults each row is an assessment or a failure with its reason; a second run heals all."""
    chance = random.Random(5)
    stubborn = {f"case number {number} " for number in range(0, ROWS, 20)}

    def choose(number: int, body: dict[str, Any]) -> str | None:
        prompt = body["messages"][1]["content"]
        if any(text in prompt for text in stubborn):
            return "500"
        return chance.choice(FAULTS) if chance.random() < FAULTY_SHARE else None

    rows = batch_rows(ROWS)
    with faulty_server(choose) as server:
        run = grade_at(server.url, rows, tmp_path, limit=FixedLimit(24))
        first = results_of(tmp_path)
        sent = len(server.requests)
        server.choose = None
        healed = grade_at(server.url, rows, tmp_path, limit=FixedLimit(24))

    tally = run.tally
    assert run.ending is Ending.COMPLETE
    assert set(first) == {row.row_id for row in rows}
    assert (tally.judged + tally.failed, tally.failed) == (ROWS, healed.tally.judged)
    assert kept_in(tmp_path) == ROWS
    assert all(record.reason for record in first.values() if record.status == "failed")
    assert tally.failed >= len(stubborn)
    assert sent > ROWS
    assert (healed.tally.reused, healed.tally.failed) == (tally.judged, 0)
    assert all(record.status == "ok" for record in results_of(tmp_path).values())


def test_faults_change_no_verdict(tmp_path: Path) -> None:
    """What is judged after failures is what is judged without them."""
    rows = batch_rows(40)
    with faulty_server(lambda number, body: FAULTS[number % 9] if number % 3 == 0 else None) as server:
        grade_at(server.url, rows, tmp_path / "faulty")
        server.choose = None
        grade_at(server.url, rows, tmp_path / "faulty")
        grade_at(server.url, rows, tmp_path / "sound")

    faulty, sound = results_of(tmp_path / "faulty"), results_of(tmp_path / "sound")
    assert {name: verdicts_of(record) for name, record in faulty.items()} == {
        name: verdicts_of(record) for name, record in sound.items()
    }


@pytest.mark.parametrize("fault", ["reset", "500"])
def test_a_dead_endpoint_ends_the_run_and_keeps_everything(tmp_path: Path, fault: str) -> None:
    """When every request fails, the run stops soon; rows that were not judged are left for the next run."""
    patience = Patience(tries=50, first_wait=0.0, longest_wait=0.0, failures=12, down_after=0.0)
    rows = batch_rows(200)
    with faulty_server(lambda number, body: None if number < 30 else fault) as server:
        run = grade_at(server.url, rows, tmp_path, patience=patience)
        asked = len(server.requests)
        server.choose = None
        second = grade_at(server.url, rows, tmp_path, patience=HASTY)

    assert run.ending is Ending.MODEL
    assert isinstance(run.error, EndpointDownError)
    assert asked < 80
    assert run.tally.judged == 30
    assert (second.ending, second.tally.reused, second.tally.judged) == (Ending.COMPLETE, 30, 170)


def test_the_pace_follows_the_server(tmp_path: Path) -> None:
    """A server that pushes back is asked less at a time than one that does not, and neither more than the maximum."""
    free, tight = AdaptiveLimit(16), AdaptiveLimit(16)
    with faulty_server(delay=0.01) as server:
        grade_at(server.url, batch_rows(60), tmp_path / "free", limit=free)
        most = server.most_in_flight
    with faulty_server(lambda number, body: "hurry" if number % 4 == 0 else None, delay=0.01) as server:
        grade_at(server.url, batch_rows(60), tmp_path / "tight", limit=tight)

    assert free.limit == 16
    assert most <= 16
    assert tight.limit < 8
