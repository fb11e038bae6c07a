"""The history keeps every attempt, in a private file that several processes may use, and deletes for good."""

from __future__ import annotations

import io
import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from filelock import FileLock
from history_factory import BANK, QUESTION, add, judged, open_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.errors import StorageError
from coach.files import data_directory
from coach.history.records import AttemptRecord
from coach.history.store import HistoryStore, history_path, new_record

PlainUser = Callable[[], AbstractContextManager[None]]

pytest_plugins = ("plain_user",)

TESTS = Path(__file__).resolve().parent
OTHER = "hl7-integration"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file goes: in a directory that does not exist yet."""
    return tmp_path / "data" / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[HistoryStore]:
    """Return an open, empty history."""
    with open_at(path) as store:
        yield store


def by_hand(path: Path, *statements: str) -> None:
    """Run statements on the file behind the store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def answers(store: HistoryStore, *args: object, **kwargs: object) -> list[str]:
    """Return the answers of the attempts that are chosen so."""
    return [attempt.answer for attempt in store.attempts(*args, **kwargs)]  # type: ignore[arg-type]


# What is kept


def test_an_attempt_is_read_back_as_it_was_saved(store: HistoryStore) -> None:
    """Answer, assessment, bank and an aware UTC time survive unchanged."""
    before = datetime.now(UTC)
    answer = "Zoë's PACS: “C-STORE”;\r\n\t'; DROP TABLE attempts; -- 😀"
    number = store.add_record(new_record(QUESTION, answer, judged(72.5), "Büro's bank"))
    (saved,) = store.attempts()

    assert (saved.id, saved.question_id, saved.bank_title, saved.answer) == (number, QUESTION, "Büro's bank", answer)
    assert saved.assessment == judged(72.5)
    assert saved.score == 72.5
    assert saved.created_at.utcoffset() == timedelta(0)
    assert before <= saved.created_at <= datetime.now(UTC)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_survives(store: HistoryStore, answer: str) -> None:
    """Whatever was typed is read back character by character."""
    add(store, answer)

    assert store.attempts(1, question_id=QUESTION)[0].answer == answer


def test_half_a_character_is_an_error(store: HistoryStore) -> None:
    """A lone surrogate ends in StorageError and not in a traceback."""
    with pytest.raises(StorageError, match="cannot keep the text"):
        add(store, "half a character: \ud83d")
    assert store.count() == 0


def test_a_time_in_another_zone_is_kept_as_utc(store: HistoryStore) -> None:
    """An imported attempt from another zone is sorted and shown at the right moment."""
    east = timezone(timedelta(hours=9))
    moments = [datetime(2026, 11, 2, 3, 0, tzinfo=east), datetime(2026, 11, 1, 17, 0, tzinfo=UTC)]
    for moment in moments:
        store.add_record(new_record(QUESTION, "", judged(), BANK).model_copy(update={"created_at": moment}))

    assert [attempt.created_at for attempt in store.attempts()] == sorted(moments)


def test_an_unscored_attempt_keeps_its_null_score(store: HistoryStore) -> None:
    """A score that could not be computed stays null and never becomes 0."""
    store.add_record(new_record(QUESTION, "?", judged(None), BANK))

    assert store.attempts()[0].score is None


def test_attempts_are_chosen_by_question_bank_and_number(store: HistoryStore) -> None:
    """Filters narrow the list, a limit keeps the newest, and the order stays oldest first."""
    numbers = [add(store, answer) for answer in ("a1", "a2", "a3")]
    add(store, "b1", OTHER)
    add(store, "c1", bank_title="Librarian")

    assert answers(store) == ["a1", "a2", "a3", "b1", "c1"]
    assert answers(store, question_id=QUESTION) == ["a1", "a2", "a3", "c1"]
    assert answers(store, question_id=QUESTION, bank_title=BANK) == ["a1", "a2", "a3"]
    assert answers(store, limit=2) == ["b1", "c1"]
    assert answers(store, 2, question_id=QUESTION, bank_title=BANK) == ["a2", "a3"]
    assert answers(store, ids=numbers[1:2]) == ["a2"]
    assert answers(store, 2, question_id="no-such-question") == []
    assert (store.count(), store.count(question_id=QUESTION), store.count(bank_title="Librarian")) == (5, 4, 1)


