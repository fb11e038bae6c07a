"""``coach history``: list, progress, export, import and deletion, as a person calls them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer
from assessment_factory import shipped_bank
from history_factory import judged
from typer.testing import CliRunner, Result

from coach.answer.read import keep_draft
from coach.cli.history import history_app
from coach.errors import CoachError, InputError, StorageError, UnknownQuestionError
from coach.history.saving import rescue_files, write_rescue_file
from coach.history.store import HistoryStore, new_record
from coach.submit.scoring import SCORING_RULE

ROOT = Path(__file__).resolve().parent.parent
LIBRARIAN = ROOT / "examples" / "librarian" / "questions.yaml"
PACS = shipped_bank().title
RUN = """
import typer
from coach.cli.history import history_app
app = typer.Typer()
app.add_typer(history_app, name='history')
app()
"""

app = typer.Typer()
app.add_typer(history_app, name="history")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty history of its own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COACH_DATABASE_URL", raising=False)
    return tmp_path / "data"


@pytest.fixture
def saved() -> list[int]:
    """Save two attempts at one question, one at another, and one of another bank; return their numbers."""
    with HistoryStore.open() as store:
        return [
            store.add_record(new_record("dicom-standard", "first try", judged(41), PACS)),
            store.add_record(new_record("dicom-standard", "second try", judged(66), PACS)),
            store.add_record(new_record("hl7-integration", "another", judged(50, question_id="hl7-integration"), PACS)),
            store.add_record(new_record("weeding", "from the library", judged(50, question_id="weeding"), "Librarian")),
        ]


def answers() -> list[str]:
    """Return the answers in the history."""
    with HistoryStore.open() as store:
        return [attempt.answer for attempt in store.attempts()]


def coach(*arguments: str) -> Result:
    """Run the command; an unexpected exception fails the test."""
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["history", *arguments])
    if result.exception and not isinstance(result.exception, (SystemExit, CoachError)):
        raise result.exception
    return result


def refusal(*arguments: str) -> CoachError:
    """Run the command and return the error it ends with; it must not have printed anything."""
    result = coach(*arguments)
    assert isinstance(result.exception, CoachError)
    assert result.stdout == ""
    return result.exception


def test_the_listing_is_the_default(saved: list[int]) -> None:
    """``coach history`` shows every attempt; the word show is not needed."""
    result = coach()

    assert result.exit_code == 0
    assert [line.split()[3] for line in result.stdout.splitlines() if "2.5-coder" in line] == [
        "dicom-standard",
        "dicom-standard",
        "hl7-integration",
        "weeding",
    ]
    assert coach("show").stdout == result.stdout


def test_the_listing_can_be_limited() -> None:
    """By default thirty are listed, --limit takes another number, and --json gives all."""
    with HistoryStore.open() as store:
        for number in range(33):
            store.add_record(new_record("dicom-standard", f"try {number}", judged(), PACS))

    assert "3 older attempts not shown" in coach().stdout
    assert "31 older attempts not shown" in coach("--limit", "2").stdout
    assert "not shown" not in coach("--limit", "0").stdout
    assert len(json.loads(coach("--json").stdout)["attempts"]) == 33
    assert len(json.loads(coach("--json", "--limit", "2").stdout)["attempts"]) == 2


def test_the_listing_as_json(saved: list[int]) -> None:
    """One document on standard output, nothing on standard error, and no answers in it."""
    result = coach("--json")
    document = json.loads(result.stdout)

    assert result.stderr == ""
    assert (document["schema"], document["total"]) == ("coach/history@1", 4)
    assert [attempt["id"] for attempt in document["attempts"]] == saved
    assert "first try" not in result.stdout


@pytest.mark.parametrize("question", ["dicom-standard", "1", "DICOM-Standard"])
def test_the_progress_of_a_question(saved: list[int], question: str) -> None:
    """A question is named by id or number, as everywhere."""
    result = coach(question)

    assert result.exit_code == 0
    assert "dicom-standard · 2 attempts, score 41 at first, 66 now" in result.stdout
    document = json.loads(coach(question, "--json").stdout)
    assert (document["schema"], document["first_score"], document["latest_score"]) == ("coach/progress@1", 41, 66)


def test_a_question_without_attempts(saved: list[int]) -> None:
    """A question that was never practised says how to begin; an unknown one names the nearest."""
    error = refusal("system-outage")
    assert isinstance(error, InputError)
    assert error.hint == "Start with: coach submit system-outage"
    assert isinstance(refusal("dicom-standart"), UnknownQuestionError)


def test_a_question_that_the_bank_lost_can_still_be_seen(saved: list[int]) -> None:
    """Attempts at a question of another or an older bank are found by their id."""
    assert "weeding · 1 attempt" in coach("weeding").stdout


def test_a_bank_narrows_everything(saved: list[int]) -> None:
    """--bank shows only the attempts of that bank."""
    from coach.bank.load import load_bank

    librarian = load_bank(LIBRARIAN)
    question = librarian.questions[0].id
    with HistoryStore.open() as store:
        store.add_record(new_record(question, "about books", judged(30, question_id=question), librarian.title))

    assert json.loads(coach("--bank", str(LIBRARIAN), "--json").stdout)["total"] == 1
    assert f"{question} · 1 attempt, score 30" in coach(question, "--bank", str(LIBRARIAN)).stdout
    assert isinstance(refusal("dicom-standard", "--bank", str(LIBRARIAN)), UnknownQuestionError)


def test_export_to_standard_output_and_to_a_file(saved: list[int], tmp_path: Path) -> None:
    """Both write the same lines; the file is private, and the words about it go to standard error."""
    path = tmp_path / "export.jsonl"
    piped = coach("--export", "-")
    written = coach("--export", str(path))

    assert [json.loads(line)["id"] for line in piped.stdout.splitlines()] == saved
    assert path.read_text() == piped.stdout
    assert path.stat().st_mode & 0o077 == 0
    assert written.stdout == ""
    assert "Wrote 4 attempts" in written.stderr
    assert coach("--export", str(path), "--quiet").stderr == ""
    assert len(coach("hl7-integration", "--export", "-").stdout.splitlines()) == 1


def test_an_export_can_be_imported_into_another_history(
    saved: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move to another machine takes every attempt over, once, and leaves the export where it is."""
    path = tmp_path / "export.jsonl"
    coach("--export", str(path))
    before = answers()
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "other"))

    assert "Added 4 attempts." in coach("--import", str(path)).stderr
    assert "Added 0 attempts; 4 were here already." in coach("--import", str(path)).stderr
    assert answers() == before
    assert path.exists()


