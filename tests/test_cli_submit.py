"""``coach submit``: what is really sent, what is printed, written and kept."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from pathlib import Path

import httpx
import pytest
import respx
from assessment_factory import dicom_question, dicom_rubric, shipped_bank
from coach_command import (
    ANSWER,
    FIRST_SENTENCE,
    KEY,
    SERVER,
    all_met,
    asked_checks,
    bodies,
    coach,
    completion,
    one_token,
    prompt_of,
    serve,
    verdicts,
)

from coach.history.records import Attempt
from coach.history.store import HistoryStore
from coach.submit.assessment import Assessment

pytest_plugins = ("coach_fixtures",)
pytestmark = pytest.mark.httpx2(assert_all_called=False)

ID = "dicom-standard"
#: Whatever could be a score, a level, a weight or a probability.
FIGURES = re.compile(r"\d+ of \d+|\d\s*%|\bbetween \d|\blevel \d|\d points?\b|\bup to \d")


@pytest.fixture
def answer() -> Path:
    """Return a file with an answer."""
    path = Path("answer.md")
    path.write_text(ANSWER, encoding="utf-8")
    return path


def attempts() -> list[Attempt]:
    """Return what the history holds."""
    with HistoryStore.open() as store:
        return store.attempts()


def test_openai_is_sent_question_rationale_rubric_and_answer(openai_chat: respx.Route, answer: Path) -> None:
    """One request holds everything that judging needs; its schema allows verdicts on the checks and nothing else."""
    assert coach("submit", ID, answer).code == 0

    [body] = bodies(openai_chat)
    prompt = prompt_of(body)
    question = next(question for question in shipped_bank().questions if question.id == ID)
    assert question.text in prompt
    assert question.rationale in prompt
    assert all(check.statement in prompt for check in shipped_bank().checks_of(question))
    assert all(c.title in prompt and all(lv.descriptor in prompt for lv in c.levels) for c in dicom_rubric().criteria)
    assert all(sentence in prompt for sentence in ANSWER.split(". "))
    assert set(asked_checks(body)) == {check.id for check in shipped_bank().checks_of(question)}
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["store"] is False


def test_talk_to_the_grader_that_openai_reports_earns_nothing(openai_chat: respx.Route, answer: Path) -> None:
    """The sentence is named in a warning, a second look is asked for, and no point rests on it."""

    def reply(body: dict[str, object]) -> httpx.Response:
        said = {**json.loads(verdicts(asked_checks(body))), "grader_talk": {"present": "yes", "sentences": [1]}}
        return httpx.Response(200, json=completion(body, json.dumps(said)))

    serve(openai_chat, reply)
    result = coach("submit", ID, answer, "--json")

    assessment = Assessment.model_validate_json(result.out)
    assert assessment.needs_review
    assert [warning.code for warning in assessment.warnings] == ["instruction_in_answer"]
    assert FIRST_SENTENCE[:40] in assessment.warnings[0].message
    assert {check.verdict for check in assessment.check_results() if check.kind == "point"} == {"not_met"}


def test_a_compatible_server_is_asked_one_token_about_one_sentence(server_chat: respx.Route, answer: Path) -> None:
    """Where log-probabilities are given, each request asks about one sentence, with question, rationale and rubric."""
    result = coach("submit", ID, answer, "--json")

    assert result.code == 0
    asked = [body for body in bodies(server_chat) if dicom_question().rationale in prompt_of(body)]
    assert asked
    assert all((body["max_tokens"], body["logprobs"]) == (1, True) for body in asked)
    assert all(criterion.title in prompt_of(body) for body in asked for criterion in dicom_rubric().criteria)
    assert any(sentence in prompt_of(body) for sentence in ANSWER.split(". ") for body in asked)
    assessment = Assessment.model_validate_json(result.out)
    assert (assessment.receipt.judge, assessment.receipt.endpoint) == ("logprobs", SERVER)
    assert assessment.score is not None


def test_what_content_free_words_get_is_asked_once(server_chat: respx.Route, answer: Path) -> None:
    """The second answer costs less: the baselines were kept in the cache."""
    coach("submit", ID, answer)
    first = len(server_chat.calls)
    coach("submit", ID, answer)

    assert len(server_chat.calls) - first < first


def test_the_method_can_be_chosen(server_chat: respx.Route, answer: Path) -> None:
    """--method structured asks a compatible server once and does not ask what it can do."""
    serve(server_chat, lambda body: httpx.Response(200, json=all_met(body)))

    assert coach("submit", ID, answer, "--method", "structured").code == 0
    assert len(server_chat.calls) == 1


def test_a_server_without_logprobs_is_asked_for_json(server_chat: respx.Route, answer: Path) -> None:
    """The method follows what the endpoint can do."""

    def reply(body: dict[str, object]) -> httpx.Response:
        plain = "response_format" not in body or "colour_of_the_day" in str(body)
        return httpx.Response(200, json=completion(body, "Yes") if plain else all_met(body))

    serve(server_chat, reply)
    result = coach("submit", ID, answer, "--json")

    assert result.code == 0
    assert Assessment.model_validate_json(result.out).receipt.judge == "structured"


def test_json_is_one_document_and_nothing_else(openai_chat: respx.Route, answer: Path) -> None:
    """Standard output holds the assessment by its contract, standard error nothing; every quote is where it says."""
    result = coach("submit", ID, answer, "--json")

    assessment = Assessment.model_validate_json(result.out)
    assert result.json()["schema"] == "coach/assessment@1"
    assert result.err == ""
    quotes = [quote for check in assessment.check_results() for quote in check.evidence]
    assert quotes
    assert all(ANSWER[quote.start : quote.end] == quote.quote for quote in quotes)
    receipt = assessment.receipt
    assert (receipt.input_tokens, receipt.cached_tokens, receipt.output_tokens) == (900, 400, 100)
    assert receipt.cost_usd


def test_the_report_names_score_evidence_advice_and_endpoint(openai_chat: respx.Route, answer: Path) -> None:
    """The terminal shows the score with its interval, the quoted sentence, a follow-up question and who was asked."""
    text = coach("submit", ID, answer).out

    assert re.search(r"· \d+ of 100\n\s+\S+  likely between \d+ and \d+", text)
    assert "“DICOM is the standard that scanners" in text
    assert "What came of it?" in text
    assert "https://api.openai.com/v1" in text


@pytest.mark.parametrize("method", ["structured", "logprobs"])
def test_the_key_is_nowhere(
    openai_chat: respx.Route, answer: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    """The key goes into the header of the request, and into no output, log record or file."""
    caplog.set_level(logging.DEBUG)
    if method == "logprobs":
        serve(openai_chat, lambda body: httpx.Response(200, json=one_token(body)))
    result = coach("submit", ID, answer, "--method", method, "--html", "page.html", "--markdown", "page.md")

    assert result.code == 0
    assert openai_chat.calls.last.request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in result.out + result.err
    assert KEY not in caplog.text + "".join(str(vars(record)) for record in caplog.records)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_reports_are_written_for_the_user_only(openai_chat: respx.Route, answer: Path) -> None:
    """--markdown and --html write the same assessment; the page needs no other file; others cannot read them."""
    assert coach("submit", ID, answer, "--markdown", "report.md", "--html", "report.html").code == 0

    markdown, page = Path("report.md").read_text(encoding="utf-8"), Path("report.html").read_text(encoding="utf-8")
    assert dicom_question().text in markdown
    assert FIRST_SENTENCE in markdown
    assert page.startswith("<!DOCTYPE html>")
    assert FIRST_SENTENCE in page
    assert not re.search(r"(?:src|href)=[\"']?https?:", page)
    assert {stat.S_IMODE(os.stat(name).st_mode) for name in ("report.md", "report.html")} == {0o600}


def test_no_score_hides_every_figure(openai_chat: respx.Route, answer: Path) -> None:
    """Terminal, Markdown and HTML keep the words and show no score, interval, level, weight or gain."""
    result = coach("submit", ID, answer, "--no-score", "--markdown", "report.md", "--html", "report.html")

    page = Path("report.html").read_text(encoding="utf-8")
    visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    score = round(attempts()[0].assessment.score or 0)
    for text in (result.out, result.err, Path("report.md").read_text(encoding="utf-8"), visible):
        assert not FIGURES.search(text)
        assert not re.search(rf"\b{score}\b", text.split("tokens read")[0])
    assert "Understanding of the concepts" in result.out
    assert "What came of it?" in result.out


def test_an_attempt_is_kept_unless_told_otherwise(openai_chat: respx.Route, answer: Path, tmp_path: Path) -> None:
    """The history gets the answer and its assessment; --no-save leaves no trace of the answer anywhere."""
    coach("submit", ID, answer, "--no-save", "--quiet")
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != answer.name]
    assert not [path for path in others if b"ultrasound" in path.read_bytes()]

    coach("submit", ID, answer)
    [attempt] = attempts()
    assert (attempt.question_id, attempt.answer) == (ID, ANSWER)
    assert attempt.assessment.score is not None


def test_the_attempt_is_kept_before_the_report_is_shown(
    openai_chat: respx.Route, answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that goes away in the middle, such as `| head`, does not cost the attempt."""

    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("coach.report.assessment.assessment_document", gone)

    assert coach("submit", ID, answer).code == 0
    assert len(attempts()) == 1