def test_the_file_refuses_changes(store: HistoryStore, path: Path) -> None:
    """An answer or an assessment cannot be changed, not even by another program."""
    add(store, "as given")
    for column in ("answer", "assessment"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            by_hand(path, f"UPDATE attempts SET {column} = '{{}}'")

    assert answers(store) == ["as given"]


def test_an_export_holds_everything_and_can_be_read_back(store: HistoryStore, tmp_path: Path) -> None:
    """Each line is one attempt in the documented form; another history takes them over once, whole."""
    add(store, "first\nline")
    add(store, "zweite – Zeile \u2028", OTHER)
    stream = io.StringIO()

    assert store.export(stream) == 2
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    documents = [json.loads(line) for line in lines]
    assert [document["answer"] for document in documents] == ["first\nline", "zweite – Zeile \u2028"]
    assert documents[0]["schema"] == "coach/attempt@1"
    assert documents[0]["assessment"]["schema"] == "coach/assessment@1"

    records = [AttemptRecord.model_validate({k: v for k, v in document.items() if k != "id"}) for document in documents]
    with open_at(tmp_path / "other.db") as other:
        assert other.import_records(records) == 2
        assert other.import_records(records) == 0
        copies = [
            AttemptRecord.model_validate(copy.model_dump(by_alias=True, exclude={"id"})) for copy in other.attempts()
        ]
    assert copies == records


def test_an_export_can_be_of_one_question(store: HistoryStore) -> None:
    """Only the attempts at that question are written."""
    add(store)
    add(store, "other", OTHER)
    stream = io.StringIO()

    assert store.export(stream, question_id=OTHER) == 1
    assert json.loads(stream.getvalue())["answer"] == "other"


def test_an_import_is_all_or_nothing(store: HistoryStore) -> None:
    """A record that cannot be kept takes those before it with it."""
    records = [new_record(QUESTION, answer, judged(), BANK) for answer in ("fine", "broken \ud83d")]
    with pytest.raises(StorageError):
        store.import_records(records)

    assert store.count() == 0


# What is deleted


def test_delete_takes_only_what_was_named(store: HistoryStore) -> None:
    """By number, by question, by bank, and everything; the count is what went."""
    first, second = add(store, "a1"), add(store, "a2")
    add(store, "b1", OTHER)
    add(store, "b2", OTHER)
    add(store, "c1", bank_title="Librarian")

    assert store.delete(ids=[first, 10_000, 2**70]) == 1
    assert [attempt.id for attempt in store.attempts(question_id=QUESTION, bank_title=BANK)] == [second]
    assert store.delete(question_id=OTHER) == 2
    assert store.delete(bank_title="Librarian") == 1
    assert answers(store) == ["a2"]
    assert store.delete(everything=True) == 1
    assert store.attempts() == []
    assert add(store) > second, "a number is never given twice"


def test_delete_refuses_to_guess(store: HistoryStore) -> None:
    """No condition deletes nothing, and conditions do not go with everything."""
    add(store)
    with pytest.raises(ValueError, match="everything"):
        store.delete()
    with pytest.raises(ValueError, match="everything"):
        store.delete(question_id=QUESTION, everything=True)
    assert store.delete(ids=[]) == 0
    assert store.count() == 1


def traces(path: Path, words: str) -> list[str]:
    """Return the names of the files beside the database that hold these words."""
    return [file.name for file in path.parent.iterdir() if words.encode() in file.read_bytes()]


def test_delete_leaves_no_trace_of_the_text(path: Path) -> None:
    """No file of the history holds a deleted answer any more, long or short, and the others are still there."""
    with open_at(path) as store:
        for number in range(20):
            add(store, f"my secret story {number}")
        add(store, "long secret story " * 2000)
        add(store, "a story to keep", OTHER)
        assert traces(path, "secret story")

        assert store.delete(question_id=QUESTION) == 21
        assert traces(path, "secret story") == []
        assert traces(path, "a story to keep")
    assert traces(path, "secret story") == []


def test_delete_says_when_a_reader_keeps_the_text_in_the_file(path: Path) -> None:
    """The attempts are gone, the error says that the text is not, and a second call finishes the work."""
    with open_at(path, wait_seconds=0.05) as store:
        add(store, "my secret story")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM attempts").fetchone() == (1,)
            with pytest.raises(StorageError, match="not yet overwritten") as caught:
                store.delete(everything=True)
        assert "again" in caught.value.hint
        assert traces(path, "my secret story")

        assert store.delete(everything=True) == 0
        assert traces(path, "my secret story") == []


# Where it lies, and who may read it


def test_the_default_is_the_users_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own place, else COACH_DATA_DIR, whatever characters it holds; ~ is the home."""
    monkeypatch.delenv("COACH_DATABASE_URL", raising=False)
    monkeypatch.delenv("COACH_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert data_directory().name == "answer-feedback-coach"
    assert tmp_path in data_directory().parents
    assert history_path() == data_directory() / "history.db"

    monkeypatch.setenv("COACH_DATA_DIR", str(tmp_path / "a?b#c%20d"))
    with HistoryStore.open() as store:
        assert store.path == tmp_path / "a?b#c%20d" / "history.db"
    monkeypatch.setenv("COACH_DATA_DIR", "~/practice")
    assert history_path() == tmp_path / "practice" / "history.db"


def test_coach_database_url_may_name_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diary that was kept elsewhere by this variable is still found."""
    monkeypatch.setenv("COACH_DATABASE_URL", "sqlite:////tmp/x.db")

    assert history_path() == Path("/tmp/x.db")


@pytest.mark.parametrize(
    "address",
    [
        "no address: pass-w0rd",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x.db?uri=true",
        "postgresql+psycopg://me:pass-w0rd@h/d",
    ],
)
def test_other_addresses_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of no file, or of one that could not be kept private, is refused without repeating it."""
    monkeypatch.setenv("COACH_DATABASE_URL", address)
    with pytest.raises(StorageError, match="COACH_DATABASE_URL") as caught:
        HistoryStore.open()

    assert "COACH_DATA_DIR" in caught.value.hint
    assert "pass-w0rd" not in caught.value.message


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_user_can_read_the_history(path: Path) -> None:
    """Directory 0700 and every file in it 0600, also while the history is open and whatever the umask."""
    before = os.umask(0)
    try:
        with open_at(path) as store:
            add(store)
            names = {file.name for file in path.parent.iterdir()}
            assert {"history.db", "history.db-wal", "history.db-shm"} <= names
            assert mode(path.parent) == 0o700
            assert {mode(file) for file in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    """Opening takes other users' permissions off the file, and leaves those of a directory that was there."""
    path.parent.mkdir(mode=0o755)
    open_at(path).close()
    path.chmod(0o644)
    open_at(path).close()

    assert (mode(path), mode(path.parent)) == (0o600, 0o755)


# Several processes, and files of other versions


def test_two_processes_write_at_the_same_time(path: Path) -> None:
    """Two processes that create the same history at once and save 50 attempts each lose none."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", str(TESTS / "history_writer.py"), str(path), name, "50"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        )
        for name in ("left", "right")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")

    with open_at(path) as store:
        attempts = store.attempts()
    assert len({attempt.id for attempt in attempts}) == 100
    for name in ("left", "right"):
        own = [attempt.answer for attempt in attempts if attempt.answer.startswith(name)]
        assert own == [f"{name} {number}" for number in range(50)]


def test_a_locked_file_is_an_error_after_the_wait(path: Path) -> None:
    """Another process's lock is waited for, then named; reading goes on all the while."""
    with open_at(path, wait_seconds=0.05) as store:
        add(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="locked") as caught:
                add(store)
            assert len(store.attempts()) == 1
        assert "Another process" in caught.value.hint
        add(store)
        assert store.count() == 2


def test_a_setup_by_another_process_is_waited_for(path: Path) -> None:
    """While the lock file of the setup is held, opening a new history ends in an error after the wait."""
    path.parent.mkdir()
    with FileLock(f"{path}.lock"), pytest.raises(StorageError, match="set up by another process"):
        open_at(path, wait_seconds=0.05)
    open_at(path).close()


#: A history as the first coaches made it, with their own table of versions.
OLD_FORM = (
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE coach_history_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT coach_history_version_pkc PRIMARY KEY (version_num))",
    "INSERT INTO coach_history_version (version_num) VALUES ('0001')",
    "CREATE TABLE attempts (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, question_id VARCHAR(60) NOT NULL, "
    "bank_title TEXT NOT NULL, model TEXT NOT NULL, created_at DATETIME NOT NULL, score FLOAT, "
    "answer_sha256 VARCHAR(64) NOT NULL, answer TEXT NOT NULL, assessment JSON NOT NULL)",
    "CREATE INDEX attempts_by_question ON attempts (question_id, created_at)",
    "CREATE TRIGGER attempts_are_append_only BEFORE UPDATE ON attempts "
    "BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END",
)


