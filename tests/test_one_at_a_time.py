"""The embedded model judges one answer at a time, and says so to whoever asks for more."""

from __future__ import annotations

import pytest

from coach.cli.batch_session import limit_of
from coach.cli.one_at_a_time import say_when_ignored
from coach.model.choose import choose_model
from coach.model.concurrency import MAXIMUM

EMBEDDED, REMOTE = {"COACH_MODEL": "tiny.gguf"}, {"OPENAI_API_KEY": "k"}


@pytest.mark.parametrize(
    ("environment", "wanted", "most"), [(EMBEDDED, None, 1), (EMBEDDED, 8, 1), (REMOTE, None, MAXIMUM), (REMOTE, 8, 8)]
)
def test_rows_in_flight(environment: dict[str, str], wanted: int | None, most: int) -> None:
    """The user's wish counts for a server, not for the embedded model."""
    assert limit_of(choose_model(None, environment), wanted).maximum == most


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

    say_when_ignored(None, wanted, "--concurrency", quiet)

    seen = capsys.readouterr()
    assert ("--concurrency is for models on a server" in " ".join(seen.err.split())) == said
    assert not seen.out
