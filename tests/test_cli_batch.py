"""``coach batch``: the whole way from files to reports, at a server of our own."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from batch_command import coach_batch
from batch_harness import batch_rows, kept_in, results_of, write_bank, write_rows
from faulty_server import FaultyServer, faulty_server
from html_page import assert_self_contained
from typer.testing import Result

from coach.errors import CoachError, ConfigurationError, InputError, ModelError

OUTPUTS = {"results.jsonl", "results.csv", "results.xlsx", "summary.json", "report.html"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Run a sound server that the command is pointed at."""
    with faulty_server() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        # Loading the sentence encoder takes longer than everything else here.
        monkeypatch.setattr("coach.model.encoder.encoder_installed", lambda: False)
        yield running


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Write the small bank."""
    return write_bank(tmp_path / "bank")


def grade(bank: Path, table: Path, out: Path, *more: object) -> Result:
    """Grade a table with the structured method."""
    return coach_batch(table, "--out", out, "--bank", bank, "--model", "stub", "--method", "structured", *more)


def test_a_table_becomes_results_and_reports(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """Every output is there, private to the user, and says the same about every row."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(9))
    out = tmp_path / "out"

    result = grade(bank, table, out, "--json")

    summary = json.loads(result.stdout)
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    with (out / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook(out / "results.xlsx").active
    assert result.exit_code == 0
    assert summary == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert (summary["schema"], summary["rows"], summary["scored"]) == ("coach/batch-summary@1", 9, 9)
    assert summary["cached_share"] == pytest.approx(0.5, abs=0.01)
    assert [line["row_id"] for line in lines] == [row["Row"] for row in rows] == [f"row-{n}" for n in range(9)]
    assert [float(row["Score"]) for row in rows] == [line["assessment"]["score"] for line in lines]
    assert {"Facts", "Action"} <= set(rows[0])
    assert sheet is not None
    assert sheet.max_row == 10
    assert "9 answers graded" in (out / "report.html").read_text(encoding="utf-8")
    assert {path.name for path in out.iterdir()} >= OUTPUTS
    if os.name == "posix":
        assert {oct(path.stat().st_mode & 0o777) for path in out.iterdir() if path.name in OUTPUTS} == {"0o600"}


def test_an_endpoint_without_log_probabilities_ends_the_run_at_once(
    server: FaultyServer, bank: Path, tmp_path: Path
) -> None:
    """It is the endpoint's fault and no row's: a handful of requests, exit by the model's error, no row failed."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(60))
    out = tmp_path / "out"

    with pytest.raises(ModelError, match="gives no log-probabilities") as caught:
        coach_batch(table, "--out", out, "--bank", bank, "--model", "stub", "--method", "logprobs")

    assert "--method structured" in caught.value.hint
    assert len(server.requests) < 30
    assert results_of(out) == {}


def test_the_same_command_goes_on(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """--max-rows stops and says how to go on; the second run asks only about the rest."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(9))

    first = grade(bank, table, tmp_path / "out", "--max-rows", 5)
    second = grade(bank, table, tmp_path / "out")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Stopped after --max-rows. Run the same command again to go on." in first.stderr
    assert "4 judged, 5 finished before" in second.stderr
    assert len(server.requests) == 9


def test_a_row_taken_out_of_the_file_leaves_the_reports(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """Reports show the rows of the input; what is known about others is kept."""
    rows = batch_rows(5)
    grade(bank, write_rows(tmp_path / "rows.csv", rows), tmp_path / "out")
    grade(bank, write_rows(tmp_path / "rows.csv", rows[1:]), tmp_path / "out")

    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["rows"] == 4
    assert kept_in(tmp_path / "out") == 5
    assert len(server.requests) == 5


def test_reports_are_rebuilt_without_judging(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """``coach batch report DIR`` needs the results and nothing else, and asks no model."""
    out = tmp_path / "out"
    grade(bank, write_rows(tmp_path / "rows.csv", batch_rows(4)), out)
    before = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    for name in OUTPUTS:
        (out / name).unlink()

    result = coach_batch("report", out, "--bank", bank, "--json")

    assert result.exit_code == 0
    assert {**json.loads(result.stdout), "created_at": ""} == {**before, "created_at": ""}
    assert {path.name for path in out.iterdir()} >= OUTPUTS
    assert len(server.requests) == 4


def test_a_dry_run_sends_nothing(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """It says what was found, what it costs and what a run would reuse, and writes nothing."""
    table = write_rows(tmp_path / "rows.csv", [*batch_rows(8), replace(batch_rows(1)[0], row_id="twin")])

    before = grade(bank, table, tmp_path / "out", "--dry-run", "--json", "--quiet", "--price-model", "gpt-5.4-mini")
    assert not (tmp_path / "out").exists()
    assert server.requests == []
    grade(bank, table, tmp_path / "out", "--max-rows", 3)
    asked = len(server.requests)
    after = grade(bank, table, tmp_path / "out", "--dry-run")

    plan = json.loads(before.stdout)
    assert before.stderr == ""
    assert (plan["rows"], plan["to_judge"], plan["identical"], plan["requests"]) == (9, 8, 1, 8)
    assert plan["input_tokens"] > 8 * 300
    assert 0.5 < plan["repeated_share"] < 1
    assert [price["model"] for price in plan["prices"]] == ["stub", "gpt-5.4-mini"]
    assert plan["prices"][1]["cached_input_usd"] < plan["prices"][1]["input_usd"] < plan["prices"][1]["most_usd"]
    assert plan["minutes"] is None
    assert len(server.requests) == asked
    assert "5 to judge; 4 finished already" in after.stdout
    assert "Nothing was sent." in after.stdout


def test_formulas_and_markup_cannot_run(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """What a candidate writes is text in every output, whatever a spreadsheet or browser would make of it."""
    formula, script = '=HYPERLINK("http://a.test","x")', "<script>alert(1)</script><img src=x onerror=alert(2)>"
    first = batch_rows(1)[0]
    rows = [replace(first, candidate=formula, answer=f"=1+1 {first.answer} {script}")]

    grade(bank, write_rows(tmp_path / "rows.csv", rows), tmp_path / "out")

    with (tmp_path / "out" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx").active
    assert sheet is not None
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert row["Candidate"] == f"'{formula}"
    assert row["Answer"].startswith("'=1+1")
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    assert "&lt;script&gt;" in page
    assert_self_contained(page)


def test_rows_that_cannot_be_read_or_graded_give_exit_code_3(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """The rest is graded; what failed is named with its reason."""
    rows = batch_rows(4)
    rows[1] = replace(rows[1], question_id="no-such-question")
    server.choose = lambda number, body: "garbage" if "case number 2 " in body["messages"][1]["content"] else None

    result = grade(bank, write_rows(tmp_path / "rows.csv", rows), tmp_path / "out")

    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert result.exit_code == 3
    assert "there is no question 'no-such-question'" in result.stderr
    assert "Run the same command again to try the failed rows once more." in result.stderr
    assert (summary["scored"], summary["failed"], summary["unreadable"]) == (2, 1, 1)
    assert "not with JSON that can be read" in summary["failures"][0]["reason"]
    assert "no-such-question" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_refused_key_is_exit_code_4_and_nothing_is_lost(
    server: FaultyServer, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of the model ends the command; reports of what was finished are written, and the hint says go on."""
    from coach.errors import ModelAuthenticationError
    from coach.model.openai_client import OpenAIChatModel

    async def refused(self: OpenAIChatModel, request: object) -> object:
        raise ModelAuthenticationError("the key was refused", "Check it.")

    table = write_rows(tmp_path / "rows.csv", batch_rows(5))
    grade(bank, table, tmp_path / "out", "--max-rows", 2)
    monkeypatch.setattr(OpenAIChatModel, "complete", refused)

    with pytest.raises(ModelError) as caught:
        grade(bank, table, tmp_path / "out")

    assert caught.value.exit_code == 4
    assert caught.value.hint.startswith("Check it. Everything up to here is kept")
    assert json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["scored"] == 2


def test_a_budget_needs_a_known_price(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--max-cost is refused before anything is sent when nobody knows what the model costs."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.invalid/v1")
    monkeypatch.setattr("coach.model.encoder.encoder_installed", lambda: False)

    with pytest.raises(InputError, match="the price of stub at") as caught:
        grade(bank, write_rows(tmp_path / "rows.csv", batch_rows(2)), tmp_path / "out", "--max-cost", "1")

    assert "--max-rows" in caught.value.hint


def test_a_calibration_or_model_that_is_not_there_leaves_nothing(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the options name is looked for before the output directory is made."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(2))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.invalid/v1")
    with pytest.raises(CoachError, match="typo"):
        grade(bank, table, tmp_path / "out", "--calibration", "typo")
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: False)
    with pytest.raises(ConfigurationError, match="model"):
        coach_batch(table, "--out", tmp_path / "out", "--bank", bank)

    assert not (tmp_path / "out").exists()


def test_restart_keeps_the_old_results(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """--restart judges everything again and destroys nothing."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(3))
    grade(bank, table, tmp_path / "out")
    grade(bank, table, tmp_path / "out", "--restart")

    assert len(server.requests) == 6
    assert len(list((tmp_path / "out").glob("batch-*.db"))) == 1


def test_a_short_batch_starts_no_process(
    server: FaultyServer, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that prepare answers load their libraries longer than a short batch takes."""

    def processes(*_: object) -> None:
        raise AssertionError("not for so few rows")

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", processes)

    assert grade(bank, write_rows(tmp_path / "rows.csv", batch_rows(30)), tmp_path / "out").exit_code == 0
    monkeypatch.setattr("coach.cli.batch_run.MIN_ROWS", 31)
    with pytest.raises(AssertionError, match="not for so few"):
        grade(bank, write_rows(tmp_path / "rows.csv", batch_rows(62)), tmp_path / "out")


def test_quiet_says_nothing(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """With --quiet a run without trouble leaves the terminal empty."""
    result = grade(bank, write_rows(tmp_path / "rows.csv", batch_rows(3)), tmp_path / "out", "--quiet")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_what_was_recognised_is_said_first(server: FaultyServer, bank: Path, tmp_path: Path) -> None:
    """A wide table's headers are listed with the question that each was taken for."""
    table = tmp_path / "form.csv"
    answers = [row.answer for row in batch_rows(2)]
    table.write_text(f'Name,question-1,2,Shoe size\nZoë,"{answers[0]}","{answers[1]}",41\n', encoding="utf-8")

    result = grade(bank, table, tmp_path / "out")

    assert "'question-1' -> question-1 (by id)" in result.stderr
    assert "'2' -> question-2 (by number)" in result.stderr
    assert "not used: 'Shoe size'" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("twice", [False, True])
def test_interrupting_a_run(bank: Path, tmp_path: Path, twice: bool) -> None:
    """Ctrl-C finishes what is in flight and gives exit code 130; a second one ends at once and keeps what was done."""
    table = write_rows(tmp_path / "rows.csv", batch_rows(60))
    with faulty_server(lambda number, body: "silence" if twice and number > 12 else None, delay=0.05) as server:
        command = [sys.executable, "-c", "from coach.cli.app import main; main()", "batch", str(table)]
        command += ["--out", str(tmp_path / "out"), "--bank", str(bank), "--model", "stub", "--method", "structured"]
        command += ["--concurrency", "2"]
        environment = {**os.environ, "OPENAI_BASE_URL": server.url, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            while len(server.requests) < 14 and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            if twice:
                time.sleep(0.3)
                process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)

    records = results_of(tmp_path / "out")
    assert process.returncode == 130
    assert "Ctrl-C again stops at once" in error
    assert 10 <= len(records) < 40
    if twice:
        assert "the same command goes on from here" in error
    else:
        assert "what was in flight is finished. Run the same command again to go on." in error
        assert len(records) == len(server.requests)
