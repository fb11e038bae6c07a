"""Bad input to the single-answer commands: one message, one hint, exit code 2, no traceback, nothing sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import respx
from coach_command import ANSWER, Outcome, bodies, coach, prompt_of

from coach.submit.assessment import Assessment

pytest_plugins = ("coach_fixtures",)
pytestmark = [pytest.mark.httpx2(assert_all_called=False), pytest.mark.usefixtures("openai_chat")]

ID = "dicom-standard"
ROOT = Path(__file__).resolve().parent.parent


def refused(result: Outcome, *words: str, code: int = 2) -> None:
    """Check that a run ended with a message and a hint that hold these words, and with nothing else.

    A bank with several faults has a line for each.
    """
    assert result.code == code, result.err
    assert result.out == ""
    message, hint = result.err.strip().split("\nhint: ")
    assert message.startswith("error: ")
    assert all(line.startswith(("error: ", "/")) for line in message.split("\n"))
    assert "\n" not in hint
    for word in words:
        assert word in result.err


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    """Return a file with an answer."""
    path = tmp_path / "answer.md"
    path.write_text(ANSWER, encoding="utf-8")
    return path


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Return a copy of the shipped bank that a test may break."""
    shutil.copy(ROOT / "questions.yaml", tmp_path)
    shutil.copytree(ROOT / "rubrics", tmp_path / "rubrics")
    return tmp_path / "questions.yaml"


@pytest.mark.parametrize("command", ["submit", "questions"])
def test_an_unknown_question_names_the_nearest(command: str, answer: Path) -> None:
    """A typing error is answered with the ids that were probably meant."""
    result = coach(command, "dicom-standart", *([answer] if command == "submit" else []))

    refused(result, "dicom-standart", "dicom-standard")


