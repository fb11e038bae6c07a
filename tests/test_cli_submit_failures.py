"""``coach submit`` when the endpoint fails: one message, one hint, the exit code for it, and no invented score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import respx
from coach_command import ANSWER, KEY, Body, all_met, asked_checks, bodies, coach, completion, serve, verdicts

from coach.history.store import HistoryStore
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment

pytest_plugins = ("coach_fixtures",)
pytestmark = pytest.mark.httpx2(assert_all_called=False)

ID = "dicom-standard"


def failure(status: int, message: str, code: str | None = None, **headers: str) -> httpx.Response:
    """Return an error as OpenAI sends it."""
    error = {"message": message, "type": "x", "param": None, "code": code}
    return httpx.Response(status, json={"error": error}, headers=headers)


def submit(*options: str) -> Any:
    """Hand in the answer through a pipe."""
    return coach("submit", ID, "-", *options, stdin=ANSWER)


#: What the endpoint does -> words of the message, words of the hint, requests until the coach gives up.
FAILURES: dict[str, tuple[httpx.Response | Exception, str, str, int]] = {
    "a bad key": (failure(401, f"Incorrect API key provided: {KEY}"), "API key", "OPENAI_API_KEY", 1),
    "an unknown model": (failure(404, "The model `x` does not exist", "model_not_found"), "model", "--model", 1),
    "no quota": (failure(429, "You exceeded your quota", "insufficient_quota"), "no quota left", "billing", 1),
    "a long wait": (failure(429, "Slow down", "rate_limit_exceeded", **{"retry-after": "300"}), "too many", "300 s", 1),
    "an error": (failure(500, "The server had an error"), "HTTP 500", "later", 5),
    "no connection": (httpx2.ConnectError("refused"), "no connection", "", 5),
    "a time-out": (httpx2.ReadTimeout("slow"), "in time", "", 5),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["for people", "as JSON"])
def test_a_failing_endpoint_is_one_message_with_a_hint(
    openai_chat: respx.Route, case: str, options: tuple[str, ...]
) -> None:
    """Exit code 4, nothing on standard output, no traceback, no key, and no attempt in the history."""
    reply, message, hint, requests = FAILURES[case]

    def fail(request: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    openai_chat.mock(side_effect=fail)

    result = submit(*options)

    assert result.code == 4
    assert result.out == ""
    first, second = result.err.strip().split("\n")
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second
    assert KEY not in result.err
    assert len(openai_chat.calls) == requests
    with HistoryStore.open() as store:
        assert store.count() == 0


def test_a_short_wait_is_waited_for(openai_chat: respx.Route) -> None:
    """After 429 with Retry-After the same request is sent again, and nobody notices."""
    replies = [failure(429, "Slow down", "rate_limit_exceeded", **{"retry-after-ms": "1"})]
    serve(openai_chat, lambda body: replies.pop() if replies else httpx.Response(200, json=all_met(body)))

    assert submit().code == 0
    first, second = bodies(openai_chat)
    assert first == second


#: A reply that cannot be used at all -> why the checks are not judged.
UNUSABLE = {
    "a refusal": ({"refusal": "I cannot help with that."}, None, "the model declined: I cannot help with that."),
    "no JSON": ({}, "I am sorry, here is my view.", "the reply was not a JSON object"),
    "broken JSON": ({}, '{"checks": [1, 2', "says nothing about this check"),
    "cut off at once": ({"finish_reason": "length"}, "{", "cut off"),
    "another object": ({}, '{"score": 10}', "says nothing about this check"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_reply_leaves_the_answer_without_a_score(openai_chat: respx.Route, case: str) -> None:
    """It is asked for once more; then the score is null with a reason, exit code 3, and the answer is kept."""
    changes, content, reason = UNUSABLE[case]

    def reply(body: Body) -> httpx.Response:
        made = completion(body, content)
        choice = made["choices"][0]
        choice["message"]["refusal"] = changes.get("refusal")
        choice["finish_reason"] = changes.get("finish_reason", "stop")
        return httpx.Response(200, json=made)

    serve(openai_chat, reply)
    result = submit("--json")

    assert result.code == 3
    assessment = Assessment.model_validate_json(result.out)
    assert (assessment.score, assessment.interval) == (None, None)
    assert assessment.unscored_reason
    assert all(check.verdict is Verdict.UNJUDGED and check.probability is None for check in assessment.check_results())
    assert all(reason in (check.comment or "") for check in assessment.check_results())
    assert len(openai_chat.calls) == 2
    with HistoryStore.open() as store:
        assert store.attempts()[0].answer == ANSWER


def test_a_reply_that_was_cut_off_keeps_what_was_good(openai_chat: respx.Route) -> None:
    """Only what was missing is asked for again."""

    def reply(body: Body) -> httpx.Response:
        checks = asked_checks(body)
        if len(openai_chat.calls) > 1:
            return httpx.Response(200, json=all_met(body))
        whole = verdicts(checks)
        cut = whole[: whole.index(f'"{checks[4]}"')]
        return httpx.Response(200, json=completion(body, cut, finish_reason="length"))

    serve(openai_chat, reply)
    result = submit("--json")

    assert result.code == 0
    first, second = map(asked_checks, bodies(openai_chat))
    assert 0 < len(second) < len(first)
    assert set(second) == set(first[-len(second) :])
    assert [warning.code for warning in Assessment.model_validate_json(result.out).warnings] == ["reply_repaired"]


def test_a_content_filter_costs_the_score_only(openai_chat: respx.Route) -> None:
    """A blocked reply is no crash: the reason is told, and the answer is not blamed."""
    openai_chat.mock(side_effect=lambda request: failure(400, "Blocked by policy", "content_filter"))

    result = submit()

    assert result.code == 3
    assert "content filter" in result.out
    assert "Nothing was counted against you" in result.out


def test_missing_usage_means_no_price(openai_chat: respx.Route) -> None:
    """Without token counts the receipt says so instead of 0."""
    serve(openai_chat, lambda body: httpx.Response(200, json={**all_met(body), "usage": None}))

    result = submit("--json")

    receipt = Assessment.model_validate_json(result.out).receipt
    assert result.code == 0
    assert (receipt.input_tokens, receipt.output_tokens, receipt.cost_usd) == (None, None, None)


def test_missing_logprobs_are_not_held_against_the_answer(server_chat: respx.Route) -> None:
    """Whoever insists on the logprobs method at a server without them is told the other one, and gets no score."""
    serve(server_chat, lambda body: httpx.Response(200, json=completion(body, "Yes")))

    result = submit("--method", "logprobs")

    assert (result.code, result.out) == (4, "")
    assert "gives no log-probabilities" in result.err
    assert "--method structured" in result.err


def test_a_server_that_is_no_chat_server_is_named(server_chat: respx.Route) -> None:
    """A web page in place of a completion is told from a bad answer."""
    server_chat.mock(side_effect=lambda request: httpx.Response(200, text="<html>It works!</html>"))

    result = submit()

    assert result.code == 4
    assert "not with JSON" in result.err
    assert "OPENAI_BASE_URL" in result.err


def test_an_interrupted_run_ends_quietly(openai_chat: respx.Route) -> None:
    """Ctrl-C is exit code 130 and one line that says so."""

    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    openai_chat.mock(side_effect=interrupt)

    result = submit()

    assert (result.code, result.out) == (130, "")
    assert result.err.strip() == "Interrupted."


def test_a_history_that_cannot_be_used_does_not_cost_the_critique(openai_chat: respx.Route, tmp_path: Path) -> None:
    """The report is printed; a warning names the file in which the attempt lies instead."""
    data = tmp_path / "coach-data"
    data.mkdir()
    (data / "history.db").write_bytes(b"This is no database at all." * 50)

    result = submit("--json")

    assert result.code == 0
    assert Assessment.model_validate_json(result.out).score is not None
    [rescued] = data.glob("coach-attempt-*")
    assert str(rescued) in result.err
    assert json.loads(rescued.read_text(encoding="utf-8"))["answer"] == ANSWER
