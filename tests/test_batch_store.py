"""The store of a batch: private, for one writer, honest about damage, and heir to what older versions left."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from assessment_factory import ANSWER, dicom_assessment, with_bank_flag
from batch_api_server import BatchProvider, batch_provider
from batch_command import coach_batch
from batch_harness import batch_assessor, batch_rows, grade, results_of, small_bank, taken_in, write_bank, write_rows
from scripted_judge import ScriptedJudge
from scripted_model import ScriptedModel

from coach.batch.outputs import write_outputs
from coach.batch.rows import AnswerRow, RowKey, RowKeys
from coach.batch.store import NAME, Store
from coach.errors import InputError, StorageError
from coach.judge.prompts import load_prompts
from coach.judge.structured import StructuredJudge

OLD = Path(__file__).with_name("data") / "old_batch"
JUDGE = ScriptedJudge(lambda task, check: 0.5)


def key_of(question_id: str, answer: str) -> RowKey:
    """Return keys that tell answers apart."""
    return RowKey(f"{question_id} {answer}", f"{question_id} {' '.join(answer.split())}", int(question_id[-1]))


def test_everything_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    """The store and what SQLite puts beside it are readable by the user only."""
    out = tmp_path / "a" / "out"
    with Store.open(out) as store:
        store.take_in(batch_rows(3), key_of)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}

    assert {NAME, f"{NAME}-wal"} <= set(modes)
    if os.name == "posix":
        assert set(modes.values()) == {0o600}
    assert {path.name for path in out.iterdir()} == {NAME, "batch.lock"}


def test_a_directory_has_one_writer(tmp_path: Path) -> None:
    """A second one is refused by name until the first is closed, and readers never are."""
    with Store.open(tmp_path):
        with pytest.raises(InputError, match=rf"another process \(process {os.getpid()}\)"):
            Store.open(tmp_path)
        Store.read(tmp_path).close()
    Store.open(tmp_path).close()


@pytest.mark.parametrize("where", [0, 40, 5000, 20_000])
def test_damage_is_said(tmp_path: Path, where: int) -> None:
    """Whatever was overwritten, the message names the file and a way on, which works and destroys nothing."""
    grade(batch_rows(6), tmp_path, JUDGE)
    with (tmp_path / NAME).open("r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 4000)

    def use() -> None:
        grade(batch_rows(6), tmp_path, JUDGE)
        results_of(tmp_path)

    with pytest.raises(StorageError, match="is damaged") as caught:
        use()

    assert "--restart" in caught.value.hint
    Store.open(tmp_path, restart=True).close()
    assert len(list(tmp_path.glob("batch-*.db"))) == 1


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """It is not guessed at."""
    Store.open(tmp_path).close()
    database = sqlite3.connect(tmp_path / NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()

    for opening in (Store.open, Store.read, Store.preview):
        with pytest.raises(StorageError, match="newer version"):
            opening(tmp_path)


def test_rows_that_cannot_be_read_to_the_end_change_nothing(tmp_path: Path) -> None:
    """When the inputs fail midway the batch stays as it was."""

    def broken() -> Iterator[AnswerRow]:
        yield batch_rows(1)[0]
        raise StorageError("no room for the index", "Free some space.")

    with Store.open(tmp_path) as store:
        store.take_in(batch_rows(4), key_of)
        with pytest.raises(StorageError, match="no room"):
            store.take_in(broken(), key_of)
        assert store.counts().rows == 4


def test_rows_are_judged_question_by_question_and_shown_in_their_order(tmp_path: Path) -> None:
    """More rows than a page holds come all, once each, although results are kept meanwhile."""
    rows = batch_rows(900)
    with Store.open(tmp_path) as store:
        store.take_in(rows, key_of)
        judged = []
        for row, key in store.to_judge():
            judged.append(row.question_id)
            store.keep(row.row_id, key, dicom_assessment())
        shown = [result.row_id for result in store.results()]
        counts = store.counts()

    assert judged == sorted(row.question_id for row in rows)
    assert shown == [row.row_id for row in rows]
    assert (counts.finished, counts.ended, counts.to_judge, counts.complete) == (900, 900, 0, True)


def test_a_result_is_kept_once(tmp_path: Path) -> None:
    """Neither another result nor a failure takes its place; a result takes that of a failure."""
    row = batch_rows(1)[0]
    key = key_of(row.question_id, row.answer)
    with Store.open(tmp_path) as store:
        store.take_in([row], key_of)
        assert store.keep(row.row_id, key, None, "it broke") == 1
        store.keep(row.row_id, key, dicom_assessment(score=40.0))
        store.keep(row.row_id, key, dicom_assessment(score=90.0))
        store.keep(row.row_id, key, None, "it broke again")
        result = store.result(row.row_id)

    assert result is not None
    assert result.assessment is not None
    assert (result.status, result.assessment.score) == ("ok", 40.0)


def test_a_preview_writes_nothing(tmp_path: Path) -> None:
    """Rows can be looked at beside what is kept, in a directory of this version, of an older one, and in none."""
    grade(batch_rows(3), tmp_path / "new", JUDGE)
    before = (tmp_path / "new" / NAME).read_bytes()
    shutil.copytree(OLD, tmp_path / "old")
    names = sorted(path.name for path in (tmp_path / "old").iterdir())

    for directory, finished in (("new", 3), ("old", 0), ("none", 0)):
        with Store.preview(tmp_path / directory) as store:
            taken_in(store, batch_rows(5), batch_assessor(JUDGE))
            counts = store.counts()
        assert (counts.rows, counts.finished, counts.to_judge) == (5, finished, 5 - finished)

    assert (tmp_path / "new" / NAME).read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == names
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX")
def test_a_full_disk_while_rows_are_taken_in(tmp_path: Path) -> None:
    """The message says what to do, and when there is room again everything goes on."""
    code = (
        "import resource, sys; from pathlib import Path; from batch_harness import batch_assessor, batch_rows\n"
        "from coach.batch.store import Store; from test_batch_store import key_of\n"
        "store = Store.open(Path(sys.argv[1])); resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "store.take_in(batch_rows(2000), key_of)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)

    assert "StorageError" in done.stderr
    assert "cannot be read or written" in done.stderr
    assert grade(batch_rows(3), tmp_path, JUDGE).tally.judged == 3


def test_the_page_shows_red_flags_of_the_whole_bank(tmp_path: Path) -> None:
    """They stand with the answer that raises them, beside its criteria."""
    row = AnswerRow("row-1", None, "question-1", ANSWER, "rows.csv", 2)
    with Store.open(tmp_path) as store:
        store.take_in([row], key_of)
        store.keep(row.row_id, key_of(row.question_id, row.answer), with_bank_flag())
        write_outputs(store, small_bank())

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Wrong statements: 1 found" in page
    assert page.count(with_bank_flag().red_flags[0].statement) == 2


# --- directories of older versions ----------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a directory as an older version left it, with the keys that its results would have now.

    It holds eleven answers, of which one failed, two equal ones, one that left the inputs, one that cannot be read, a
    journal with a torn line, and a job of four rows and an equal one that was not collected.
    """
    shutil.copytree(OLD, tmp_path / "out")
    model = ScriptedModel([], name="stub")
    keys = RowKeys(small_bank(), StructuredJudge(model, load_prompts()))
    for path in (tmp_path / "out" / "journal.jsonl", tmp_path / "out" / "jobs" / "0001.rows.jsonl"):
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                lines.append(line)
                continue
            key = keys.of(record["question_id"], record["answer"]) if "answer" in record else None
            if key is not None:
                record |= {"key": key.key, "same": key.same} if "same" in record else {"key": key.key}
            lines.append(f"{json.dumps(record)}\n")
        path.write_text("".join(lines), encoding="utf-8")
    return tmp_path / "out"


