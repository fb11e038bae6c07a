"""Which rows a view of a batch finds, where the pages do not come: waiting rows, shared failures, other marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from assessment_factory import dicom_assessment

from coach.batch.rows import AnswerRow, RowKey
from coach.batch.store import Store
from coach.batch.view import ORDERS, SHOWS, RowView, row_ids


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A batch of five rows: one graded, two equal ones that failed, one not scored, one that waits."""
    rows = [AnswerRow(f"row-{n}", None, "dicom-standard", f"Answer {n}", "in.csv", n) for n in range(5)]
    keys = {row.answer: RowKey(f"key {n}", f"same {1 if n == 2 else n}", 1) for n, row in enumerate(rows)}
    with Store.open(tmp_path) as store:
        store.take_in(rows, lambda _, answer: keys[answer])
        store.keep("row-0", keys["Answer 0"], dicom_assessment())
        store.keep("row-1", keys["Answer 1"], None, reason="no reply")
        store.keep("row-3", keys["Answer 3"], dicom_assessment().model_copy(update={"score": None, "interval": None}))
    return tmp_path


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (RowView(), "0123"),
        (RowView(show="failed"), "12"),
        (RowView(show="unscored"), "3"),
        (RowView(show="marked"), "03"),
        (RowView(show="unmarked"), "12"),
        (RowView(order="best"), "0123"),
        (RowView(order="apart"), "0123"),
        (RowView(search="_nswer"), ""),
        (RowView(search="answer 3"), "3"),
    ],
)
def test_a_view_finds_rows_that_have_ended(directory: Path, view: RowView, expected: str) -> None:
    """Equal answers share a failure; a mark counts for the text that it was given for."""
    marks = [("row-0", 10.0, "Answer 0"), ("row-1", 10.0, "Another text"), ("row-3", 5.0, "Answer 3")]
    with Store.read(directory) as store:
        found = row_ids(store, view, marks)
        again = row_ids(store, view, marks)

    assert found == again == [f"row-{n}" for n in expected]


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("order", ORDERS)
def test_every_choice_goes_with_every_order(directory: Path, show: str, order: str) -> None:
    """No pair of names makes a query that the store cannot read, and each row comes once."""
    with Store.read(directory) as store:
        found = row_ids(store, RowView(show=show, order=order), [("row-0", 1.0, "Answer 0")])

    assert len(found) == len(set(found)) <= 4
