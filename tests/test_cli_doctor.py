"""``coach doctor``: one finding after another, what to do about each, and the exit code of the first failure."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from coach_command import (
    ANSWER,
    KEY,
    SERVER,
    Body,
    Outcome,
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

from coach.bank.examples import exemplar_answers
from coach.cli.checkup import Checkup, Finding

pytest_plugins = ("coach_fixtures",)
pytestmark = [pytest.mark.httpx2(assert_all_called=False), pytest.mark.usefixtures("coach_alone")]


def findings(result: Outcome) -> dict[str, Finding]:
    """Return the findings of a run with --json by name."""
    return {finding.name: finding for finding in Checkup.model_validate_json(result.out).findings}


def fair(body: Body) -> httpx.Response:
    """Answer as a judge that finds every point in strong answers and nothing in others; knows JSON schemas."""
    if "colour_of_the_day" in str(body.get("response_format")):
        return httpx.Response(200, json=completion(body, '{"colour_of_the_day": "violet"}'))
    if "response_format" not in body:
        return httpx.Response(200, json=one_token(body))
    strong = exemplar_answers("dicom-standard")["strong"]
    if strong.split(". ")[0] in prompt_of(body):
        return httpx.Response(200, json=all_met(body))
    none = verdicts(asked_checks(body)).replace('"met"', '"not_met"')
    return httpx.Response(200, json=completion(body, none))


def test_everything_that_works_is_told(openai_chat: respx.Route) -> None:
    """Bank, model, history, endpoint with what it can do, method, and two example answers graded in their order."""
    serve(openai_chat, fair)
    result = coach("doctor", "--json")

    assert (result.code, result.err) == (0, "")
    found = findings(result)
    assert "15 questions" in found["question bank"].detail
    assert "with an API key" in found["model"].detail
    assert "0 attempts" in found["history"].detail
    assert "log-probabilities, strict JSON schemas, token counts" in found["endpoint"].detail
    assert found["method"].detail.startswith("structured")
    assert found["grading"].state == "ok"
    assert KEY not in result.out
    assert result.json()["schema"] == "coach/doctor@1"


def test_people_read_the_same(openai_chat: respx.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finding has its state beside it, and every line fits the terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    serve(openai_chat, fair)
    result = coach("doctor")

    for name in ("question bank", "model", "history", "endpoint", "method", "grading"):
        assert f"\n{name}  ok\n" in result.out
    assert max(map(len, result.out.split("\n"))) <= 80
    assert result.err == ""


def test_a_model_that_cannot_tell_good_from_bad_is_a_warning(openai_chat: respx.Route) -> None:
    """It works, but its scores mean nothing."""

    def pleased(body: Body) -> httpx.Response:
        asks_for_verdicts = "Why it is asked" in str(body)
        return httpx.Response(200, json=all_met(body)) if asks_for_verdicts else fair(body)

    serve(openai_chat, pleased)
    result = coach("doctor", "--json")

    grading = findings(result)["grading"]
    assert (result.code, grading.state) == (0, "warning")
    assert "choose another" in grading.hint


def test_a_bad_key_is_the_endpoints_finding(openai_chat: respx.Route) -> None:
    """The others are told all the same; the exit code is that of the model, the key is not shown."""
    serve(openai_chat, lambda body: httpx.Response(401, json={"error": {"message": f"Incorrect API key {KEY}"}}))
    result = coach("doctor", "--json")

    found = findings(result)
    assert result.code == 4
    assert found["endpoint"].state == "failed"
    assert "OPENAI_API_KEY" in found["endpoint"].hint
    assert found["history"].state == "ok"
    assert KEY not in result.out + result.err


def test_a_compatible_server_says_what_it_lacks(server_chat: respx.Route) -> None:
    """What it does not give is named, and which method follows from it."""

    def plain(body: Body) -> httpx.Response:
        made = completion(body, "Yes") if "colour_of_the_day" in prompt_of(body) else fair(body).json()
        made["choices"][0]["logprobs"] = None
        return httpx.Response(200, json={**made, "usage": None})

    serve(server_chat, plain)
    found = findings(coach("doctor", "--json"))

    assert SERVER in found["endpoint"].detail
    assert "without an API key" in found["model"].detail
    assert "does not give: log-probabilities" in found["endpoint"].detail
    assert found["method"].detail.startswith("structured")


def test_without_a_model_the_three_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and bank and history are looked at nevertheless."""
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: False)
    result = coach("doctor", "--json")

    found = findings(result)
    assert result.code == 2
    assert found["model"].state == "failed"
    assert all(way in found["model"].hint for way in ("[local]", "OPENAI_API_KEY", "--model"))
    assert found["question bank"].state == "ok"
    assert found["history"].state == "ok"
    assert "endpoint" not in found


def test_a_broken_bank_and_a_broken_history_are_findings(openai_chat: respx.Route, tmp_path: Path) -> None:
    """Neither ends the check-up, and no model is asked without questions."""
    (tmp_path / "questions.yaml").write_text("questions: [", encoding="utf-8")
    data = tmp_path / "coach-data"
    data.mkdir()
    (data / "history.db").write_bytes(b"This is no database at all." * 50)

    result = coach("doctor", "--bank", "questions.yaml", "--json")

    found = findings(result)
    assert result.code == 2
    assert (found["question bank"].state, found["history"].state) == ("failed", "failed")
    assert found["history"].hint
    assert not openai_chat.called


def test_a_bank_without_example_answers_is_no_failure(openai_chat: respx.Route) -> None:
    """The endpoint is tried, the grading is not."""
    bank = Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml"
    serve(openai_chat, fair)
    result = coach("doctor", "--bank", bank, "--json")

    grading = findings(result)["grading"]
    assert result.code == 0
    assert (grading.state, grading.detail[:9]) == ("warning", "not tried")
    assert not any(ANSWER in prompt_of(body) for body in bodies(openai_chat))
