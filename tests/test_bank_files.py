"""A bank is loaded with its rubrics, and a broken one names file, line, question and field of every problem."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from coach.bank.load import load_bank, load_rubric
from coach.errors import BankError

LEVELS = "".join(
    f"      - {{level: {number}, title: Level {number}, descriptor: Shows {number}.}}\n" for number in range(5)
)
RUBRIC = f"""\
id: service
title: Service
description: How a reader is served.
criteria:
  - id: asking
    title: Asking
    weight: 0.6
    levels:
{LEVELS}  - id: helping
    title: Helping
    weight: 0.4
    levels:
{LEVELS}checks:
  - id: own-example
    criterion: helping
    kind: point
    statement: Tells of an own case.
    advice: Tell of one.
"""
BANK = """\
title: Librarian
profession: librarian
questions:
  - id: hard-reader
    number: 1
    category: service
    text: How do you help a reader who is angry?
    rationale: It shows patience.
    rubric: service
    checks:
      - id: asks-first
        criterion: asking
        kind: point
        statement: Asks what the reader needs.
        advice: Say that you ask.
      - id: shouts
        criterion: helping
        kind: red_flag
        statement: Says that they shout back.
        advice: Do not.
        weight: 2
"""
#: A second question with the same checks, for problems between questions.
SECOND = BANK[BANK.index("  - id: hard-reader") :].replace("hard-reader", "lost-book").replace("number: 1", "number: 2")


def write_bank(folder: Path, bank: str = BANK, rubric: str | None = RUBRIC) -> Path:
    """Write a bank with its rubric; return the path of the questions."""
    (folder / "rubrics").mkdir()
    if rubric is not None:
        (folder / "rubrics" / "service.yaml").write_text(rubric, encoding="utf-8")
    path = folder / "questions.yaml"
    path.write_text(bank, encoding="utf-8")
    return path


def problems(folder: Path, bank: str = BANK, rubric: str | None = RUBRIC) -> list[str]:
    """Return the lines of the error that a bank gives, without the folder's name."""
    path = write_bank(folder, bank, rubric)
    with pytest.raises(BankError) as caught:
        load_bank(path)
    assert caught.value.hint
    return [line.replace(f"{folder}/", "") for line in caught.value.message.splitlines()]


def test_a_bank_and_its_rubric_are_loaded(tmp_path: Path) -> None:
    """Questions, rubrics and defaults are there, and the checks come in the order of the criteria."""
    bank = load_bank(write_bank(tmp_path))

    [question] = bank.questions
    assert (bank.title, bank.profession, bank.language) == ("Librarian", "librarian", "en")
    assert bank.rubric_of(question).title == "Service"
    assert [check.id for check in bank.checks_of(question)] == ["asks-first", "shouts", "own-example"]
    assert [check.weight for check in bank.checks_of(question)] == [1.0, 2.0, 1.0]


def test_the_hash_changes_with_the_content_alone(tmp_path: Path) -> None:
    """The same questions have the same hash in any folder, with any line ends; another word gives another one."""
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    first = load_bank(write_bank(folders[0])).sha256
    path = write_bank(folders[1])
    path.write_bytes(b"\xef\xbb\xbf" + BANK.replace("\n", "\r\n").encode())

    assert load_bank(path).sha256 == first
    assert load_bank(write_bank(folders[2], BANK.replace("angry", "loud"))).sha256 != first


def test_without_a_path_the_shipped_bank_is_loaded() -> None:
    """The bank that lies at the top of the project is the default."""
    assert load_bank().questions[0].id == "dicom-standard"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "number: 1",
            "number: one",
            "questions.yaml:5:13: question 'hard-reader': questions.0.number: Input should be",
        ),
        ("    rationale", "    reason", "questions.yaml:8:5: question 'hard-reader': questions.0.reason: Extra inputs"),
        ("kind: red_flag", "kind: bad", "questions.yaml:18:15: question 'hard-reader': questions.0.checks.1.kind: "),
        ("weight: 2", "weight: 0", "questions.yaml:21:17: question 'hard-reader': questions.0.checks.1.weight: "),
        (
            "id: hard-reader",
            "id: Hard Reader",
            "questions.yaml:4:9: question 'Hard Reader': questions.0.id: String should",
        ),
        ("text: How do you help a reader who is angry?", "text: ''", "questions.yaml:7:11: question 'hard-reader': "),
        ("title: Librarian", "titel: Librarian", "questions.yaml:1:1: title: Field required"),
        ("questions:", "question:", "questions.yaml:1:1: questions: Field required"),
        (
            "criterion: asking",
            "criterion: singing",
            "questions.yaml:12:20: question 'hard-reader': questions.0.checks.0.criterion: unknown criterion 'singing' "
            "(rubric has: asking, helping)",
        ),
        (
            "id: shouts",
            "id: asks-first",
            "questions.yaml:16:13: question 'hard-reader': questions.0.checks.1.id: "
            "the check id 'asks-first' is used twice",
        ),
        (
            "id: shouts",
            "id: own-example",
            "questions.yaml:16:13: question 'hard-reader': questions.0.checks.1.id: "
            "the check id 'own-example' is used twice",
        ),
        (
            "criterion: asking",
            "criterion: helping",
            "questions.yaml:11:7: question 'hard-reader': questions.0.checks: "
            "the criterion 'asking' has no point to judge",
        ),
    ],
)
def test_a_broken_question_is_named_with_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """File, line, column, question and field come first, then what is wrong."""
    assert old in BANK

    lines = problems(tmp_path, BANK.replace(old, new))

    assert any(line.startswith(expected) for line in lines), lines


