"""The history keeps every attempt, on SQLite and on a real PostgreSQL server alike."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from assessment_factory import ANSWER
from history_factory import BANK, QUESTION, judged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from coach.errors import StorageError
from coach.history.records import AttemptRecord
from coach.history.store import HistoryStore, new_record

pytest_plugins = ("postgres_server",)

TESTS = Path(__file__).resolve().parent
OTHER = "hl7-integration"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(address: str) -> Iterator[HistoryStore]:
    """Return an open, empty history."""
    with HistoryStore.open(address) as store:
        yield store


def add(store: HistoryStore, answer: str = ANSWER, question_id: str = QUESTION, bank_title: str = BANK) -> int:
    """Save one attempt and return its number."""
    return store.add(question_id, answer, judged(question_id=question_id), bank_title=bank_title)


def change_by_hand(address: str, statement: str) -> None:
    """Run a statement on the database behind the store's back."""
    engine = create_engine(address)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def test_an_attempt_is_read_back_as_it_was_saved(store: HistoryStore) -> None:
    """Answer, assessment, bank and an aware UTC time survive unchanged."""
    before = datetime.now(UTC)
    answer = "Zoë's PACS: “C-STORE”;\r\n\t'; DROP TABLE attempts; -- 😀"
    number = store.add(QUESTION, answer, judged(72.5), bank_title="Büro's bank")
    (saved,) = store.attempts()

    assert (saved.id, saved.question_id, saved.bank_title, saved.answer) == (number, QUESTION, "Büro's bank", answer)
    assert saved.assessment == judged(72.5)
    assert saved.score == 72.5
    assert saved.created_at.utcoffset() == timedelta(0)
    assert before <= saved.created_at <= datetime.now(UTC)


def test_a_time_in_another_zone_is_kept_as_utc(store: HistoryStore) -> None:
    """An imported attempt from another zone is sorted and shown at the right moment."""
    east = timezone(timedelta(hours=9))
    moments = [datetime(2026, 11, 2, 3, 0, tzinfo=east), datetime(2026, 11, 1, 17, 0, tzinfo=UTC)]
    for moment in moments:
        store.add_record(new_record(QUESTION, "", judged(), BANK).model_copy(update={"created_at": moment}))

    assert [attempt.created_at for attempt in store.attempts()] == sorted(moments)


def test_an_unscored_attempt_keeps_its_null_score(store: HistoryStore) -> None:
    """A score that could not be computed stays null and never becomes 0."""
    store.add(QUESTION, "?", judged(None), bank_title=BANK)

    assert store.attempts()[0].score is None


def test_a_history_survives_closing(address: str) -> None:
    """What one process saved, the next one reads."""
    with HistoryStore.open(address) as store:
        add(store, "first")
    with HistoryStore.open(address) as store:
        add(store, "second")

        assert [attempt.answer for attempt in store.attempts()] == ["first", "second"]


def test_attempts_are_chosen_by_question_bank_and_number(store: HistoryStore) -> None:
    """Filters narrow the list, a limit keeps the newest, and the order stays oldest first."""
    for answer in ("a1", "a2", "a3"):
        add(store, answer)
    add(store, "b1", OTHER)
    add(store, "c1", bank_title="Librarian")

    def answers(*args: object, **kwargs: object) -> list[str]:
        return [attempt.answer for attempt in store.attempts(*args, **kwargs)]  # type: ignore[arg-type]

    assert answers() == ["a1", "a2", "a3", "b1", "c1"]
    assert answers(QUESTION) == ["a1", "a2", "a3", "c1"]
    assert answers(QUESTION, bank_title=BANK) == ["a1", "a2", "a3"]
    assert answers(limit=2) == ["b1", "c1"]
    assert [attempt.answer for attempt in store.last(QUESTION, 2, bank_title=BANK)] == ["a2", "a3"]
    assert store.last("no-such-question", 2) == []
    assert (store.count(), store.count(QUESTION), store.count(bank_title="Librarian")) == (5, 4, 1)


def test_the_database_refuses_changes(store: HistoryStore, address: str) -> None:
    """An answer or an assessment cannot be changed, not even by another program."""
    add(store, "as given")
    for column in ("answer", "assessment"):
        with pytest.raises(DBAPIError, match="append-only"):
            change_by_hand(address, f"UPDATE attempts SET {column} = '{{}}'")

    assert store.attempts()[0].answer == "as given"


def test_delete_takes_only_what_was_named(store: HistoryStore) -> None:
    """By number, by question, by bank, and everything; the count is what went."""
    first, second = add(store, "a1"), add(store, "a2")
    add(store, "b1", OTHER)
    add(store, "b2", OTHER)
    add(store, "c1", bank_title="Librarian")

    assert store.delete(ids=[first, 10_000]) == 1
    assert [attempt.id for attempt in store.attempts(QUESTION, bank_title=BANK)] == [second]
    assert store.delete(OTHER) == 2
    assert store.delete(bank_title="Librarian") == 1
    assert [attempt.answer for attempt in store.attempts()] == ["a2"]
    assert store.delete(everything=True) == 1
    assert store.attempts() == []


def test_delete_refuses_to_guess(store: HistoryStore) -> None:
    """No condition deletes nothing, and conditions do not go with everything."""
    add(store)
    with pytest.raises(ValueError, match="everything"):
        store.delete()
    with pytest.raises(ValueError, match="everything"):
        store.delete(QUESTION, everything=True)
    assert store.delete(ids=[]) == 0
    assert store.count() == 1


def test_numbers_are_never_given_twice(store: HistoryStore) -> None:
    """After a deletion the next attempt gets a new number."""
    number = add(store)
    store.delete(everything=True)

    assert add(store) > number


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
    with HistoryStore.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
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

    assert store.export(stream, OTHER) == 1
    assert json.loads(stream.getvalue())["answer"] == "other"


def test_two_processes_write_at_the_same_time(address: str) -> None:
    """Two processes that create the same history at once and save 50 attempts each lose none."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", str(TESTS / "history_writer.py"), address, name, "50"],
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

    with HistoryStore.open(address) as store:
        attempts = store.attempts()
    assert len({attempt.id for attempt in attempts}) == 100
    for name in ("left", "right"):
        own = [attempt.answer for attempt in attempts if attempt.answer.startswith(name)]
        assert own == [f"{name} {number}" for number in range(50)]


def test_a_document_of_an_unknown_form_is_named(store: HistoryStore, address: str) -> None:
    """An attempt that cannot be read is an error that names it without quoting it; an export still gives it out."""
    add(store)
    change_by_hand(
        address,
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


def test_a_newer_schema_is_refused(address: str) -> None:
    """A history that a newer coach wrote is left alone, with a word on what to do."""
    HistoryStore.open(address).close()
    change_by_hand(address, "UPDATE coach_history_version SET version_num = '9999'")

    with pytest.raises(StorageError, match="newer coach") as caught:
        HistoryStore.open(address)
    assert caught.value.hint == "Update the coach."


def test_text_that_the_database_cannot_keep_is_an_error(store: HistoryStore, address: str) -> None:
    """A lone surrogate, and on PostgreSQL a NUL, end in StorageError and not in a traceback."""
    with pytest.raises(StorageError):
        add(store, "half a character: \ud83d")
    if address.startswith("postgresql"):
        with pytest.raises(StorageError) as caught:
            add(store, "private words\0")
        assert "private words" not in caught.value.message
    assert store.count() == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_any_text_survives(store: HistoryStore, answer: str) -> None:
    """Whatever was typed is read back character by character."""
    add(store, answer)

    assert store.last(QUESTION, 1)[0].answer == answer
