"""``coach batch submit``, ``status`` and ``collect``: jobs at a provider of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_api_server import BatchProvider, batch_provider, sound
from batch_command import coach_batch
from batch_harness import batch_rows, results_of, write_bank, write_rows
from typer.testing import Result

from coach.batch import jobs as openai_batch
from coach.batch.rows import JobState
from coach.batch.store import Store
from coach.errors import CoachError, ConfigurationError, InputError, ModelError
from coach.submit.assessment import Assessment


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchProvider]:
    """Run a provider that the command is pointed at."""
    with batch_provider() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setattr("coach.model.encoder.encoder_installed", lambda: False)
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
    with Store.read(out) as store:
        return [json.loads(job.model_dump_json()) for job in store.jobs()]


def test_submit_status_collect(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Rows are sent as a job, its state is told, and its results are those of the store and the reports."""
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
    records = results_of(out)
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
    """Each has its reason in the results; the next submit sends these rows and no others."""
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
    failed = {name: record.reason for name, record in results_of(out).items() if record.status == "failed"}
    provider.answer, provider.status = sound, "completed"
    again = submit(bank, table, out)
    provider.finish()
    second = coach_batch("collect", out, "--bank", bank)

    assert first.exit_code == 3
    assert failed == {"row-1": "it broke", "row-2": "the job ended (expired) before this row was answered"}
    assert "2 sent" in again.stderr
    assert second.exit_code == 0
    assert all(record.status == "ok" for record in results_of(out).values())


def test_an_unreadable_reply_is_a_failure(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """A job cannot ask a second time, so a reply of no use is sent again by the next submit."""
    out = tmp_path / "out"

    def nonsense(line: dict[str, Any]) -> dict[str, Any]:
        return {"response": {"status_code": 200, "body": {"choices": []}}, "error": None}

    provider.answer = nonsense
    submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(1)), out)
    provider.finish()

    assert coach_batch("collect", out, "--bank", bank).exit_code == 3
    assert "not with a chat completion" in str(results_of(out)["row-0"].reason)


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
    assert len(results_of(out)) == 10


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
    assert set(results_of(out)) == {"row-1", "row-2"}
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


def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the calibration named ``flat`` give every answer 50 points."""

    def load(name: str | None) -> tuple[str, Callable[[Assessment], Assessment] | None]:
        if name is None:
            return "", None
        return "hash", lambda assessment: assessment.model_copy(update={"score": 50.0})

    monkeypatch.setattr("coach.cli.batch_run.calibration_of", load)


def test_a_dry_run_of_jobs_sends_nothing(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """``--jobs`` with ``--dry-run`` says what would be sent, at half the price, and sends and writes nothing."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(4))
    given = (table, "--out", tmp_path / "out", "--bank", bank, "--model", "gpt-5.4-mini", "--dry-run", "--json")

    jobs = json.loads(coach_batch(*given, "--jobs", "openai-batch").stdout)
    now = json.loads(coach_batch(*given, "--method", "structured", "--price-model", "gpt-5.4-mini").stdout)

    assert (provider.files, provider.batches, provider.chats) == ({}, {}, 0)
    assert not (tmp_path / "out").exists()
    assert (jobs["to_judge"], jobs["judge"]) == (4, "structured")
    other = json.loads(coach_batch(*given, "--jobs", "openai-batch", "--price-model", "gpt-5.4-mini").stdout)
    assert other["prices"][1]["most_usd"] == pytest.approx(now["prices"][1]["most_usd"] / 2)


def test_jobs_keep_to_the_limits(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """--max-rows sends so many rows now and the rest later."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(5))

    first = submit(bank, table, tmp_path / "out", "--max-rows", 2)
    second = submit(bank, table, tmp_path / "out")

    assert "2 sent" in first.stderr
    assert "Stopped after --max-rows." in first.stderr
    assert "3 sent" in second.stderr


def test_jobs_stop_before_they_cost_too_much(
    provider: BatchProvider, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more rows are sent than the budget holds at the most that each can cost, at half the price."""
    monkeypatch.setattr("coach.submit.open.cost_usd", lambda model, usage, endpoint: 0.5)
    monkeypatch.setattr("coach.batch.costs.is_loopback", lambda url: False)

    result = submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(6)), tmp_path / "out", "--max-cost", "0.8")

    assert "3 sent" in result.stderr
    assert "Stopped before --max-cost would be exceeded." in result.stderr
    assert len(provider.lines()) == 3


