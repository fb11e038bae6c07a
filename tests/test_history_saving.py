"""A history that cannot be used never costs the critique: the attempt goes to a file that the warning names.

Exports and rescue files are read back with an error that names the line.
"""

from __future__ import annotations

import sqlite3
import stat
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from assessment_factory import ANSWER
from history_factory import BANK, QUESTION, attempt, judged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.errors import InputError, StorageError
from coach.history.records import AttemptRecord
from coach.history.saving import (
    SavedAttempt,
    delete_if_rescue_file,
    delete_rescue_files,
    read_records,
    rescue_files,
    save_or_rescue,
    write_rescue_file,
)
from coach.history.store import HistoryStore

PlainUser = Callable[[], AbstractContextManager[None]]

pytest_plugins = ("plain_user",)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a data directory and a temporary directory of its own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COACH_DATABASE_URL", raising=False)
    return tmp_path / "data"


def save(open_store: Callable[[], HistoryStore] = HistoryStore.open) -> SavedAttempt:
    """Save one attempt as ``coach submit`` does."""
    return save_or_rescue(open_store, QUESTION, ANSWER, judged(72.5), bank_title=BANK)


def assert_rescued(outcome: SavedAttempt, directory: Path) -> None:
    """The attempt lies in a file in this directory, and the warning names the file."""
    assert outcome.attempt_id is None
    assert outcome.rescue_file is not None
    assert outcome.warning is not None
    assert outcome.rescue_file.parent == directory
    assert str(outcome.rescue_file) in outcome.warning.message
    (record,) = read_records(outcome.rescue_file)
    assert (record.question_id, record.bank_title, record.answer) == (QUESTION, BANK, ANSWER)
    assert record.assessment == judged(72.5)


def test_an_attempt_is_saved_without_a_word() -> None:
    """In the normal case there is a number and no warning."""
    outcome = save()

    assert (outcome.warning, outcome.rescue_file) == (None, None)
    with HistoryStore.open() as store:
        assert [attempt.id for attempt in store.attempts()] == [outcome.attempt_id]


def test_a_damaged_database_costs_nothing(data: Path) -> None:
    """The attempt is rescued beside the damaged file, and can be added to a new history."""
    data.mkdir()
    (data / "history.db").write_bytes(b"damaged " * 1000)
    outcome = save()

    assert_rescued(outcome, data)
    (data / "history.db").unlink()
    assert outcome.rescue_file is not None
    with HistoryStore.open() as store:
        assert store.import_records(read_records(outcome.rescue_file)) == 1


