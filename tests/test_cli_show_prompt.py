"""``coach submit --show-prompt`` prints what would be sent, to the letter, and sends nothing."""

from __future__ import annotations

import re

import httpx
import pytest
import respx
from coach_command import ANSWER, SERVER, Outcome, all_met, bodies, coach, serve

from coach.model.completion import Message
from coach.model.cost import TokenCounter

pytest_plugins = ("coach_fixtures",)
pytestmark = [pytest.mark.httpx2(assert_all_called=False), pytest.mark.usefixtures("coach_alone")]

ID = "dicom-standard"


def submit(*options: str, answer: str = ANSWER) -> Outcome:
    """Hand in an answer through a pipe; it must end well."""
    result = coach("submit", ID, "-", *options, stdin=answer)
    assert result.code == 0, result.err
    return result


@pytest.mark.parametrize("method", ["structured", "logprobs"])
def test_the_requests_shown_are_those_that_are_sent(server_chat: respx.Route, method: str) -> None:
    """Same messages, limits and schema, no more and no fewer; also when what is repeated was kept."""
    if method == "structured":
        serve(server_chat, lambda body: httpx.Response(200, json=all_met(body)))
    for _ in range(2):
        before = len(bodies(server_chat))
        shown = submit("--show-prompt", "--json", "--method", method).json()
        assert len(bodies(server_chat)) == before

        submit("--method", method)
        sent = bodies(server_chat)[before:]

        assert shown["method"] == method
        assert len(shown["requests"]) == len(sent)
        for request in shown["requests"]:
            matching = [body for body in sent if body["messages"] == request["messages"]]
            assert [body["max_tokens"] for body in matching] == [request["max_tokens"]]
            if method == "structured":
                assert matching[0]["response_format"]["json_schema"]["schema"] == request["json_schema"]["schema"]


def test_the_text_holds_every_message_and_the_sum_of_tokens(openai_chat: respx.Route) -> None:
    """What is printed for people is complete, and the count is that of the vocabulary."""
    text = submit("--show-prompt", "--model", "gpt-4o").out
    document = submit("--show-prompt", "--model", "gpt-4o", "--json").json()

    [request] = document["requests"]
    messages = [Message(message["role"], message["content"]) for message in request["messages"]]
    assert all(message.content in text for message in messages)
    assert document["input_tokens"] == TokenCounter("gpt-4o").count_messages(messages)
    assert f"1 request, ≈{document['input_tokens']} tokens in, to gpt-4o at https://api.openai.com/v1." in text
    assert "Nothing was sent." in text
    assert not openai_chat.called


def test_the_embedded_model_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is its file made; its name and what it would be asked are shown."""

    def start(*_: object, **__: object) -> None:
        raise AssertionError("the model was started")

    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: True)
    monkeypatch.setattr("coach.submit.open.ensure_model_file", start)
    monkeypatch.setattr("coach.model.embedded_server.EmbeddedServer.start", start)

    text = submit("--show-prompt", "--model", "local").out

    assert re.search(
        r"\d+ requests, ≈\d+ tokens in, to qwen2.5-coder-1.5b-instruct-q4_k_m at http://127.0.0.1/v1", text
    )


def test_a_guess_about_the_method_is_called_one(server_chat: respx.Route) -> None:
    """A compatible server is not even asked what it can do, so the text says what was assumed."""
    guessed = submit("--show-prompt").out
    chosen = submit("--show-prompt", "--method", "logprobs").out

    assert "--method structured" in guessed
    assert "--method structured" not in chosen
    assert SERVER in guessed
    assert not server_chat.called


def test_an_answer_that_nobody_judges_has_no_prompt(openai_chat: respx.Route) -> None:
    """What is too short would not be sent, so nothing is shown as if it were."""
    text = submit("--show-prompt", answer="It is a standard.").out
    document = submit("--show-prompt", "--json", answer="It is a standard.").json()

    assert "too short" in text
    assert "nothing would be sent" in text
    assert document["requests"] == []
    assert "too short" in document["unscored_reason"]


def test_nothing_is_kept(openai_chat: respx.Route) -> None:
    """Looking at a prompt is no attempt."""
    submit("--show-prompt")

    assert coach("history", "--json").json().get("attempts", []) == []
