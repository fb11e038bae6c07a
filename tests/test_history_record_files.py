"""Exports and rescue files: private, whole or not at all, and read back with an error that names the line."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest
from history_factory import BANK, attempt, judged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.errors import InputError, StorageError
from coach.history.record_files import (
    delete_if_rescue_file,
    delete_rescue_files,
    private_export,
    read_records,
    rescue_files,
    write_rescue_file,
)
from coach.history.records import AttemptRecord


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a data directory and a temporary directory of its own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


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
    assert read_records(path) == [record()]


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


def test_an_export_file_appears_whole_and_private(tmp_path: Path) -> None:
    """The old file stays until the new one is complete, and a failure leaves nothing else behind."""
    path = tmp_path / "export.jsonl"
    path.write_text("old")
    with pytest.raises(TypeError), private_export(path) as stream:
        stream.writelines(["new", None])  # type: ignore[list-item]
    assert path.read_text() == "old"

    with private_export(path) as stream:
        stream.write("new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"export.jsonl", "tmp"}


def test_an_export_to_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(StorageError, match=r"export\.jsonl"), private_export(tmp_path / "no" / "export.jsonl"):
        pytest.fail("the block must not run")


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