def test_a_diary_of_the_older_rule_is_carried_over_and_marked(saved: list[int], tmp_path: Path) -> None:
    """Receipts of the first rule name none: their scores stay, and listing and progress say that they are older."""
    document = json.loads(new_record("dicom-standard", "long ago", judged(90), PACS).model_dump_json(by_alias=True))
    del document["assessment"]["receipt"]["scoring_rule"]
    document["created_at"] = "2025-01-02T03:04:05Z"
    (tmp_path / "old.jsonl").write_text(json.dumps(document) + "\n", encoding="utf-8")
    coach("--import", str(tmp_path / "old.jsonl"))
    listed = json.loads(coach("--json").stdout)["attempts"]
    progress = coach("dicom-standard").stdout

    assert [(item["score"], item["scoring_rule"]) for item in listed][:2] == [(90, 1), (41, SCORING_RULE)]
    assert "90 ? ~" in coach().stdout
    assert "90 ? ~" in progress
    assert "Attempt 5 was scored by an older rule" in progress


def test_an_imported_rescue_file_is_taken_away(saved: list[int]) -> None:
    """After a rescue file's attempt is in the history, its text lies in one place only."""
    path = write_rescue_file(new_record("dicom-standard", "rescued", judged(), PACS))
    result = coach("--import", str(path))

    assert "Deleted the rescue file" in result.stderr
    assert not path.exists()
    assert answers()[-1] == "rescued"