def test_ids_and_numbers_of_questions_must_differ(tmp_path: Path) -> None:
    """Both places are named, each with the question's own id."""
    twice = BANK + SECOND.replace("lost-book", "hard-reader").replace("number: 2", "number: 1")

    assert problems(tmp_path, twice) == [
        "questions.yaml:22:9: question 'hard-reader': questions.1.id: 'hard-reader' stands twice",
        "questions.yaml:23:13: question 'hard-reader': questions.1.number: 1 stands twice",
    ]


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    """An author mends a file in one go, not one error after the other."""
    broken = (BANK + SECOND).replace("criterion: asking", "criterion: singing")

    lines = problems(tmp_path, broken)

    assert [line.partition(": question ")[2].split(":")[0] for line in lines] == ["'hard-reader'"] * 2 + [
        "'lost-book'"
    ] * 2


def test_a_missing_rubric_says_where_it_should_lie(tmp_path: Path) -> None:
    """The error names the question that asks for it, and what rubrics there are."""
    path = write_bank(tmp_path, BANK + SECOND.replace("rubric: service", "rubric: other"))

    with pytest.raises(BankError) as caught:
        load_bank(path)

    assert caught.value.message == (
        f"{path}:27:13: question 'lost-book': questions.1.rubric: "
        f"there is no file {tmp_path / 'rubrics' / 'other.yaml'}"
    )
    assert caught.value.hint == "Put the rubric there, or use one of: service."


def test_problems_of_several_rubrics_are_named_together(tmp_path: Path) -> None:
    """A broken rubric does not hide that another one is missing."""
    lines = problems(
        tmp_path, BANK + SECOND.replace("rubric: service", "rubric: other"), RUBRIC.replace("0.6", "heavy")
    )

    assert len(lines) == 2
    assert lines[0].startswith("rubrics/service.yaml:7:13: criteria.0.weight: Input should be a valid number")
    assert lines[1].startswith("questions.yaml:27:13: question 'lost-book': questions.1.rubric: there is no file")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: service", "id: other", "rubrics/service.yaml:1:5: id: the id 'other' differs from the file's name"),
        ("criterion: helping", "criterion: x", "rubrics/service.yaml:25:16: checks.0.criterion: unknown criterion 'x'"),
        ("- id: helping", "- id: asking", "rubrics/service.yaml:14:9: criteria.1.id: 'asking' stands twice"),
        ("level: 1,", "level: 2,", "rubrics/service.yaml:5:5: criteria.0: Value error, levels must be numbered"),
        ("title: Service", "titel: Service", "rubrics/service.yaml:1:1: title: Field required"),
    ],
)
def test_a_broken_rubric_is_named_with_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """The rubric's own file and line are named, not the question's."""
    assert old in RUBRIC

    lines = problems(tmp_path, rubric=RUBRIC.replace(old, new))

    assert any(line.startswith(expected) for line in lines), lines


def test_two_general_checks_with_one_id_are_refused(tmp_path: Path) -> None:
    """Verdicts are kept by id, so an id can stand only once."""
    check = RUBRIC[RUBRIC.index("  - id: own-example") :]

    assert problems(tmp_path, rubric=RUBRIC + check) == [
        "rubrics/service.yaml:29:9: checks.1.id: 'own-example' stands twice"
    ]


def test_a_rubric_can_be_loaded_alone() -> None:
    """Every shipped rubric is whole by itself."""
    folder = Path(__file__).resolve().parent.parent / "rubrics"

    assert {load_rubric(path).id for path in folder.glob("*.yaml")} == {path.stem for path in folder.glob("*.yaml")}


def test_a_bank_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The path is repeated, so that a typing mistake is seen."""
    with pytest.raises(BankError, match=r"nowhere\.yaml: there is no such question bank"):
        load_bank(tmp_path / "nowhere.yaml")


def test_a_copied_bank_works_anywhere(tmp_path: Path) -> None:
    """The shipped files may be copied to another folder and edited there."""
    root = Path(__file__).resolve().parent.parent
    shutil.copy(root / "questions.yaml", tmp_path)
    shutil.copytree(root / "rubrics", tmp_path / "rubrics")

    assert load_bank(tmp_path / "questions.yaml") == load_bank()