#: What lies at the path (None: nothing) -> words of the message.
FILES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "no such file"),
    "empty": (b"", "empty"),
    "blank": (b" \n\t\r\n", "empty"),
    "only a mark": (b"\xef\xbb\xbf", "empty"),
    "binary": (bytes(range(256)) * 4, "not a text file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
    "a document": (b"PK\x03\x04\x14\x00\x06\x00", ".docx"),
    "five megabytes": (b"I checked the archive. " * 228_000, "too large"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("way", ["file", "pipe"])
def test_an_answer_that_is_no_text_is_refused(openai_chat: respx.Route, tmp_path: Path, case: str, way: str) -> None:
    """The message names the file and what is wrong with it; a model is not asked."""
    content, words = FILES[case]
    path = tmp_path / "my answer.md"
    if content is not None:
        path.write_bytes(content)
    if way == "pipe":
        refused(coach("submit", ID, "-", stdin=content or b""), "standard input", "empty" if not content else words)
    else:
        refused(coach("submit", ID, path), str(path), words)
    assert not openai_chat.called


def test_a_folder_is_no_answer(tmp_path: Path) -> None:
    """The hint names the command that takes folders."""
    refused(coach("submit", ID, tmp_path), "folder", "coach batch")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_odd_encodings_are_read(openai_chat: respx.Route, tmp_path: Path, encoding: str) -> None:
    """What Windows saves is judged like any other answer, its quotes as typed."""
    text = f"{ANSWER} It took “three hours” – no longer."
    path = tmp_path / "answer.txt"
    path.write_bytes(text.encode(encoding))

    result = coach("submit", ID, path, "--json")

    assert result.code == 0
    assert "It took “three hours” – no longer." in prompt_of(bodies(openai_chat)[0])
    quotes = [quote for check in Assessment.model_validate_json(result.out).check_results() for quote in check.evidence]
    assert all(text[quote.start : quote.end] == quote.quote for quote in quotes)


@pytest.mark.parametrize("command", [("questions",), ("submit", ID, "-")], ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("questions:", "questions: [", ("questions.yaml:",)),
        ("    rationale:", "    rationnale:", ("questions.yaml:", "rationnale", ID)),
        ("    number: 1\n", "    number: one\n", ("questions.yaml:", "number", ID)),
    ],
    ids=["broken", "unknown key", "wrong type"],
)
def test_a_broken_bank_names_file_line_question_and_field(
    bank: Path, command: tuple[str, ...], old: str, new: str, words: tuple[str, ...]
) -> None:
    """Its author finds the place at once."""
    text = bank.read_text(encoding="utf-8")
    assert old in text
    bank.write_text(text.replace(old, new, 1), encoding="utf-8")

    refused(coach(*command, "--bank", bank, stdin=ANSWER), *words)


def test_a_bank_that_is_missing_or_lacks_a_rubric(bank: Path, tmp_path: Path) -> None:
    """Neither is a crash."""
    refused(coach("questions", "--bank", tmp_path / "nowhere.yaml"), "nowhere.yaml")
    refused(coach("questions", "--bank", tmp_path), str(tmp_path))
    (bank.parent / "rubrics" / "scenario.yaml").unlink()
    refused(coach("questions", "--bank", bank), "scenario")


def test_settings_that_do_not_exist(answer: Path, tmp_path: Path) -> None:
    """A method, a calibration, a model file and an address are checked by name."""
    refused(coach("submit", ID, answer, "--method", "guess"), "guess", "logprobs", "structured")
    refused(coach("doctor", "--method", "guess"), "guess", "logprobs", "structured")
    refused(coach("submit", ID, answer, "--calibration", "mine"), "mine")
    refused(coach("submit", ID, answer, "--model", tmp_path / "missing.gguf"), "missing.gguf", code=4)


@pytest.mark.parametrize("address", ["localhost:11434", "ftp://coach.test/v1", "http://"])
def test_an_address_that_is_none(answer: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The hint shows what an address looks like."""
    monkeypatch.setenv("OPENAI_BASE_URL", address)

    refused(coach("submit", ID, answer, "--model", "some-model"), "http://localhost:11434/v1")


def test_a_key_that_cannot_be_one(answer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused without being shown."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-“pasted from a letter”")
    result = coach("submit", ID, answer)

    refused(result, "OPENAI_API_KEY")
    assert "pasted" not in result.err


def test_a_report_that_cannot_be_written_is_found_out_first(
    openai_chat: respx.Route, answer: Path, tmp_path: Path
) -> None:
    """No model is asked for a critique that could not be delivered."""
    for option in ("--html", "--markdown"):
        refused(coach("submit", ID, answer, option, tmp_path), str(tmp_path))
        refused(coach("submit", ID, answer, option, tmp_path / "missing" / "report"), "missing")
        refused(coach("submit", ID, answer, option, "/dev/null"), "/dev/null")
    assert not openai_chat.called


@pytest.fixture
def in_the_way(tmp_path: Path) -> Path:
    """Return a path below a file: nobody can write there, not even root."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "folder"


def test_a_cache_that_cannot_be_written(
    server_chat: respx.Route, in_the_way: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a place for baselines they are measured again: the critique does not depend on it."""
    monkeypatch.setenv("COACH_CACHE_DIR", str(in_the_way))
    result = coach("submit", ID, "-", "--json", stdin=ANSWER)

    assert (result.code, result.err) == (0, "")
    assert Assessment.model_validate_json(result.out).score is not None


def test_a_cache_that_cannot_hold_the_embedded_model(
    in_the_way: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded model needs its file, so the error says where it could not be made."""
    part = tmp_path / "part01.bin"
    part.write_bytes(b"GGUF")
    monkeypatch.setenv("COACH_CACHE_DIR", str(in_the_way))
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: True)
    monkeypatch.setattr("coach.model.embedded_file._look_for_parts", lambda: ([part], []))

    refused(coach("submit", ID, "-", "--model", "local", "--quiet", stdin=ANSWER), str(in_the_way), code=1)


def test_a_data_directory_that_cannot_be_written_costs_no_critique(
    in_the_way: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report is printed, and a warning says that the attempt is not in the history and where it lies."""
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setenv("COACH_DATA_DIR", str(in_the_way))
    monkeypatch.setattr("tempfile.tempdir", str(spare))

    result = coach("submit", ID, "-", "--json", stdin=ANSWER)

    assert result.code == 0
    assert Assessment.model_validate_json(result.out).score is not None
    assert result.err.startswith("warning: ")
    [rescued] = spare.iterdir()
    assert str(rescued) in result.err


def test_wrong_use_is_explained(answer: Path) -> None:
    """A missing argument and an unknown option are exit code 2 as well."""
    for arguments in (("submit",), ("submit", ID, str(answer), "--verbose"), ("judge",)):
        result = coach(*arguments)
        assert (result.code, result.out) == (2, "")
        assert "-h' for help" in result.err
