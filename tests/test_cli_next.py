"""``coach next``: the question to practise next, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from assessment_factory import shipped_bank
from history_factory import judged
from typer.testing import CliRunner, Result

from coach.bank.load import load_bank
from coach.cli.next import next_command
from coach.history.store import HistoryStore, new_record

LIBRARIAN = Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml"
BANK = shipped_bank()

app = typer.Typer()
app.command("next")(next_command)


@pytest.fixture(autouse=True)
def _own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COACH_DATABASE_URL", raising=False)


def coach(*arguments: str) -> Result:
    """Run ``coach next``."""
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, arguments, catch_exceptions=False)


def answer(question_id: str, score: float, bank_title: str = BANK.title) -> None:
    """Save one attempt."""
    with HistoryStore.open() as store:
        store.add_record(new_record(question_id, "An answer.", judged(score, question_id=question_id), bank_title))


def test_a_new_question_comes_before_a_weak_one() -> None:
    """What was never answered is suggested first, in the bank's order, with its text and the command to answer it."""
    answer(BANK.questions[0].id, 5)
    result = coach()

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{BANK.questions[1].id} · You have not answered it yet.")
    assert f"coach submit {BANK.questions[1].id}" in result.stdout
    assert result.stdout.count("You have not answered it yet.") == 5


def test_the_weakest_comes_when_all_are_answered() -> None:
    """The whole bank is ranked; one document on standard output holds it all."""
    for number, question in enumerate(BANK.questions):
        answer(question.id, 90 - 5 * number)
    result = coach("--json")
    document = json.loads(result.stdout)

    assert result.stderr == ""
    assert (document["schema"], document["bank_title"]) == ("coach/next@1", BANK.title)
    assert [item["question_id"] for item in document["suggestions"]] == [q.id for q in reversed(BANK.questions)]
    assert document["suggestions"][0]["reason"].startswith("Your weakest question: latest score 20 of 100")


def test_quiet_prints_the_id_for_scripts() -> None:
    """``coach submit $(coach next --quiet)`` works."""
    assert coach("--quiet").stdout == f"{BANK.questions[0].id}\n"


def test_another_bank_has_its_own_ranking() -> None:
    """Attempts of one bank do not count for another."""
    librarian = load_bank(LIBRARIAN)
    answer(librarian.questions[0].id, 50, BANK.title)

    assert coach("--bank", str(LIBRARIAN), "--quiet").stdout == f"{librarian.questions[0].id}\n"


def test_the_number_of_suggestions_can_be_chosen() -> None:
    """--count takes the first so many of the ranking, at least one."""
    assert "After that" not in coach("--count", "1").stdout
    assert coach("--count", "100").stdout.count("You have not answered it yet.") == len(BANK.questions)
    assert coach("--count", "0").exit_code == 2
