"""The way from a command to the request is short enough to be read in one go."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from coach_command import ANSWER, Body, all_met, coach, one_token, serve
from own_frames import OwnFrames

pytest_plugins = ("coach_fixtures",)

METHODS = pytest.mark.parametrize("method", ["structured", "logprobs"])
MOST_OF_AN_ANSWER, MOST_OF_A_ROW = 10, 13


@pytest.fixture
def frames(openai_chat: respx.Route, monkeypatch: pytest.MonkeyPatch) -> OwnFrames:
    """Answer every request, and count the calls that led to it."""

    def reply(body: Body) -> httpx.Response:
        return httpx.Response(200, json=one_token(body) if body.get("logprobs") else all_met(body))

    serve(openai_chat, reply)
    return OwnFrames(monkeypatch)


@METHODS
def test_an_answer_passes_few_calls(frames: OwnFrames, method: str) -> None:
    """From the entry of the program to the post, whatever the method."""
    assert coach("submit", "dicom-standard", "-", "--method", method, stdin=ANSWER).code == 0

    assert 0 < len(frames.deepest) <= MOST_OF_AN_ANSWER, "\n".join(frames.deepest)


@METHODS
def test_a_row_passes_few_calls(
    frames: OwnFrames, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str
) -> None:
    """The same for one row of a batch."""
    # The transport for many requests at once cannot be faked.
    monkeypatch.setattr("coach.model.aiohttp_transport.aiohttp_transport", lambda: None)
    rows = tmp_path / "rows.csv"
    rows.write_text(f'question_id,answer\ndicom-standard,"{ANSWER}"\n', encoding="utf-8")

    assert coach("batch", rows, "--out", tmp_path / "out", "--method", method).code == 0

    assert 0 < len(frames.deepest) <= MOST_OF_A_ROW, "\n".join(frames.deepest)