@pytest.mark.parametrize("question", [ID, "1", dicom_question().text], ids=["id", "number", "text"])
def test_standard_input_and_names_of_a_question(openai_chat: respx.Route, question: str) -> None:
    """`-` reads a pipe; the question may be named by id, number or text."""
    result = coach("submit", question, "-", "--json", stdin=ANSWER)

    assert Assessment.model_validate_json(result.out).question_id == ID
    assert FIRST_SENTENCE in prompt_of(bodies(openai_chat)[0])


def test_an_answer_too_short_to_judge_is_not_sent(openai_chat: respx.Route) -> None:
    """It has no score but a reason, and the exit code says that it could not be graded."""
    result = coach("submit", ID, "-", "--json", stdin="It is a standard.")

    assert result.code == 3
    assessment = Assessment.model_validate_json(result.out)
    assert assessment.score is None
    assert "too short" in (assessment.unscored_reason or "")
    assert not openai_chat.called


def test_an_answer_too_short_to_judge_starts_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a model that is not going to be asked."""
    started: list[object] = []
    monkeypatch.setattr("coach.model.embedded_server.EmbeddedServer.start", lambda *a, **k: started.append(a))

    result = coach("submit", ID, "-", "--model", "local", "--json", stdin="It is a standard.")

    assert (result.code, started) == (3, [])
    assert "too short" in (Assessment.model_validate_json(result.out).unscored_reason or "")


def test_another_bank_is_used_with_its_own_rubrics(openai_chat: respx.Route) -> None:
    """--bank names a file anywhere; its questions, not the shipped ones, are judged."""
    bank = Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml"
    first = coach("questions", "--bank", bank, "--json").json()["categories"][0]["questions"][0]

    assert coach("submit", first["id"], "-", "--bank", bank, stdin=ANSWER).code == 0
    assert first["text"] in prompt_of(bodies(openai_chat)[0])
    assert coach("submit", ID, "-", "--bank", bank, stdin=ANSWER).code == 2