def test_a_locked_database_costs_nothing(data: Path) -> None:
    """While another process holds the lock the attempt is rescued; afterwards saving works again."""
    HistoryStore.open().close()
    with closing(sqlite3.connect(data / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcome = save(lambda: HistoryStore.open(wait_seconds=0.05))
    assert_rescued(outcome, data)
    assert outcome.warning is not None
    assert "locked" in outcome.warning.message

    assert save().warning is None


def test_an_unusable_address_costs_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in COACH_DATABASE_URL is told after the critique, not instead of it."""
    monkeypatch.setenv("COACH_DATABASE_URL", "nonsense")

    assert_rescued(save(), data)


def test_a_read_only_data_directory_costs_nothing(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch, as_plain_user: PlainUser
) -> None:
    """The attempt goes to the temporary directory when the data directory cannot be written."""
    temporary = open_directory / "tmp"
    temporary.mkdir()
    temporary.chmod(0o777)
    data = open_directory / "data"
    data.mkdir(mode=0o555)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("COACH_DATA_DIR", str(data))
    with as_plain_user():
        outcome = save()

    assert_rescued(outcome, temporary)
    assert list(data.iterdir()) == []


def test_when_nothing_can_be_written_the_warning_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even then there is a warning with both reasons and no error."""
    data.write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(data))
    outcome = save()

    assert (outcome.attempt_id, outcome.rescue_file) == (None, None)
    assert outcome.warning is not None
    assert "not saved" in outcome.warning.message
    assert "cannot be kept in a file" in outcome.warning.message


def test_other_errors_are_not_hidden() -> None:
    """A mistake in the program itself stays visible."""

    def broken() -> HistoryStore:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save(broken)


def test_the_warning_says_what_to_do() -> None:
    """The hint of the error and the command that adds the attempt later are part of the warning."""

    def closed() -> HistoryStore:
        raise StorageError("the history is shut", "Open it.")

    outcome = save(closed)

    assert outcome.warning is not None
    assert "the history is shut. Open it." in outcome.warning.message
    assert f"coach history --import {outcome.rescue_file}" in outcome.warning.message


def record(number: int = 1, question_id: str = "dicom-standard", bank_title: str = BANK) -> AttemptRecord:
    """Return a record as it is before it gets its number."""
    saved = attempt(number, judged(question_id=question_id), bank_title=bank_title)
    return AttemptRecord.model_validate(saved.model_dump(by_alias=True, exclude={"id"}))


def test_a_rescue_file_is_private_and_can_be_read_back(data: Path) -> None:
    """The file lies in the data directory, is readable by its user only, and holds the whole attempt."""
    path = write_rescue_file(record())

    assert path.parent == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    (kept,) = read_records(path)
    assert kept.model_dump(exclude={"id"}) == record().model_dump()


def test_a_second_rescue_file_does_not_replace_the_first() -> None:
    """Two attempts of the same second lie in two files."""
    assert write_rescue_file(record()) != write_rescue_file(record())
    assert len(rescue_files()) == 2


def test_without_a_data_directory_the_temporary_one_is_taken(data: Path) -> None:
    """A data directory that cannot be made costs nothing."""
    data.write_text("a file, not a directory")
    path = write_rescue_file(record())

    assert path.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert rescue_files() == [path]


def test_no_place_at_all_is_an_error_that_names_both(data: Path) -> None:
    """When neither directory can be written, the error names them."""
    data.write_text("")
    temporary = Path(tempfile.gettempdir())
    temporary.rmdir()
    with pytest.raises(StorageError) as caught:
        write_rescue_file(record())

    assert str(data) in caught.value.message
    assert str(temporary) in caught.value.message


def test_rescue_files_are_deleted_by_question_and_bank(data: Path) -> None:
    """Only those of the question and bank go; an unreadable one goes with all of them, a foreign file never."""
    first = write_rescue_file(record())
    other = write_rescue_file(record(2, "hl7-integration"))
    third = write_rescue_file(record(3, bank_title="Librarian"))
    torn = data / "coach-attempt-torn.jsonl"
    torn.write_text("{")
    foreign = data / "notes.jsonl"
    foreign.write_text("mine")

    assert delete_rescue_files("dicom-standard", BANK) == 1
    assert set(rescue_files()) == {other, third, torn}
    assert not first.exists()
    assert delete_rescue_files() == 3
    assert foreign.read_text() == "mine"


def test_links_are_not_followed(data: Path, tmp_path: Path) -> None:
    """A link that is named like a rescue file, in a directory that others may write, is left alone."""
    target = tmp_path / "precious"
    target.write_text("mine")
    (Path(tempfile.gettempdir()) / "coach-attempt-x.jsonl").symlink_to(target)

    assert rescue_files() == []


def test_an_imported_rescue_file_is_deleted_but_no_other_file(tmp_path: Path) -> None:
    """Only a file that the coach wrote to its own directories is taken away."""
    rescued = write_rescue_file(record())
    export = tmp_path / "export.jsonl"
    export.write_text(rescued.read_text())

    assert not delete_if_rescue_file(export)
    assert export.exists()
    assert delete_if_rescue_file(rescued)
    assert not rescued.exists()


def test_lines_from_other_editors_are_read(tmp_path: Path) -> None:
    """A byte-order mark, Windows line ends, blank lines and the number of an exported line do no harm."""
    path = tmp_path / "export.jsonl"
    line = attempt(7).model_dump_json(by_alias=True)
    path.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n\r\n" + line.encode())

    assert [read.answer for read in read_records(path)] == ["Answer 7.", "Answer 7."]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"{\n", ":1:"),
        (b'\n{"schema": "coach/attempt@1"}\n', ":2: question_id"),
        (b"[]", ":1:"),
        (b"\xff\xfe", "UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_export_names_the_place(tmp_path: Path, content: bytes | None, where: str) -> None:
    """The error names the file and the line, and does not quote the content."""
    path = tmp_path / "export.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_records(path)

    assert f"{path}" in caught.value.message
    assert where in caught.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="ignore")))
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, reading it ends in records or in InputError."""
    path = tmp_path / "any.jsonl"
    path.write_bytes(content)
    try:
        records = read_records(path)
    except InputError:
        return
    assert records == []
