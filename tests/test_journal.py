"""Tests of coach.batch.journal, .journal_file, .journal_index and .journal_lock."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from batch_factory import journal_record
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch import journal_file
from coach.batch.journal import JOURNAL_NAME, Journal
from coach.batch.rows import JournalRecord
from coach.errors import InputError, StorageError

WRITER = Path(__file__).with_name("journal_writer.py")


def content_of(directory: Path) -> bytes:
    """Return the journal's bytes."""
    return (directory / JOURNAL_NAME).read_bytes()


def fill(directory: Path, *records: JournalRecord) -> None:
    """Write records in one go."""
    with Journal.open(directory) as journal:
        for record in records:
            journal.append(record)


def latest_ids(directory: Path) -> list[str]:
    """Return the row ids that the journal holds."""
    with Journal.read(directory) as journal:
        return [record.row_id for record in journal.latest()]


@contextmanager
def writer(directory: Path, count: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run another process that writes to the directory."""
    command = [sys.executable, str(WRITER), str(directory), str(count), *more]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def test_a_new_journal_is_private_and_has_a_header(tmp_path: Path) -> None:
    """The directory is made, the file is readable by its owner alone and says its schema."""
    Journal.open(tmp_path / "a" / "b").close()

    path = tmp_path / "a" / "b" / JOURNAL_NAME
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "coach/journal@1"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    """What was appended is found by row and key, at once and after opening again."""
    record = journal_record("r1", "k1", candidate="Zoë", same_as="r0")
    with Journal.open(tmp_path) as journal:
        journal.append(record)
        assert journal.result("r1", "k1") == record
    with Journal.open(tmp_path) as journal:
        assert journal.finished("r1", "k1")
        assert journal.result("r1", "k1") == record
        assert journal.by_key("k1") == record
        assert list(journal.latest()) == [record]
        assert journal.count() == (1, 1)


def test_only_the_newest_result_with_the_same_key_counts(tmp_path: Path) -> None:
    """A failed row and a row with another key are not finished; an older result does not come back for its row."""
    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1", "old"))
        journal.append(journal_record("r2", "k2", reason="the endpoint was down"))
        assert journal.finished("r1", "old")
        assert not journal.finished("r1", "new")
        assert not journal.finished("r2", "k2")
        assert journal.by_key("k2") is None

        journal.append(journal_record("r1", "new"))

        assert not journal.finished("r1", "old")
        assert journal.result("r1", "old") is None
        assert journal.by_key("old") is not None
        assert journal.count() == (2, 1)


def test_identical_answers_are_found_by_their_key(tmp_path: Path) -> None:
    """The newest result with a key serves any row; unknown keys have none."""
    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1", "same", answer="first"))
        journal.append(journal_record("r2", "same", answer="second"))

        found = journal.by_key("same")

        assert found is not None
        assert found.row_id == "r2"
        assert journal.by_key("other") is None


def test_the_latest_records_come_in_first_seen_order(tmp_path: Path) -> None:
    """Each row comes once, with its newest record, in the order in which the rows first appeared."""
    fill(
        tmp_path,
        journal_record("b", "1", reason="time-out"),
        journal_record("a", "1"),
        journal_record("b", "1"),
        journal_record("c", "1", reason="refused"),
    )

    with Journal.read(tmp_path) as journal:
        found = [(record.row_id, record.status) for record in journal.latest()]

    assert found == [("b", "ok"), ("a", "ok"), ("c", "failed")]


def test_rows_appended_while_listing_do_not_disturb(tmp_path: Path) -> None:
    """The listing goes on when records are added meanwhile."""
    with Journal.open(tmp_path) as journal:
        for number in range(3):
            journal.append(journal_record(f"r{number}"))
        listing = journal.latest()
        first = next(listing)
        journal.append(journal_record("r3"))

        assert [record.row_id for record in [first, *listing]] == ["r0", "r1", "r2", "r3"]


def test_a_journal_cut_at_any_byte_keeps_every_complete_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash at any moment of writing costs at most the record that was being written; the next run can go on."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    fill(tmp_path, *(journal_record(f"r{number}", reason="é") for number in range(2)))
    whole = content_of(tmp_path)
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]

    for length in range(len(whole)):
        (tmp_path / JOURNAL_NAME).write_bytes(whole[:length])
        complete = max(0, sum(1 for end in ends if end <= length) - 1)
        with Journal.open(tmp_path) as journal:
            journal.append(journal_record("next", reason="é"))
            found = [record.row_id for record in journal.latest()]

        assert found == [*(f"r{number}" for number in range(complete)), "next"]
        assert content_of(tmp_path).startswith(whole[: ends[complete] + 1] if length >= ends[0] else b"{")


def test_a_journal_being_read_is_not_changed(tmp_path: Path) -> None:
    """Reading leaves a torn tail alone, since another process may be writing it; it needs no lock."""
    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1"))
        journal.sync()
        torn = content_of(tmp_path) + b'{"row_id": "r2", "ke'
        (tmp_path / JOURNAL_NAME).write_bytes(torn)

        assert latest_ids(tmp_path) == ["r1"]
        assert content_of(tmp_path) == torn


@pytest.mark.parametrize("damage", [b"\0" * 40, b"{broken", b"[1]", b'{"row_id": 5}', b"\xff\xfe", b""])
def test_a_damaged_line_is_reported_and_kept(tmp_path: Path, damage: bytes) -> None:
    """A damaged line in the middle costs its own record; it is named, and never deleted."""
    fill(tmp_path, *(journal_record(f"r{number}") for number in range(3)))
    lines = content_of(tmp_path).split(b"\n")
    lines[2] = damage
    (tmp_path / JOURNAL_NAME).write_bytes(b"\n".join(lines))

    with Journal.open(tmp_path) as journal:
        assert [record.row_id for record in journal.latest()] == ["r0", "r2"]
        assert [problem.line for problem in journal.problems] == [3]
        assert not journal.finished("r1", "key")
        journal.append(journal_record("r1"))

    assert content_of(tmp_path).startswith(b"\n".join(lines))
    assert latest_ids(tmp_path) == ["r0", "r2", "r1"]


def test_a_damaged_header_does_not_cost_the_records(tmp_path: Path) -> None:
    """Records are read although the first line is damaged."""
    fill(tmp_path, journal_record("r1"))
    lines = content_of(tmp_path).split(b"\n")
    (tmp_path / JOURNAL_NAME).write_bytes(b"\n".join([b"#", *lines[1:]]))

    with Journal.open(tmp_path) as journal:
        assert [record.row_id for record in journal.latest()] == ["r1"]
        assert [problem.line for problem in journal.problems] == [1]


@pytest.mark.parametrize("content", [b"somebody's notes", b"somebody's\nnotes\n", b'{"schema": "x"}\n', b"{}"])
def test_a_foreign_file_is_not_touched(tmp_path: Path, content: bytes) -> None:
    """A file that is no journal is refused and stays as it is."""
    (tmp_path / JOURNAL_NAME).write_bytes(content)

    with pytest.raises(StorageError, match=r"not a journal|instead of 'coach/journal@1'"):
        Journal.open(tmp_path)

    assert content_of(tmp_path) == content


def test_a_newer_schema_is_refused_with_a_hint(tmp_path: Path) -> None:
    """A journal of a later version is not guessed at."""
    (tmp_path / JOURNAL_NAME).write_text('{"schema": "coach/journal@2"}\n', encoding="utf-8")

    with pytest.raises(StorageError) as caught:
        Journal.open(tmp_path)

    assert "newer version" in caught.value.hint


def test_a_record_of_another_form_is_named(tmp_path: Path) -> None:
    """A line that is valid JSON but no record of this version is a StorageError with its place."""
    fill(tmp_path, journal_record("r1"))
    with (tmp_path / JOURNAL_NAME).open("ab") as file:
        file.write(b'{"row_id": "r2", "key": "k", "status": "ok", "mood": 3}\n')

    with Journal.open(tmp_path) as journal, pytest.raises(StorageError, match="record at byte"):
        journal.by_key("k")


def test_restart_keeps_the_old_journal(tmp_path: Path) -> None:
    """The old journal is renamed, each time to a name of its own, and a new one begins."""
    for number in range(3):
        with Journal.open(tmp_path, restart=True) as journal:
            assert journal.count() == (0, 0)
            journal.append(journal_record(f"r{number}"))

    old = sorted(tmp_path.glob("journal-*.jsonl"))
    assert len(old) == 2
    assert sorted(path.read_bytes().count(b'"row_id":"r') for path in old) == [1, 1]
    assert latest_ids(tmp_path) == ["r2"]


def test_reading_needs_a_journal(tmp_path: Path) -> None:
    """A directory without a journal is an error, and nothing is made in it."""
    with pytest.raises(InputError, match="there is no journal"):
        Journal.read(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    """--out may not name a file."""
    (tmp_path / "out").write_text("x", encoding="utf-8")

    with pytest.raises(StorageError, match="cannot be made a directory"):
        Journal.open(tmp_path / "out")


def test_a_second_opening_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    """Within one process too a directory has one writer, and closing twice does no harm."""
    journal = Journal.open(tmp_path)
    with pytest.raises(InputError, match="another process"):
        Journal.open(tmp_path)

    journal.close()
    journal.close()

    Journal.open(tmp_path).close()


def test_a_second_process_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the directory and the process that holds it; nothing is written."""
    with Journal.open(tmp_path), writer(tmp_path, 1) as second:
        _, message = second.communicate()

    assert second.returncode == InputError.exit_code
    assert f"InputError: {tmp_path}: another process (process {os.getpid()}) is writing" in message
    assert latest_ids(tmp_path) == []


def test_a_failed_opening_leaves_no_lock(tmp_path: Path) -> None:
    """After an error the directory can be used again by the same process."""
    (tmp_path / JOURNAL_NAME).write_text("notes", encoding="utf-8")
    with pytest.raises(StorageError):
        Journal.open(tmp_path)

    (tmp_path / JOURNAL_NAME).unlink()
    Journal.open(tmp_path).close()


def test_kill_9_loses_no_record_whose_append_returned(tmp_path: Path) -> None:
    """After kill -9 at several moments every reported record is there, and the lock is free."""
    for rows in (1, 7, 40):
        directory = tmp_path / str(rows)
        with writer(directory, 100_000) as process:
            assert process.stdout
            reported = [process.stdout.readline().strip() for _ in range(rows)]
            process.kill()
            reported += process.stdout.read().split()

        Journal.open(directory).close()
        found = latest_ids(directory)

        assert found[: len(reported)] == reported
        assert len(found) <= len(reported) + 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_stops_clearly_and_leaves_a_readable_file(tmp_path: Path) -> None:
    """When the file may not grow, the torn record is removed, the error is clear, and a later run goes on."""
    with writer(tmp_path, 1000, "30000") as process:
        output, message = process.communicate()

    reported = output.split()
    assert process.returncode == StorageError.exit_code
    assert "cannot be written" in message
    assert reported
    assert content_of(tmp_path).endswith(b"}\n")
    assert latest_ids(tmp_path) == reported
    fill(tmp_path, journal_record("next"))
    assert latest_ids(tmp_path) == [*reported, "next"]


@pytest.mark.parametrize("taken", [0, 1, 100])
def test_a_short_write_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """A write that the system takes in part before the disk is full leaves nothing behind; writing can go on."""
    real = os.write
    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1"))
        before = content_of(tmp_path)

        calls = 0

        def write(fd: int, data: bytes) -> int:
            nonlocal calls
            calls += 1
            if calls == 1 and taken:
                return real(fd, data[:taken])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", write)
        with pytest.raises(StorageError, match="No space left"):
            journal.append(journal_record("r2"))
        monkeypatch.undo()

        assert content_of(tmp_path) == before
        assert not journal.finished("r2", "key")
        journal.append(journal_record("r3"))

    assert latest_ids(tmp_path) == ["r1", "r3"]


def test_what_cannot_be_undone_is_repaired_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not even the torn part can be removed, nothing more is written after it."""
    real = os.write
    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1"))

        def write(fd: int, data: bytes) -> int:
            if len(data) > 50:
                return real(fd, data[:50])
            raise OSError(errno.EIO, "Input/output error")

        def refuse(*_: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data) if data[:1] == b"{" else refuse())
        monkeypatch.setattr(os, "ftruncate", refuse)
        with pytest.raises(StorageError):
            journal.append(journal_record("r2"))
        monkeypatch.undo()
        with pytest.raises(StorageError, match="any more"):
            journal.append(journal_record("r3"))

    fill(tmp_path, journal_record("r4"))
    assert latest_ids(tmp_path) == ["r1", "r4"]


def test_records_reach_the_disk_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync is called after a number of records or some time, and at the end, not for every record."""
    synced: list[int] = []
    with Journal.open(tmp_path) as journal:
        later = time.monotonic() + 100
        monkeypatch.setattr(os, "fsync", synced.append)
        monkeypatch.setattr(time, "monotonic", lambda: later)
        journal.append(journal_record("r"))
        assert len(synced) == 1

        for _ in range(2 * journal_file.SYNC_RECORDS):
            journal.append(journal_record("r"))
        assert len(synced) == 3

        journal.append(journal_record("r"))
        assert len(synced) == 3
    assert len(synced) == 4


def test_a_failed_fsync_stops_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may have dropped what it could not bring to the disk, so nothing is added after it."""

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Journal.open(tmp_path) as journal:
        journal.append(journal_record("r1"))
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError):
            journal.sync()
        monkeypatch.undo()
        with pytest.raises(StorageError, match="any more"):
            journal.append(journal_record("r2"))


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Ten times the rows need no more memory, neither to open nor to list the journal."""
    peaks = []
    for count in (200, 2000):
        directory = tmp_path / str(count)
        fill(directory, journal_record("r0"))
        header, record = content_of(directory).splitlines()
        lines = [record.replace(b'"r0"', b'"r%d"' % number) for number in range(count)]
        (directory / JOURNAL_NAME).write_bytes(b"\n".join([header, *lines]) + b"\n")
        del lines
        tracemalloc.start()
        with Journal.open(directory) as journal:
            assert sum(1 for _ in journal.latest()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] - peaks[0] < 200_000


KEYS = st.sampled_from(["k1", "k2"])
STEPS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), KEYS, st.booleans()), max_size=12)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_the_journal_agrees_with_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, bool]]
) -> None:
    """Whatever is appended, and whether it was opened again in between, the journal answers like a dictionary."""
    directory = tmp_path_factory.mktemp("journal")
    newest: dict[str, tuple[str, bool]] = {}
    for row, key, ok in steps:
        changes = {} if ok else {"reason": "time-out"}
        fill(directory, journal_record(row, key, **changes))
        newest[row] = (key, ok)

    with Journal.open(directory) as journal:
        found = {record.row_id: (record.key, record.status == "ok") for record in journal.latest()}
        finished = {(row, key) for row in "abc" for key in ("k1", "k2") if journal.finished(row, key)}
        known = {key for key in ("k1", "k2") if journal.by_key(key)}

    assert found == newest
    assert list(found) == list(newest)
    assert finished == {(row, key) for row, (key, ok) in newest.items() if ok}
    assert known == {key for _, key, ok in steps if ok}
