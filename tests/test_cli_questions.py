"""``coach questions``: the list, and one question with everything that a candidate may know about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from coach_command import coach

pytest_plugins = ("coach_fixtures",)
pytestmark = pytest.mark.usefixtures("coach_alone")

BANK = shipped_bank()
OUTAGE = next(question for question in BANK.questions if question.id == "system-outage")
LIBRARIAN = Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml"


def words(text: str) -> str:
    """Return text without its line breaks."""
    return " ".join(text.split())


def test_all_questions_are_listed_by_category() -> None:
    """The 15 ids stand in the seed's order below the six categories."""
    text = coach("questions").out

    places = [text.index(f" {question.id} ") for question in BANK.questions]
    assert len(places) == 15
    assert places == sorted(places)
    assert all(rubric.title in text for rubric in BANK.rubrics.values())
    assert "coach submit ID" in text
    assert "coach submit ID" not in coach("questions", "--quiet").out


@pytest.mark.parametrize("wanted", ["system-outage", "4", OUTAGE.text], ids=["id", "number", "text"])
def test_one_question_shows_what_a_strong_answer_shows(wanted: str) -> None:
    """Text, rationale, every point and red flag, every level of the rubric, follow-ups and sources."""
    text = words(coach("questions", wanted).out)

    rubric = BANK.rubric_of(OUTAGE)
    assert words(OUTAGE.text) in text
    assert words(OUTAGE.rationale) in text
    assert all(words(check.statement) in text for check in BANK.checks_of(OUTAGE))
    assert all(words(level.descriptor) in text for criterion in rubric.criteria for level in criterion.levels)
    assert all(words(line) in text for line in (*OUTAGE.follow_ups, *OUTAGE.sources))


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """No line is cut or wrapped by the terminal, and none ends in blanks."""
    monkeypatch.setenv("COLUMNS", str(columns))

    for arguments in ([], ["system-outage"], ["critical-failure-scenario"]):
        lines = coach("questions", *arguments).out.split("\n")
        assert max(map(len, lines)) <= columns
        assert [line for line in lines if line != line.rstrip()] == []


def test_json_holds_the_same() -> None:
    """One document each, and nothing on standard error."""
    listing, one = coach("questions", "--json"), coach("questions", "system-outage", "--json")

    ids = [question["id"] for category in listing.json()["categories"] for question in category["questions"]]
    assert ids == [question.id for question in BANK.questions]
    assert one.json()["question"]["rationale"] == OUTAGE.rationale
    assert one.json()["rubric"]["id"] == OUTAGE.rubric
    assert (listing.err, one.err) == ("", "")


def test_another_bank_is_listed() -> None:
    """The program knows nothing about one profession."""
    text = coach("questions", "--bank", LIBRARIAN).out

    assert "dicom" not in text.lower()
    assert text.count("\n") > 3


def test_text_that_a_terminal_would_obey_is_shown_as_text(tmp_path: Path) -> None:
    """Escape sequences in a bank and rich's markup have no effect."""
    (tmp_path / "rubrics").symlink_to(LIBRARIAN.parent / "rubrics")
    bank = tmp_path / "questions.yaml"
    title = '"[bold]Library\\e[2J[/bold]"'
    text = LIBRARIAN.read_text(encoding="utf-8").replace("title: Public librarian interview", f"title: {title}")
    assert title in text
    bank.write_text(text, encoding="utf-8")

    out = coach("questions", "--bank", bank).out

    assert "[bold]Library" in out
    assert "\x1b" not in out
