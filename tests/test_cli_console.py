"""What all commands share: streams of any encoding, reports that can be written, a word on options without effect."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from hypothesis import given
from hypothesis import strategies as st

from coach.cli.console import never_fail_to_encode
from coach.cli.options import ReportOptions, check_writable, say_when_ignored
from coach.errors import InputError
from coach.model.embedded_server import Endpoint
from coach.model.pace import MAXIMUM
from coach.submit.open import Settings, open_session


def written(text: str, encoding: str) -> str:
    """Return what standard output of this encoding receives."""
    with pytest.MonkeyPatch.context() as patch:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", io.StringIO())
        never_fail_to_encode()
        out.write(text)
        content = out.buffer
        assert isinstance(content, io.BytesIO)
        return content.getvalue().decode(encoding)


@given(st.text(), st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8"]))
def test_json_stays_the_same_document_in_every_encoding(text: str, encoding: str) -> None:
    """What the encoding lacks is escaped as JSON escapes it."""
    document = json.dumps({"quote": text}, ensure_ascii=False)

    assert json.loads(written(document, encoding)) == {"quote": text}


def test_what_can_be_shown_is_shown() -> None:
    """Only the other characters are escaped."""
    assert written("≈ 3½ hours", "latin-1") == "\\u2248 3½ hours"
    assert written("≈ 3½ hours", "utf-8") == "≈ 3½ hours"


def test_half_characters_of_a_file_name_are_no_crash() -> None:
    """A name that is no text in the system's encoding can be named in a message."""
    assert written("x\udcff.md", "utf-8") == "x\\udcff.md"


pytest_plugins = ("plain_user",)


def test_a_file_in_a_folder_of_ones_own_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New or old, named in full or not, or through a link; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.html").touch()
    (tmp_path / "link.html").symlink_to(tmp_path / "old.html")

    ReportOptions().check()
    ReportOptions(markdown=Path("new.html"), html=tmp_path / "old.html").check()
    check_writable(tmp_path / "link.html")

    assert {path.name for path in tmp_path.iterdir()} == {"old.html", "link.html"}


def test_folders_and_devices_are_refused(tmp_path: Path) -> None:
    """The error names the path and what to name instead."""
    for path in (tmp_path, tmp_path / "missing" / "report.html", Path("/dev/null")):
        with pytest.raises(InputError, match="cannot be written there") as caught:
            check_writable(path)
        assert str(path) in caught.value.message
        assert "Name a" in caught.value.hint


def test_permissions_count(open_directory: Path, as_plain_user: Callable[[], AbstractContextManager[None]]) -> None:
    """A folder of somebody else is refused, with the system's reason."""
    check_writable(open_directory / "report.html")

    with as_plain_user(), pytest.raises(InputError, match="Permission denied"):
        check_writable(open_directory / "report.html")


EMBEDDED, REMOTE = {"COACH_MODEL": "tiny.gguf"}, {"OPENAI_API_KEY": "k"}


class _Server:
    """Stands for the embedded server."""

    model = "tiny"

    @classmethod
    def start(cls, _file: Path) -> _Server:
        return cls()

    async def ready(self) -> Endpoint:
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
