"""The way of one answer from the command to the request is short enough to be read in one go."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
import respx
from coach_command import ANSWER, Body, all_met, coach, one_token, serve
from own_frames import OwnFrames

pytest_plugins = ("coach_fixtures",)

MOST, MOST_OF_A_ROW = 10, 13


@pytest.mark.parametrize("method", ["structured", "logprobs"])
def test_an_answer_passes_few_calls(openai_chat: respx.Route, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """From the entry of the program to the post, whatever the method."""
    frames = OwnFrames(monkeypatch)

    def reply(body: Body) -> httpx.Response:
        frames.take()
        return httpx.Response(200, json=all_met(body) if method == "structured" else one_token(body))

    serve(openai_chat, reply)

    assert coach("submit", "dicom-standard", "-", "--method", method, stdin=ANSWER).code == 0
    assert 0 < len(frames.deepest) <= MOST, "\n".join(frames.deepest)


def test_a_row_passes_few_calls(openai_chat: respx.Route, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the entry of the program to the post, through the tasks of a batch."""
    monkeypatch.setattr("coach.model.aiohttp_transport.aiohttp_transport", lambda: None)
    frames = OwnFrames(monkeypatch)

    def reply(body: Body) -> httpx.Response:
        frames.take()
        return httpx.Response(200, json=all_met(body))

    serve(openai_chat, reply)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"question_id": "dicom-standard", "answer": ANSWER}), encoding="utf-8")

    assert coach("batch", rows, "--out", tmp_path / "out", "--method", "structured").code == 0
    assert 0 < len(frames.deepest) <= MOST_OF_A_ROW, "\n".join(frames.deepest)