def write_old_form(path: Path) -> None:
    """Write a history of the old form with two attempts, of which the first was deleted."""
    path.parent.mkdir()
    by_hand(path, *OLD_FORM)
    document = json.dumps(json.loads(judged(64.25).model_dump_json(by_alias=True)))
    with closing(sqlite3.connect(path)) as connection, connection:
        for answer in ("deleted", "von früher"):
            connection.execute(
                "INSERT INTO attempts (question_id, bank_title, model, created_at, score, answer_sha256, answer, "
                "assessment) VALUES (?, ?, 'some-model', '2026-11-01 18:30:05.032542', 64.25, 'x', ?, ?)",
                (QUESTION, BANK, answer, document),
            )
        connection.execute("DELETE FROM attempts WHERE id = 1")


def test_an_old_history_is_carried_over_in_place(path: Path) -> None:
    """A diary of the first coaches opens as it is: nothing is lost, numbers go on, times and scores are the same."""
    write_old_form(path)
    for _ in range(2):
        with open_at(path) as store:
            (old,) = store.attempts()
    assert (old.id, old.answer, old.assessment, old.score) == (2, "von früher", judged(64.25), 64.25)
    assert old.created_at == datetime(2026, 11, 1, 18, 30, 5, 32542, tzinfo=UTC)
    with open_at(path) as store:
        assert store.import_records([new_record(QUESTION, "today", judged(), BANK)]) == 1
        assert [attempt.id for attempt in store.attempts()] == [2, 3]
        assert store.import_records([AttemptRecord(**old.model_dump(by_alias=True, exclude={"id"}))]) == 0

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"attempts", "sqlite_sequence"}