def test_contradicting_options_are_refused(saved: list[int], tmp_path: Path) -> None:
    """Two results at once, and a file that is no export, are wrong use (exit code 2)."""
    assert refusal("--export", "-", "--json").exit_code == 2
    (tmp_path / "x").write_text("no export")
    assert refusal("--import", str(tmp_path / "x")).exit_code == 2


def test_delete_needs_a_yes_where_nobody_can_be_asked(saved: list[int]) -> None:
    """Without a terminal and without --yes nothing is deleted, and the exit code is that of wrong use."""
    error = refusal("delete", "dicom-standard")

    assert (error.exit_code, "--yes" in error.hint) == (2, True)
    assert len(answers()) == 4


@pytest.mark.parametrize("arguments", [(), ("--all", "dicom-standard"), ("--all", "--attempt", "1")])
def test_delete_refuses_to_guess(saved: list[int], arguments: tuple[str, ...]) -> None:
    """Neither everything nor something, or both at once, deletes nothing."""
    assert refusal("delete", *arguments, "--yes").exit_code == 2
    assert len(answers()) == 4


def test_delete_of_a_question(saved: list[int], data: Path) -> None:
    """Its attempts and rescue files go, their text is gone from the files, and the others stay."""
    write_rescue_file(new_record("dicom-standard", "rescued", judged(), PACS))
    other = write_rescue_file(new_record("hl7-integration", "other", judged(question_id="hl7-integration"), PACS))
    result = coach("delete", "1", "--yes")

    assert "Deleted 2 attempts and 1 rescue file." in result.stderr
    assert result.stdout == ""
    assert answers() == ["another", "from the library"]
    assert rescue_files() == [other]
    assert not any(b"first try" in file.read_bytes() for file in data.iterdir())


def test_delete_takes_the_drafts_too(saved: list[int]) -> None:
    """What somebody typed and never handed in is theirs to delete as well; other questions keep theirs."""
    gone, kept = keep_draft("dicom-standard", "half an answer"), keep_draft("hl7-integration", "another one")
    result = coach("delete", "dicom-standard", "--yes")

    assert "Deleted 2 attempts and 1 draft." in result.stderr
    assert (gone.exists(), kept.exists()) == (False, True)


def test_delete_by_number(saved: list[int]) -> None:
    """Single attempts go by the number that the listing shows."""
    result = coach("delete", "--attempt", str(saved[0]), "--attempt", str(saved[2]), "--yes", "--json")

    assert json.loads(result.stdout) == {"schema": "coach/deleted@1", "attempts": 2, "rescue_files": 0, "drafts": 0}
    assert answers() == ["second try", "from the library"]


def test_delete_everything(saved: list[int]) -> None:
    """--all takes every bank and every rescue file."""
    write_rescue_file(new_record("dicom-standard", "rescued", judged(), PACS))
    result = coach("delete", "--all", "--yes", "--quiet")

    assert (result.exit_code, result.output) == (0, "")
    assert (answers(), rescue_files()) == ([], [])


@pytest.mark.parametrize(("reply", "left"), [("n", 4), ("y", 2)])
def test_delete_asks_first(saved: list[int], reply: str, left: int) -> None:
    """On a terminal the question names the number of attempts, and only a yes deletes."""
    terminal, end = pty.openpty()
    try:
        os.write(terminal, f"{reply}\n".encode())
        result = subprocess.run(
            [sys.executable, "-c", RUN, "history", "delete", "dicom-standard"],
            stdin=end,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    finally:
        os.close(terminal)
        os.close(end)

    assert result.returncode == 0
    assert "dicom-standard (2 attempts)? This cannot be undone." in result.stderr
    assert ("Nothing was deleted." in result.stderr) == (reply == "n")
    assert len(answers()) == left


def test_a_history_that_cannot_be_used_is_an_error(data: Path) -> None:
    """A damaged file ends in StorageError with a hint."""
    data.mkdir()
    (data / "history.db").write_bytes(b"damaged " * 1000)

    assert isinstance(refusal(), StorageError)


def test_help_names_both_commands() -> None:
    """``coach history --help`` tells that attempts can be shown and deleted."""
    result = coach("--help")

    assert result.exit_code == 0
    assert "show" in result.stdout
    assert "delete" in result.stdout
