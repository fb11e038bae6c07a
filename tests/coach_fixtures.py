"""A place of its own and a faked chat endpoint for runs of the program; see ``coach_command``.

Use them in a test module with ``pytest_plugins = ("coach_fixtures",)``.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from coach_command import CHAT_URL, KEY, SERVER, SERVER_URL, all_met, one_token, serve


@pytest.fixture
def coach_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in an own folder with an own cache, without waiting between retries and without the local extra."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path / "coach-cache"))
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.0)
    # Comparing shared words takes no second to load, and is what an installation without the extra has.
    monkeypatch.setattr("coach.model.encoder.encoder_installed", lambda: False)


@pytest.fixture
def openai_chat(coach_alone: None, httpx2_mock: respx.Router, monkeypatch: pytest.MonkeyPatch) -> respx.Route:
    """Be a user of OpenAI, whose judge finds every check met by the first sentence."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return serve(httpx2_mock.post(CHAT_URL), lambda body: httpx.Response(200, json=all_met(body)))


@pytest.fixture
def server_chat(coach_alone: None, httpx2_mock: respx.Router, monkeypatch: pytest.MonkeyPatch) -> respx.Route:
    """Be a user of a compatible server that gives log-probabilities and says Yes more often than No."""
    monkeypatch.setenv("OPENAI_BASE_URL", SERVER)
    monkeypatch.setenv("COACH_MODEL", "small-model")
    return serve(httpx2_mock.post(SERVER_URL), lambda body: httpx.Response(200, json=one_token(body)))