def test_a_setup_that_fails_changes_nothing(path: Path) -> None:
    """A file that holds something else under our name is refused as it is."""
    path.parent.mkdir()
    by_hand(path, "CREATE VIEW attempts AS SELECT 1 AS id", "CREATE TABLE coach_history_version (version_num)")
    with pytest.raises(StorageError, match=r"history\.db"):
        open_at(path)

    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    assert names == ["attempts", "coach_history_version"]


def test_a_newer_form_is_refused(path: Path) -> None:
    """A history that a newer coach wrote is left alone, with a word on what to do."""
    open_at(path).close()
    by_hand(path, "PRAGMA user_version = 2")

    with pytest.raises(StorageError, match="newer coach") as caught:
        open_at(path)
    assert caught.value.hint == "Update the coach."


def test_a_document_of_an_unknown_form_is_named(store: HistoryStore, path: Path) -> None:
    """An attempt that cannot be read is an error that names it without quoting it; an export still gives it out."""
    add(store)
    by_hand(
        path,
        "INSERT INTO attempts (question_id, bank_title, model, created_at, answer_sha256, answer, assessment)"
        " VALUES ('dicom-standard', 'b', 'm', '2026-11-01 10:00:00', '', 'a', '{\"private\": \"words\"}')",
    )
    with pytest.raises(StorageError, match=r"attempt 2 .* cannot be read") as caught:
        store.attempts()
    assert "words" not in caught.value.message
    assert "--export" in caught.value.hint

    stream = io.StringIO()
    assert store.export(stream) == 2
    assert '{"private": "words"}' in stream.getvalue()


# Files that cannot be used


def test_a_damaged_file_is_an_error(path: Path) -> None:
    """A file that is no database is named and left as it is."""
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 400)
    content = path.read_bytes()
    with pytest.raises(StorageError, match=r"history\.db") as caught:
        open_at(path)

    assert "damaged" in caught.value.hint
    assert path.read_bytes() == content


def test_a_file_damaged_inside_is_an_error(path: Path) -> None:
    """Damage behind an intact first page is an error too."""
    with open_at(path) as store:
        for number in range(30):
            add(store, f"Answer {number} " * 200)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StorageError) as caught, open_at(path) as store:
        store.attempts()
    assert "damaged" in caught.value.hint


@pytest.mark.parametrize("damage", ["assessment = '{torn'", "created_at = 'yesterday'"])
def test_a_stored_value_that_cannot_be_read_is_an_error(path: Path, damage: str) -> None:
    """A document that is no JSON, or a time that is none, ends in StorageError, not in a traceback."""
    with open_at(path) as store:
        add(store)
    by_hand(path, "DROP TRIGGER attempts_are_append_only", f"UPDATE attempts SET {damage}")

    with open_at(path) as store, pytest.raises(StorageError, match="cannot be read") as caught:
        store.attempts()
    assert "damaged" in caught.value.hint


def test_a_full_disk_is_an_error_and_costs_nothing_that_was_saved(store: HistoryStore) -> None:
    """What was saved before stays readable, and saving works again once there is room."""
    add(store, "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(StorageError) as caught:
            add(store, "long " * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "disk is full" in caught.value.hint
    assert answers(store) == ["before"]
    add(store, "after")
    assert answers(store) == ["before", "after"]


def test_a_directory_that_cannot_be_written_is_an_error(open_directory: Path, as_plain_user: PlainUser) -> None:
    """No right to create the file is said as such, with the variable that names another directory."""
    path = open_directory / "history.db"
    open_directory.chmod(0o555)
    with as_plain_user(), pytest.raises(StorageError, match="Permission denied") as caught:
        open_at(path)

    assert "COACH_DATA_DIR" in caught.value.hint


def test_a_file_that_cannot_be_written_is_an_error(open_directory: Path, as_plain_user: PlainUser) -> None:
    """A history that belongs to somebody else is not opened."""
    path = open_directory / "history.db"
    open_at(path).close()
    path.chmod(0o400)
    with as_plain_user(), pytest.raises(StorageError, match="Permission denied"):
        open_at(path)


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    """A data directory that is a file is named as the cause."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StorageError, match="data"):
        open_at(tmp_path / "data" / "history.db")