def test_an_old_directory_is_reported_as_it_was(old: Path, tmp_path: Path) -> None:
    """Without its inputs: the rows that they held last, their order, failures, copies and what could not be read."""
    result = coach_batch("report", old, "--bank", write_bank(tmp_path / "bank"), "--json")

    summary = json.loads(result.stdout)
    rows = results_of(old)
    assert list(rows)[:4] == ["row-0", "row-1", "row-2", "row-3"]
    assert set(rows) == {*(f"row-{number}" for number in range(11)), "twin", "spaced"}
    assert (summary["scored"], summary["failed"], summary["unreadable"], summary["identical"]) == (12, 1, 1, 2)
    assert (rows["twin"].same_as, rows["spaced"].same_as, rows["row-3"].status) == ("row-0", "row-1", "failed")
    assert (old / "journal.jsonl").is_file()


def test_an_old_directory_is_gone_on_with(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was finished is judged again; what failed and what is new is."""
    from faulty_server import faulty_server

    bank, rows = write_bank(tmp_path / "bank"), batch_rows(12)
    table = write_rows(tmp_path / "rows.csv", rows)
    with faulty_server() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        given = (table, "--out", old, "--bank", bank, "--model", "stub", "--method", "structured")
        plan = coach_batch(*given, "--dry-run", "--json")
        done = coach_batch(*given)
        asked = [body["messages"][1]["content"] for body in server.requests]

    assert (json.loads(plan.stdout)["to_judge"], json.loads(plan.stdout)["reused"]) == (2, 10)
    assert "2 judged, 10 finished before" in done.stderr
    assert sorted(number for number in range(12) if any(f"case number {number} " in text for text in asked)) == [3, 11]


def test_old_jobs_are_collected(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that an older version sent brings its results, also to the row with an equal answer."""
    with batch_provider() as provider:
        resume_job(provider, old)
        monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
        status = coach_batch("status", old, "--json")
        collected = coach_batch("collect", old, "--bank", write_bank(tmp_path / "bank"))

    rows = results_of(old)
    assert json.loads(status.stdout)["jobs"][0]["status"] == "completed"
    assert "4 judged, 1 identical, 0 failed" in collected.stderr
    assert {rows[name].status for name in ("row-3", "row-11", "row-12", "row-13", "waiting")} == {"ok"}
    assert rows["waiting"].same_as == "row-11"


def resume_job(provider: BatchProvider, old: Path) -> None:
    """Let the provider know the job of the old directory, which has ended."""
    name = provider.keep((old / "jobs" / "0001.requests.jsonl").read_bytes())
    jobs = json.loads((old / "jobs.json").read_text(encoding="utf-8"))
    jobs["jobs"][0] |= {"input_file_id": name, "endpoint": provider.url}
    (old / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    provider.start({"endpoint": "/v1/chat/completions", "input_file_id": name, "metadata": {}})
    provider.finish()


def test_damaged_lines_of_an_old_journal_cost_their_rows_only(old: Path) -> None:
    """They are counted, and what cannot be a journal is refused."""
    journal = old / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"\x00\xff damaged\n", *lines[2:]]))
    with Store.open(old) as store:
        assert store.damaged == 1
        assert store.counts().ended == 12
    (old / NAME).unlink()
    journal.write_bytes(b"my diary\nmy diary\n")
    with pytest.raises(StorageError, match="what an older version"):
        Store.open(old)
    Store.open(old, restart=True).close()