def test_jobs_are_asked_in_one_way_only(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Another method is refused before anything is sent or written."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(2))

    with pytest.raises(ConfigurationError, match="jobs cannot use the method 'logprobs'"):
        coach_batch(
            table, "--out", tmp_path / "out", "--bank", bank, "--model", "stub", "--jobs", "openai-batch",
            "--method", "logprobs",
        )  # fmt: skip

    assert provider.files == {}
    assert not (tmp_path / "out").exists()


def test_jobs_can_start_over(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """--restart sends everything again, unless results are waiting that are paid for."""
    out, table = tmp_path / "out", write_rows(tmp_path / "rows.csv", batch_rows(3))
    submit(bank, table, out)
    with pytest.raises(InputError, match="jobs are waiting"):
        submit(bank, table, out, "--restart")
    provider.finish()
    coach_batch("collect", out, "--bank", bank)

    again = submit(bank, table, out, "--restart")

    assert "3 sent" in again.stderr


def test_the_results_of_jobs_are_calibrated(
    provider: BatchProvider, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calibration named at sending is applied when results are fetched, and is part of their keys."""
    calibrated(monkeypatch)
    out, table = tmp_path / "out", write_rows(tmp_path / "rows.csv", batch_rows(3))
    submit(bank, table, out, "--calibration", "flat")
    provider.finish()
    coach_batch("collect", out, "--bank", bank)

    scores = {record.assessment.score for record in results_of(out).values() if record.assessment}
    again = submit(bank, table, out, "--calibration", "flat")
    plain = submit(bank, table, out)

    assert scores == {50.0}
    assert "3 finished before" in again.stderr
    assert "3 sent" in plain.stderr


@pytest.mark.parametrize("command", ["status", "collect", "report"])
def test_a_directory_that_is_no_batch_is_refused(command: str, tmp_path: Path) -> None:
    """A misspelt directory is not made, and neither is a store in one that holds something else."""
    with pytest.raises(CoachError, match="there is no") as caught:
        coach_batch(command, tmp_path / "typo")
    with pytest.raises(CoachError, match="there is no"):
        coach_batch(command, tmp_path)

    assert caught.value.exit_code == 2
    assert "--out" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_input_leaves_nothing(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """Inputs are opened before the output directory is made, by jobs too."""
    with pytest.raises(InputError, match="no such file"):
        submit(bank, tmp_path / "typo.csv", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_unreadable_rows_of_jobs_give_exit_code_3(provider: BatchProvider, bank: Path, tmp_path: Path) -> None:
    """The others are sent; `collect` says it again."""
    rows = batch_rows(3)
    rows[1] = replace(rows[1], question_id="no-such-question")

    submitted = submit(bank, write_rows(tmp_path / "rows.csv", rows), tmp_path / "out")
    provider.finish()
    collected = coach_batch("collect", tmp_path / "out", "--bank", bank)

    assert (submitted.exit_code, collected.exit_code) == (3, 3)
    assert "2 sent" in submitted.stderr


def test_jobs_are_asked_at_their_own_endpoint(
    provider: BatchProvider, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Today's key is never sent to look for a job elsewhere; jobs of both endpoints come in, each at its own."""
    out = tmp_path / "out"
    submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(2)), out)
    with batch_provider() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        with pytest.raises(ConfigurationError, match="job 1 is at") as caught:
            coach_batch("collect", out, "--bank", bank)
        submit(bank, write_rows(tmp_path / "rows.csv", batch_rows(4)), out)
        other.finish()
        second = coach_batch("collect", out, "--bank", bank)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    provider.finish()
    coach_batch("collect", out, "--bank", bank)

    assert provider.url in caught.value.message
    assert "OPENAI_BASE_URL" in caught.value.hint
    assert "2 judged" in second.stderr
    assert f"warning: job 1 is at {provider.url}" in second.stderr
    assert len(results_of(out)) == 4
