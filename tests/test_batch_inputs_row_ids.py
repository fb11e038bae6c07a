"""Tests of coach.batch.inputs.inputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.inputs.inputs import RowIds


@pytest.fixture
def ids() -> Iterator[RowIds]:
    """Give out ids of a new batch."""
    with closing(RowIds()) as row_ids:
        yield row_ids


def raw(answer: str = "x", **changes: str) -> dict[str, str]:
    """Return the texts of a row of a file."""
    return {"answer": answer, **changes}


def test_a_given_id_is_kept(ids: RowIds) -> None:
    """An id in the file is the row's id; in a wide table it gets the question."""
    assert ids.take(raw(id="a7"), "q") == "a7"
    assert ids.take(raw(row="b7"), "q") == "b7/q"


def test_without_an_id_the_candidate_names_the_row(ids: RowIds) -> None:
    """Candidate and question name a row, with single spaces."""
    assert ids.take(raw(candidate="Ann  B"), "q") == "Ann B/q"


def test_without_a_candidate_the_answer_names_the_row(ids: RowIds) -> None:
    """The place in the file plays no part: the same answer has the same id, another one another."""
    first = ids.take(raw("one"), "q")

    with closing(RowIds()) as others:
        assert others.take(raw("two"), "q") != first
        assert others.take(raw("one"), "q") == first


def test_equal_identities_are_told_apart(ids: RowIds) -> None:
    """A repeated id gets its question first, then a number; even where a file has such an id of its own."""
    given_ids = [ids.take(raw(id=name), question) for name, question in
                 [("7", "q"), ("7", "r"), ("7", "s"), ("7", "s"), ("7/s#2", "q"), ("7", "s")]]  # fmt: skip

    assert given_ids[:4] == ["7", "7/r", "7/s", "7/s#2"]
    assert len(set(given_ids)) == 6


ROWS = st.lists(
    st.builds(
        raw,
        answer=st.sampled_from(["x", "y"]),
        candidate=st.sampled_from(["Ann", "Bob", ""]),
        id=st.sampled_from(["", "1", "1/q", "1/q#2"]),
        row=st.sampled_from(["", "1"]),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(ROWS)
def test_ids_are_always_distinct(rows: list[dict[str, str]]) -> None:
    """No two rows of a batch share an id, whatever the files say."""
    with closing(RowIds()) as row_ids:
        taken = [row_ids.take(row, "q") for row in rows]

    assert len(set(taken)) == len(rows)


def test_an_overlong_name_is_cut_and_still_distinct(ids: RowIds) -> None:
    """Ids stay short enough for a line; two long names that begin alike differ."""
    first, second = (ids.take(raw(candidate="x" * 500 + end), "q") for end in "ab")

    assert first != second
    assert len(first) < 200
