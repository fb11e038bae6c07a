"""``coach compare``: two versions, a series, the last attempts, and the example."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from assessment_factory import shipped_bank
from comparison_cases import NEW, OLD, REWORDED, KeywordJudge, assessor_with, keyword_judge
from scripted_judge import open_scripted
from typer.testing import CliRunner, Result

from coach.bank.examples import load_exemplars
from coach.bank.questions import Bank
from coach.cli.compare import compare_command
from coach.compare.result import Comparison, ComparisonSeries
from coach.errors import InputError, ModelConnectionError, StorageError
from coach.history.store import HistoryStore, new_record
from coach.submit.open import Settings, unopened_session

BANK = shipped_bank()
ID = "dicom-standard"
QUESTION = next(question for question in BANK.questions if question.id == ID)

app = typer.Typer()
app.command("compare")(compare_command)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> KeywordJudge:
    """Let the command use a judge by keywords instead of a model."""
    scripted = keyword_judge()
    open_scripted(monkeypatch, lambda bank: assessor_with(scripted, BANK))
    return scripted


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the versions old.md, reworded.md and new.md into the current directory."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("old.md", OLD), ("reworded.md", REWORDED), ("new.md", NEW)):
        Path(name).write_text(text, encoding="utf-8")


def compare(*arguments: str, code: int = 0, **options: Any) -> Result:
    """Run the command; it must end with ``code``."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False, **options)
    assert result.exit_code == code, result.output
    return result


def save(*texts: str) -> None:
    """Save attempts, judged by the scripted judge."""
    assessor = assessor_with(keyword_judge(), BANK)
    with HistoryStore.open() as store:
        for text in texts:
            assessment = asyncio.run(assessor.assess(QUESTION, text))
            store.add_record(new_record(ID, text, assessment, BANK.title))


@pytest.mark.usefixtures("judge", "files")
def test_two_files_are_compared() -> None:
    """The verdict, what was lost and gained, and the text diff are printed."""
    text = compare(ID, "old.md", "new.md").stdout

    assert "Improved" in text
    assert 0 < text.index("Lost: put this back first") < text.index("Gained")
    assert "Old: old.md" in text


@pytest.mark.usefixtures("judge", "files")
def test_json_is_one_document_and_nothing_else() -> None:
    """Standard output holds the comparison by its contract, and no word for people stands anywhere."""
    result = compare(ID, "old.md", "new.md", "--json")

    comparison = Comparison.model_validate_json(result.stdout)
    assert (comparison.old.label, comparison.new.label, comparison.verdict) == ("old.md", "new.md", "improved")
    assert result.stderr == ""


@pytest.mark.usefixtures("judge", "files")
def test_more_files_are_a_series() -> None:
    """Three versions give the table, best version marked, and the last step; as JSON, a series."""
    text = compare(ID, "old.md", "reworded.md", "new.md").stdout
    series = ComparisonSeries.model_validate_json(compare(ID, "old.md", "reworded.md", "new.md", "--json").stdout)

    assert "The whole series" in text
    assert "new.md (best)" in text
    assert "The last step: reworded.md → new.md" in text
    assert series.best == "new.md"


@pytest.mark.usefixtures("files")
def test_without_files_the_last_two_attempts_are_compared(judge: KeywordJudge) -> None:
    """The two newest attempts come from the history, oldest first, and are not judged again."""
    save("An older answer that does not count here any more.", OLD, NEW)

    result = compare(ID)
    assert "Improved" in result.stdout
    assert "Old: attempt 2" in result.stdout
    assert "New: attempt 3" in result.stdout
    assert judge.tasks == []
    assert "Comparing attempt 2" in result.stderr
    assert compare(ID, "--quiet").stderr == ""


@pytest.mark.parametrize("same_way", [True, False])
def test_no_model_is_opened_for_results_that_are_known(monkeypatch: pytest.MonkeyPatch, same_way: bool) -> None:
    """Attempts that were judged in the same way need no model any more; others do."""
    opened: list[Settings] = []

    def open_nothing(settings: Settings, bank: Bank, **options: Any) -> NoReturn:
        opened.append(settings)
        raise ModelConnectionError("no model here", "Start one.")

    monkeypatch.setattr("coach.submit.open.open_session", open_nothing)
    known = unopened_session(Settings(method=None if same_way else "structured"), BANK).assessor
    with HistoryStore.open() as store:
        for text in (OLD, NEW):
            made = asyncio.run(assessor_with(keyword_judge(), BANK).assess(QUESTION, text))
            receipt = made.receipt.model_copy(update={"judging_sha256": known.judging_sha256(QUESTION)})
            store.add_record(new_record(ID, text, made.model_copy(update={"receipt": receipt}), BANK.title))

    if same_way:
        assert "Improved" in compare(ID).stdout
        assert not opened
    else:
        with pytest.raises(ModelConnectionError):
            compare(ID)
        assert len(opened) == 1


