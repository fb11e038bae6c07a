"""``coach batch submit``, ``status`` and ``collect``: jobs at a provider of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_api_server import BatchProvider, batch_provider, sound
from batch_command import coach_batch
from batch_harness import batch_rows, records_of, write_bank, write_rows
from typer.testing import Result

from coach.batch import provider as openai_batch
from coach.batch.batch_job import JobState
from coach.cli import session
from coach.errors import ConfigurationError, InputError, ModelError
from coach.judge.similarity import LexicalSimilarity


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchProvider]:
    """Run a provider that the command is pointed at."""
    with batch_provider() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setattr(session, "sentence_similarity", LexicalSimilarity)
        yield running


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Write the small bank."""
    return write_bank(tmp_path / "bank")


def submit(bank: Path, table: Path, out: Path, *more: object) -> Result:
    """Submit a table."""
    return coach_batch("submit", table, "--out", out, "--bank", bank, "--model", "stub", *more)


def jobs_of(out: Path) -> list[dict[str, Any]]:
    """Return what is kept about the jobs."""
    found: list[dict[str, Any]] = json.loads((out / "jobs.json").read_text(encoding="utf-8"))["jobs"]
    return found


def test_submit_status_collect(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Rows are sent as a job, its state is told, and its results are those of the journal and the reports."""
    out = tmp_path / "out"
    rows = [*batch_rows(6), replace(batch_rows(1)[0], row_id="twin"), replace(batch_rows(2)[1], row_id="e", answer=" ")]
    table = write_rows(tmp_path / "rows.csv", rows)

    submitted = submit(bank, table, out)
    waiting = coach_batch("status", out)
    early = coach_batch("collect", out, "--bank", bank)
    provider.finish()
    ready = coach_batch("status", out)
    collected = coach_batch("collect", out, "--bank", bank, "--json")

    assert "8 rows: 6 sent, 1 identical" in submitted.stderr
    assert "in_progress, 6 requests" in waiting.stdout
    assert "1 jobs are not ready" in early.stderr
    assert "completed, 6 requests, 6 done, 0 failed" in ready.stdout
    records = records_of(out)
    assert set(records) == {row.row_id for row in rows}
    assert all(record.status == "ok" for record in records.values())
    assert records["twin"].same_as == "row-0"
    summary = json.loads(collected.stdout)
    assert (summary["scored"], summary["unscored"], summary["identical"], summary["complete"]) == (7, 1, 1, True)
    assert jobs_of(out)[0]["state"] == JobState.COLLECTED
    bodies = [line["body"] for line in provider.lines()]
    assert all(line["url"] == "/v1/chat/completions" and line["method"] == "POST" for line in provider.lines())
    assert all(body["model"] == "stub" and "response_format" in body for body in bodies)


def test_what_waits_or_is_done_is_not_sent_again(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Submitting again sends new rows only, while the job waits and after it was collected."""
    out = tmp_path / "out"
    submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(4)), out)
    again = submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(5)), out)
    provider.finish()
    coach_batch("collect", out, "--bank", bank)
    third = submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(5)), out)

    assert "5 rows: 1 sent, 0 identical, 0 finished before, 4 waiting" in again.stderr
    assert "5 rows: 0 sent, 0 identical, 5 finished before" in third.stderr
    assert len(provider.lines()) == 5


def test_failed_and_expired_lines_are_sent_again(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Each has its reason in the journal; the next submit sends these rows and no others."""
    out = tmp_path / "out"
    table = write_rows(tmp_path / "rows.csv", batch_rows(6))
    failure = {"response": {"status_code": 500, "body": {"error": {"message": "it broke"}}}, "error": None}

    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        prompt = line["body"]["messages"][1]["content"]
        if "case number 1 " in prompt:
            return failure
        return None if "case number 2 " in prompt else sound(line)

    provider.answer, provider.status = answer, "expired"
    submit(bank, table, out)
    provider.finish()
    first = coach_batch("collect", out, "--bank", bank)
    failed = {name: record.reason for name, record in records_of(out).items() if record.status == "failed"}
    provider.answer, provider.status = sound, "completed"
    again = submit(bank, table, out)
    provider.finish()
    second = coach_batch("collect", out, "--bank", bank)

    assert first.exit_code == 3
    assert failed == {"row-1": "it broke", "row-2": "the job ended (expired) before this row was answered"}
    assert "2 sent" in again.stderr
    assert second.exit_code == 0
    assert all(record.status == "ok" for record in records_of(out).values())


def test_an_unreadable_reply_is_a_failure(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """A job cannot ask a second time, so a reply of no use is sent again by the next submit."""
    out = tmp_path / "out"

    def nonsense(line: dict[str, Any]) -> dict[str, Any]:
        return {"response": {"status_code": 200, "body": {"choices": []}}, "error": None}

    provider.answer = nonsense
    submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(1)), out)
    provider.finish()

    assert coach_batch("collect", out, "--bank", bank).exit_code == 3
    assert "not with a chat completion" in str(records_of(out)["row-0"].reason)


def test_a_batch_whose_id_was_lost_is_found_again(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """When the terminal dies between starting a batch and noting its id, the next submit pays for nothing twice."""
    out = tmp_path / "out"
    table = write_rows(tmp_path / "rows.csv", batch_rows(3))
    provider.lose_create = True
    with pytest.raises(ModelError):
        submit(bank, table, out)
    lost = jobs_of(out)[0]
    provider.lose_create = False

    again = submit(bank, table, out)

    assert (lost["state"], lost["batch_id"]) == (JobState.UPLOADED, None)
    assert jobs_of(out)[0]["batch_id"] == "batch-1"
    assert len(provider.batches) == 1
    assert "1 job started." in again.stderr


def test_files_stay_within_the_limits(
    provider: BatchProvider, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than a file may hold become several jobs, which are all collected."""
    monkeypatch.setattr(openai_batch, "MAX_REQUESTS", 4)
    out = tmp_path / "out"

    submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(10)), out)
    provider.finish()
    coach_batch("collect", out, "--bank", bank)

    assert [job["requests"] for job in jobs_of(out)] == [4, 4, 2]
    assert len(records_of(out)) == 10


def test_a_changed_bank_is_not_mixed_with_old_results(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Rows whose question was edited after the job was sent are left for the next submit."""
    out = tmp_path / "out"
    table = write_rows(tmp_path / "rows.csv", batch_rows(3))
    submit(bank, table, out)
    bank.write_text(bank.read_text(encoding="utf-8").replace("problem 1?", "the first problem?"), encoding="utf-8")
    provider.finish()

    collected = coach_batch("collect", out, "--bank", bank)
    again = submit(bank, table, out)

    assert "1 left out" in collected.stderr
    assert set(records_of(out)) == {"row-1", "row-2"}
    assert "1 sent" in again.stderr


def test_the_option_jobs_is_another_way_to_submit(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """``--jobs openai-batch`` submits; other kinds are refused."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(2))
    given = (table, "--out", tmp_path / "out", "--bank", bank, "--model", "stub", "--jobs")

    assert coach_batch(*given, "openai-batch").exit_code == 0
    assert len(provider.lines()) == 2
    with pytest.raises(InputError, match="unknown kind of jobs"):
        coach_batch(*given, "carrier-pigeon")


def test_the_embedded_model_has_no_jobs(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs need a provider."""
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: True)

    with pytest.raises(ConfigurationError, match="no batch API"):
        coach_batch("submit", tmp_path / "x.csv", "--out", tmp_path, "--bank", bank, "--model", "local")
