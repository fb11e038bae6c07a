"""The embedded model judges one answer at a time, and says so to whoever asks for more."""

from __future__ import annotations

from pathlib import Path

import pytest
from assessment_factory import shipped_bank

from coach.cli.options import say_when_ignored
from coach.model.embedded_server import Endpoint
from coach.model.pace import MAXIMUM
from coach.submit.open import Settings, open_session

EMBEDDED, REMOTE = {"COACH_MODEL": "tiny.gguf"}, {"OPENAI_API_KEY": "k"}


class _Server:
    """Stands for the embedded server."""

    @classmethod
    def start(cls, _file: Path) -> _Server:
        return cls()

    async def await_ready_async(self) -> Endpoint:
        return Endpoint("http://127.0.0.1:1/v1", "key", "tiny")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("environment", "wanted", "most"), [(EMBEDDED, None, 1), (EMBEDDED, 8, 1), (REMOTE, None, MAXIMUM), (REMOTE, 8, 8)]
)
async def test_rows_in_flight(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: int | None, most: int
) -> None:
    """The user's wish counts for a server, not for the embedded model."""
    monkeypatch.setattr("coach.submit.open.EmbeddedServer", _Server)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async with open_session(Settings(), shipped_bank(), many=True, concurrency=wanted) as session:
        assert session.limit.maximum == most


@pytest.mark.parametrize(
    ("environment", "wanted", "quiet", "said"),
    [
        (EMBEDDED, 8, False, True),
        (EMBEDDED, 8, True, False),
        (EMBEDDED, 1, False, False),
        (EMBEDDED, None, False, False),
        (REMOTE, 8, False, False),
    ],
)
def test_a_wish_that_changes_nothing_is_answered(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    wanted: int | None,
    quiet: bool,
    said: bool,
) -> None:
    """One line on standard error, unless it is to be quiet or the option is of use."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    say_when_ignored(Settings(), wanted, "--concurrency", quiet)

    seen = capsys.readouterr()
    assert ("--concurrency is for models on a server" in " ".join(seen.err.split())) == said
    assert not seen.out
