"""Tests of coach.batch.summary."""

from __future__ import annotations

import statistics

import pytest
from assessment_factory import dicom_assessment, receipt, unscored_assessment, with_bank_flag
from batch_factory import row_result
from hypothesis import given
from hypothesis import strategies as st

from coach.batch.rows import RowResult
from coach.batch.summary import REVIEW_FIRST, BatchStatistics, BatchSummary


def summary_of(*records: RowResult) -> BatchSummary:
    """Return the summary of these rows."""
    gathered = BatchStatistics(complete=True, unreadable=2)
    for record in records:
        gathered.add(record)
    return gathered.summary()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
def test_mean_and_median_are_those_of_the_scores(tenths: list[int]) -> None:
    """They agree with the standard library, whatever the scores."""
    scores = [tenth / 10 for tenth in tenths]
    rows = [row_result(f"r{n}", assessment=dicom_assessment(score=score)) for n, score in enumerate(scores)]

    summary = summary_of(*rows)

    assert summary.mean == pytest.approx(statistics.mean(scores), abs=0.006)
    assert summary.median == pytest.approx(statistics.median(scores), abs=0.006)
    assert sum(summary.questions[0].distribution) == len(scores)


def test_what_has_no_score_is_counted_and_left_out() -> None:
    """An unscored and a failed row change no mean, and each is counted as what it is."""
    scored = row_result("a", assessment=dicom_assessment(score=80.0))
    empty = row_result("b", assessment=unscored_assessment("The answer is empty."))
    failed = row_result("c", reason="time-out after 12 s")
    other = row_result("d", reason="time-out after 31 s")

    summary = summary_of(scored, empty, failed, other)

    assert (summary.rows, summary.scored, summary.unscored, summary.failed, summary.unreadable) == (4, 1, 1, 2, 2)
    assert (summary.mean, summary.questions[0].mean, summary.questions[0].unscored) == (80.0, 80.0, 1)
    assert [(item.reason, item.rows) for item in summary.failures] == [("time-out after 12 s", 2)]


def test_checks_are_counted_per_question() -> None:
    """What most candidates miss comes first, and wrong statements are listed apart."""
    summary = summary_of(row_result("a"), row_result("b"))

    missed = {check.id: check for check in summary.most_missed}
    assert missed["modality-worklist"].missed_share == 1.0
    assert (missed["modality-worklist"].judged, missed["modality-worklist"].not_met) == (2, 2)
    assert "guaranteed-plug-and-play" not in missed
    assert [(check.id, check.met) for check in summary.red_flags] == [("guaranteed-plug-and-play", 2)]
    criterion = summary.questions[0].criteria[0]
    assert (criterion.id, criterion.judged, criterion.levels, criterion.mean) == ("concepts", 2, [0, 0, 0, 2, 0], 73.79)


def test_red_flags_of_the_whole_bank_are_counted() -> None:
    """They are found statements like those of a question."""
    summary = summary_of(row_result("a", assessment=with_bank_flag()))

    assert [(check.id, check.met) for check in summary.red_flags] == [("guaranteed-plug-and-play", 1)]


def test_tokens_and_cost_are_added_up() -> None:
    """An identical answer costs nothing; one unknown cost makes the sum unknown."""
    paid = row_result("a", assessment=dicom_assessment(receipt=receipt(cost_usd=0.25)))
    free = dicom_assessment(receipt=receipt(input_tokens=0, cached_tokens=0, output_tokens=0, cost_usd=0.0))
    copied = row_result("b", same_as="a", assessment=free)
    unknown = row_result("c", assessment=dicom_assessment(receipt=receipt(cost_usd=None)))

    known = summary_of(paid, copied)

    assert (known.cost_usd, known.input_tokens, known.identical) == (0.25, 1234, 1)
    assert known.cached_share == pytest.approx(900 / 1234, abs=1e-4)
    assert known.seconds_per_answer == pytest.approx(6.2)
    assert summary_of(paid, unknown).cost_usd is None


def test_what_needs_a_look_comes_first() -> None:
    """Most reasons first, then the widest interval; the list has an end."""
    wide = dicom_assessment(interval=(10.0, 90.0), review_reasons=["a"])
    narrow = dicom_assessment(interval=(50.0, 55.0), review_reasons=["a"])
    many = dicom_assessment(interval=(50.0, 51.0), review_reasons=["a", "b"])
    rows = [row_result(name, assessment=a) for name, a in (("narrow", narrow), ("wide", wide), ("many", many))]
    more = [row_result(f"r{n}", assessment=narrow) for n in range(REVIEW_FIRST + 10)]

    assert [item.row_id for item in summary_of(*rows).review_first] == ["many", "wide", "narrow"]
    assert len(summary_of(*more).review_first) == REVIEW_FIRST
    assert summary_of(*more).review_first[0].row_id == "r0"


def test_an_empty_batch_has_a_summary() -> None:
    """Nothing divides by nought."""
    summary = summary_of()

    assert (summary.rows, summary.mean, summary.median, summary.cached_share) == (0, None, None, None)
