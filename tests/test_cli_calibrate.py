"""``coach calibrate``: the whole way from a file of marks to the report, with a judge that follows a script."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
import typer
from assessment_factory import dicom_assessment
from gold_factory import assessor, gold_row, gold_rows, quality_script, write_gold
from scripted_judge import ScriptedJudge, open_scripted
from typer.testing import CliRunner, Result
from web_server import browser_of, links, running_site

from coach import files
from coach.bank.questions import Check
from coach.calibrate.gold import read_gold
from coach.calibrate.mapping import apply_calibration, load_calibration
from coach.calibrate.result import AgreementReport
from coach.cli.calibrate import calibrate_command
from coach.errors import ConfigurationError, InputError, ModelContentFilterError
from coach.judge.judging import Judgement, JudgeTask, OnVerdict

app = typer.Typer()
app.command()(calibrate_command)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedJudge:
    """Put a scripted judge in place of the model, and keep scores in a private cache."""
    scripted = ScriptedJudge(quality_script)
    use(monkeypatch, scripted)
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path / "cache"))
    return scripted


def use(monkeypatch: pytest.MonkeyPatch, scripted: ScriptedJudge) -> None:
    """Let the command open this judge."""
    open_scripted(monkeypatch, lambda bank: assessor(scripted, bank))


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Return a file of forty marked answers."""
    return write_gold(tmp_path / "gold.jsonl", gold_rows(40))


def coach(*arguments: object) -> Result:
    """Run the command; errors for people come through as they are raised."""
    return CliRunner().invoke(app, ["--parallel", "1", *map(str, arguments)], catch_exceptions=False)


def test_the_report_is_shown(judge: ScriptedJudge, gold: Path) -> None:
    """Forty answers are judged and compared with their marks; words about progress go to standard error."""
    result = coach(gold)

    assert result.exit_code == 0
    assert "40 answers to 4 questions, marked from 0 to 5" in result.stdout
    assert "Among people" in result.stdout
    assert "40 of 40 done" in result.stderr
    assert len(judge.tasks) == 40


def test_json_is_one_document_of_the_contract(judge: ScriptedJudge, gold: Path) -> None:
    """Standard output holds nothing else, and its fields are those of coach/agreement@1."""
    result = coach(gold, "--json", "--quiet")

    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["schema"] == "coach/agreement@1"
    assert set(document) == {
        "schema", "created_at", "coach_version", "gold", "judge", "judged", "unjudged", "failed", "unjudged_reasons",
        "seconds_per_answer", "cost_usd", "agreement", "human", "length", "labels", "reliability", "questions", "worst",
        "pairs", "repeat", "calibration",
    }  # fmt: skip
    views = {"pearson", "spearman", "qwk", "rmse", "exact", "adjacent", "bias"}
    assert set(document["agreement"]) == {"pooled", "per_question"}
    assert set(document["agreement"]["pooled"]) == set(document["human"]["raters"]["per_question"]) == views
    assert set(document["agreement"]["pooled"]["pearson"]) == {"value", "interval", "n", "reason"}
    report = AgreementReport.model_validate(document)
    assert report.agreement.pooled.pearson.value == pytest.approx(0.93, abs=0.02)
    assert (len(report.worst), len(report.questions), len(report.pairs)) == (10, 4, 40)


def test_a_sample_is_the_same_for_the_same_seed(judge: ScriptedJudge, gold: Path) -> None:
    """--limit takes equally many answers of each question; --seed chooses which."""
    chosen = [
        [pair["id"] for pair in json.loads(coach(gold, "--limit", 8, "--seed", seed, "--json").stdout)["pairs"]]
        for seed in (1, 1, 2)
    ]

    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 8


def test_a_second_run_judges_nothing_again(judge: ScriptedJudge, gold: Path, tmp_path: Path) -> None:
    """Scores are kept in the cache, or in the directory given; one more answer costs one judging."""
    coach(gold, "--limit", 12)
    coach(gold, "--limit", 12)
    assert len(judge.tasks) == 12

    coach(gold, "--limit", 12, "--out", tmp_path / "out")
    coach(gold, "--limit", 13, "--out", tmp_path / "out")
    assert len(judge.tasks) == 12 + 12 + 1


async def test_what_was_found_leads_to_its_answers_in_the_browser(
    judge: ScriptedJudge, gold: Path, tmp_path: Path
) -> None:
    """The directory given holds the report too, and every dot of it leads to the answer whose marks it shows."""
    document = json.loads(await asyncio.to_thread(lambda: coach(gold, "--out", tmp_path / "out", "--json").stdout))
    async with running_site(batches=[tmp_path / "out"]) as site, browser_of(site) as browser:
        page = await browser.get("/batches/0/calibration")
        dots = [link for link in links(page) if "/row?" in link]
        answer = await browser.get(dots[5])

    assert len(dots) == len(document["pairs"]) == 40
    assert f"People gave {document['pairs'][5]['human']:g}" in answer
    assert read_gold(gold)[0][5].answer in answer


def test_repeating_shows_the_spread(judge: ScriptedJudge, gold: Path) -> None:
    """A deterministic judge gives the same score three times, and is asked three times."""
    document = json.loads(coach(gold, "--limit", 4, "--repeat", 3, "--json").stdout)

    assert document["repeat"] == {
        "times": 3, "answers": 4, "mean_sd": 0, "max_sd": 0, "max_range": 0, "changed": 0,
    }  # fmt: skip
    assert len(judge.tasks) == 12