@pytest.mark.usefixtures("files")
def test_one_file_is_compared_with_the_last_attempt(judge: KeywordJudge) -> None:
    """A new draft stands against what was submitted last; only the draft is judged."""
    save(OLD)

    text = compare(ID, "new.md").stdout
    assert "Old: attempt 1" in text
    assert "New: new.md" in text
    assert [task.answer.text for task in judge.tasks] == [NEW]


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(("attempts", "what"), [([], "no saved attempt"), ([OLD], "only one saved attempt")])
def test_too_few_attempts_are_told_with_what_to_do(attempts: list[str], what: str) -> None:
    """Without two attempts there is nothing to compare, and the hint names both ways out."""
    save(*attempts)

    with pytest.raises(InputError) as raised:
        compare(ID)
    assert raised.value.message == f"there is {what} at {ID} to compare"
    assert f"coach compare {ID} OLD NEW" in raised.value.hint
    assert raised.value.exit_code == 2


@pytest.mark.usefixtures("judge", "files")
def test_the_example_is_labelled_as_one_example() -> None:
    """The strong exemplar is the second version, called one example and never the right answer."""
    text = compare(ID, "old.md", "--with", "exemplar").stdout
    save(OLD)
    comparison = Comparison.model_validate_json(compare(ID, "--with", "exemplar", "--json").stdout)

    assert "one example of a strong answer" in text
    assert "not the right answer" in " ".join(text.split())
    assert comparison.new.example
    assert comparison.old.label.startswith("attempt 1")
    assert load_exemplars(ID)[0].answer.split()[-1] in comparison.diff.segments[-1].text


@pytest.mark.usefixtures("judge", "files")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("old.md", "--with", "model"), "no such comparison"),
        (("old.md", "new.md", "--with", "exemplar"), "one version"),
        (("-", "-"), "read once"),
        (("old.md", "missing.md"), "no such file"),
        (("old.md", "new.md", "--method", "guess"), "unknown method"),
        (("old.md", "new.md", "--html", "nowhere/report.html"), "cannot be written"),
    ],
)
def test_wrong_use_is_told_before_a_model_is_asked(
    judge: KeywordJudge, arguments: tuple[str, ...], message: str
) -> None:
    """What cannot work ends with exit code 2 and costs nothing."""
    with pytest.raises(InputError, match=message) as raised:
        compare(ID, *arguments)

    assert raised.value.exit_code == 2
    assert judge.tasks == []


@pytest.mark.usefixtures("judge")
def test_a_bank_without_an_example_says_so(tmp_path: Path) -> None:
    """Another bank need not have sample answers; then the way out is named."""
    librarian = Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml"
    answer = tmp_path / "answer.md"
    answer.write_text(OLD, encoding="utf-8")

    with pytest.raises(InputError, match="no example of a strong answer"):
        compare("1", str(answer), "--with", "exemplar", "--bank", str(librarian))


@pytest.mark.usefixtures("judge", "files")
def test_standard_input_can_be_one_version() -> None:
    """A draft can be piped in."""
    comparison = json.loads(compare(ID, "old.md", "-", "--json", input=NEW).stdout)

    assert comparison["new"]["label"] == "standard input"
    assert comparison["verdict"] == "improved"


@pytest.mark.usefixtures("judge", "files")
def test_the_same_name_twice_can_be_told_apart() -> None:
    """Two versions of the same name are numbered."""
    comparison = json.loads(compare(ID, "old.md", "old.md", "--json").stdout)

    assert [comparison[side]["label"] for side in ("old", "new")] == ["old.md [1]", "old.md [2]"]
    assert comparison["verdict"] == "no_clear_change"


@pytest.mark.usefixtures("judge", "files")
def test_reports_are_written_for_their_user_alone(tmp_path: Path) -> None:
    """Both files hold the comparison, are private, and are written beside --json too."""
    compare(ID, "old.md", "new.md", "--json", "--markdown", "report.md", "--html", "report.html")

    for name, start in (("report.md", "# What is"), ("report.html", "<!DOCTYPE html>")):
        path = tmp_path / name
        assert path.read_text(encoding="utf-8").startswith(start)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("judge", "files")
def test_without_scores_no_number_of_points_is_shown() -> None:
    """The report in words holds neither scores nor differences."""
    text = compare(ID, "old.md", "new.md", "--no-score").stdout

    assert "Improved" in text
    assert "of 100" not in text
    assert "points" not in text


@pytest.mark.usefixtures("judge", "files")
def test_a_version_without_a_score_ends_with_code_3() -> None:
    """The report is printed, and a script sees that something could not be graded."""
    Path("empty.md").write_text("", encoding="utf-8")

    assert "Not compared" in compare(ID, "empty.md", "new.md", code=3).stdout
    compare(ID, "old.md", "empty.md", "new.md", "--json", code=3)


@pytest.mark.usefixtures("files")
def test_the_judging_of_each_version_is_told(judge: KeywordJudge) -> None:
    """People see on standard error which version is being judged."""
    result = compare(ID, "old.md", "new.md")

    assert [line for line in result.stderr.splitlines() if line.startswith("Judging")] == [
        "Judging old.md",
        "Judging new.md",
    ]
    assert len(judge.tasks) == 2


@pytest.mark.usefixtures("judge", "files")
def test_a_damaged_history_stops_only_what_needs_it(tmp_path: Path) -> None:
    """Two files are compared although the history cannot be read; the last attempts cannot be."""
    folder = tmp_path / "coach-data"
    folder.mkdir()
    (folder / "history.db").write_bytes(b"no database at all " * 100)

    assert "Improved" in compare(ID, "old.md", "new.md").stdout
    with pytest.raises(StorageError):
        compare(ID)
