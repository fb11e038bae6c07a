"""Answers written in the editor or typed into the terminal are judged like files, and never lost."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import respx
from assessment_factory import dicom_question
from coach_command import ANSWER, bodies, coach, prompt_of, serve

from coach.history.store import HistoryStore

if TYPE_CHECKING:
    from fake_editor import MakeEditor

pytest_plugins = ("coach_fixtures", "fake_editor")
pytestmark = [pytest.mark.httpx2(assert_all_called=False), pytest.mark.usefixtures("coach_alone")]

ID = "dicom-standard"
WRITE = f"path.write_text(path.read_text() + {ANSWER!r})"


def drafts(tmp_path: Path) -> list[Path]:
    """Return every answer that was left in a file."""
    return [*(tmp_path / "coach-data").glob("drafts/*"), *tmp_path.glob("coach-answer-*")]


def unavailable(_body: object) -> httpx.Response:
    """Refuse the key."""
    return httpx.Response(401, json={"error": {"message": "no"}})


def test_what_is_written_in_the_editor_is_judged(openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path) -> None:
    """Question and rationale stand in the editor, only the answer is sent and kept, and no draft stays."""
    editor(f"assert {dicom_question().rationale!r} in path.read_text()\n{WRITE}")

    assert coach("submit", ID).code == 0
    assert prompt_of(bodies(openai_chat)[0]).count("below this line") == 0
    with HistoryStore.open() as store:
        assert store.attempts()[0].answer == ANSWER
    assert drafts(tmp_path) == []


@pytest.mark.parametrize("code", ["pass", "path.write_text('')"], ids=["left as it was", "emptied"])
def test_an_empty_file_cancels(openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path, code: str) -> None:
    """Nothing is sent or kept, and it is no failure."""
    editor(code)
    result = coach("submit", ID)

    assert (result.code, result.out) == (0, "")
    assert "Cancelled" in result.err
    assert not openai_chat.called
    assert drafts(tmp_path) == []


def test_an_editor_that_fails_is_named(openai_chat: respx.Route, editor: MakeEditor) -> None:
    """Exit code 2, and nothing is sent."""
    editor("sys.exit(3)")
    result = coach("submit", ID)

    assert result.code == 2
    assert "editor" in result.err
    assert not openai_chat.called


def test_an_answer_survives_a_model_that_fails(openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path) -> None:
    """The hint gives the command that hands the kept answer in again, and that command works."""
    editor(WRITE)
    reply = openai_chat.side_effect
    serve(openai_chat, unavailable)
    result = coach("submit", ID)

    assert result.code == 4
    [draft] = drafts(tmp_path)
    assert draft.read_text(encoding="utf-8") == ANSWER
    command = result.err.strip().split("again with: ")[1]
    assert shlex.split(command) == ["coach", "submit", ID, str(draft)]

    openai_chat.side_effect = reply
    assert coach(*shlex.split(command)[1:]).code == 0
    assert ANSWER.split(". ")[1] in prompt_of(bodies(openai_chat)[-1])


def test_an_answer_survives_ctrl_c(openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path) -> None:
    """Whoever loses patience with the model does not lose the answer."""
    editor(WRITE)

    def interrupt(_body: object) -> httpx.Response:
        raise KeyboardInterrupt

    serve(openai_chat, interrupt)
    result = coach("submit", ID)

    assert result.code == 130
    [draft] = drafts(tmp_path)
    assert str(draft) in result.err


def test_an_answer_is_kept_before_the_model_is_asked(
    openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path
) -> None:
    """So that not even a killed process loses it."""
    editor(WRITE)
    seen: list[str] = []

    def look(_body: object) -> httpx.Response:
        seen.extend(path.read_text(encoding="utf-8") for path in drafts(tmp_path))
        return unavailable(_body)

    serve(openai_chat, look)
    coach("submit", ID)

    assert seen == [ANSWER]


def test_what_is_typed_into_the_terminal_is_kept_too(openai_chat: respx.Route, tmp_path: Path) -> None:
    """A pipe has its source somewhere, a terminal has not."""
    serve(openai_chat, unavailable)

    coach("submit", ID, "-", stdin=ANSWER)
    assert drafts(tmp_path) == []

    result = coach("submit", ID, "-", stdin=ANSWER, typed=True)
    [draft] = drafts(tmp_path)
    assert str(draft) in result.err


def test_an_answer_survives_a_look_at_the_prompt(openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path) -> None:
    """What was written to see its prompt can still be handed in."""
    editor(WRITE)
    result = coach("submit", ID, "--show-prompt")

    assert result.code == 0
    [draft] = drafts(tmp_path)
    assert draft.read_text(encoding="utf-8") == ANSWER
    assert str(draft) in result.err
    assert not openai_chat.called


@pytest.mark.parametrize(
    "options",
    [
        ("--method", "guess"),
        ("--html", "missing/report.html"),
        ("--calibration", "nobody-made-it"),
        ("--bank", "missing.yaml"),
    ],
    ids=lambda options: options[0],
)
def test_what_is_wrong_is_said_before_the_editor_opens(
    openai_chat: respx.Route, editor: MakeEditor, tmp_path: Path, options: tuple[str, str]
) -> None:
    """Nobody writes an answer for a run that could not work."""
    editor(f"pathlib.Path({str(tmp_path / 'opened')!r}).touch()\n{WRITE}")

    assert coach("submit", ID, *options).code == 2
    assert not (tmp_path / "opened").exists()
    assert not openai_chat.called


def test_without_a_model_the_editor_does_not_open(
    editor: MakeEditor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the three ways to a model."""
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: False)
    editor(f"pathlib.Path({str(tmp_path / 'opened')!r}).touch()")
    result = coach("submit", ID)

    assert result.code == 2
    assert all(way in result.err for way in ("[local]", "OPENAI_API_KEY", "--model"))
    assert not (tmp_path / "opened").exists()


def test_a_file_with_the_editors_comment_is_read_without_it(openai_chat: respx.Route, editor: MakeEditor) -> None:
    """What an editor left behind when it crashed can be handed in as it is."""
    editor(f"{WRITE}\nsys.exit(1)")
    result = coach("submit", ID)
    kept = result.err.split("kept in ")[1].split(";")[0]

    assert "below this line" in Path(kept).read_text(encoding="utf-8")
    assert coach("submit", ID, kept).code == 0
    assert prompt_of(bodies(openai_chat)[0]).count(dicom_question().rationale) == 1
    with HistoryStore.open() as store:
        assert store.attempts()[0].answer == ANSWER