def test_a_saved_calibration_can_be_used(judge: ScriptedJudge, gold: Path) -> None:
    """--save keeps the mapping that the report shows, for the judge that was measured."""
    result = coach(gold, "--save", "mine", "--json")

    document = json.loads(result.stdout)
    kept = load_calibration("mine")
    assert [list(knot) for knot in kept.knots] == document["calibration"]["knots"]
    assert (kept.judge, kept.model, kept.prompt_version) == (judge.name, judge.model, judge.prompt_version)
    assert apply_calibration(dicom_assessment(), kept).receipt.calibration == "mine"
    assert "coach submit ID --calibration mine" in result.stderr


def test_too_little_data_for_a_calibration_still_gives_the_report(judge: ScriptedJudge, gold: Path) -> None:
    """The judging was not for nothing: the report comes first, then the error, and nothing is kept."""
    result = CliRunner().invoke(app, ["--parallel", "1", str(gold), "--limit", "8", "--save", "mine"])

    assert "8 answers to 4 questions" in result.stdout
    assert isinstance(result.exception, InputError)
    assert "too few for a calibration" in result.exception.message
    with pytest.raises(InputError, match="there is no calibration 'mine'"):
        load_calibration("mine")


def test_the_html_report_is_written_for_its_user_alone(judge: ScriptedJudge, gold: Path, tmp_path: Path) -> None:
    """--html adds a page with both charts to what is shown."""
    page = tmp_path / "report.html"

    result = coach(gold, "--html", page)

    assert "Judge against human marks" in result.stdout
    assert page.read_text().count("<svg") == 2
    assert page.stat().st_mode & 0o777 == 0o600


def test_rows_that_cannot_be_used_are_named(judge: ScriptedJudge, tmp_path: Path) -> None:
    """A warning with file and line for each, a count in the report, and no mark invented."""
    path = write_gold(tmp_path / "gold.jsonl", gold_rows(4))
    with path.open("a") as file:
        file.write('{"answer": "no mark"}\n{"answer": "x", "score": 1, "question_id": "nothing"}\n')

    result = coach(path)

    assert f"warning: {path}, line 5: the object has no score" in result.stderr
    assert "line 6: there is no question 'nothing' in the bank" in result.stderr
    assert "2 rows of the file could not be used." in result.stdout


def test_many_broken_rows_are_summed_up(judge: ScriptedJudge, tmp_path: Path) -> None:
    """Ten warnings are enough to see what is wrong."""
    path = write_gold(tmp_path / "gold.jsonl", gold_rows(4))
    with path.open("a") as file:
        file.write("broken\n" * 15)

    result = coach(path)

    assert result.stderr.count("not valid JSON") == 10
    assert "warning: 5 more rows cannot be used" in result.stderr


def test_answers_that_the_model_failed_on_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are counted with the reason, left out of every figure, and the exit code is 3."""

    def script(task: JudgeTask, check: Check) -> float | None:
        if "quality 3 " in task.answer.text:
            raise ModelContentFilterError("the content filter blocked the answer")
        return quality_script(task, check)

    use(monkeypatch, ScriptedJudge(script))
    path = write_gold(tmp_path / "gold.jsonl", gold_rows(8))

    result = coach(path, "--out", tmp_path / "out")

    assert result.exit_code == 3
    assert "Not judged and left out: 1 answer. the content filter blocked the answer (1)." in result.stdout


def test_answers_that_are_not_to_be_judged_are_no_failure(judge: ScriptedJudge, tmp_path: Path) -> None:
    """An empty answer is left out and counted; the run is complete."""
    path = write_gold(tmp_path / "gold.jsonl", [*gold_rows(8), gold_row(9, 0, answer="")])

    result = coach(path)

    assert result.exit_code == 0
    assert "The answer is empty (1)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save", "../mine"], "cannot be the name of a calibration"),
        (["--html", "no/such/folder/report.html"], "a report cannot be written there"),
        (["--scale", "5", "0"], "a scale cannot go from 5 to 0"),
        (["--scale", "0", "2"], "do not fit a scale from 0 to 2"),
        (["--method", "guess"], "unknown method 'guess'"),
    ],
)
def test_wrong_use_is_found_before_anything_is_judged(
    judge: ScriptedJudge, gold: Path, arguments: list[str], message: str
) -> None:
    """A long run must not end in an error that could be seen at its start."""
    with pytest.raises(InputError, match=message):
        coach(gold, *arguments)

    assert judge.tasks == []


def test_a_missing_package_is_found_before_anything_is_judged(
    judge: ScriptedJudge, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra the command says how to install it."""
    monkeypatch.setattr(files, "STATISTICS", ("no_such_package",))

    with pytest.raises(ConfigurationError) as raised:
        coach(gold)

    assert "pip install 'answer-feedback-coach[calibrate]'" in raised.value.hint
    assert judge.tasks == []


def test_an_interrupted_run_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, gold: Path, tmp_path: Path) -> None:
    """Ctrl-C keeps what was judged; the next run judges the rest."""

    class InterruptedJudge(ScriptedJudge):
        """Gets a Ctrl-C while it waits for the model about the eighth answer."""

        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            if len(self.tasks) == 7:
                signal.raise_signal(signal.SIGINT)
                await asyncio.sleep(0)
            return await super().judge(task, on_verdict)

    use(monkeypatch, InterruptedJudge(quality_script))
    stopped = CliRunner().invoke(app, ["--parallel", "1", str(gold), "--out", str(tmp_path / "out")])
    judge = ScriptedJudge(quality_script)
    use(monkeypatch, judge)
    result = coach(gold, "--out", tmp_path / "out")

    assert stopped.exit_code == 130
    assert "the same command goes on from here" in stopped.stderr
    assert len(judge.tasks) == 33
    assert "40 answers to 4 questions" in result.stdout
