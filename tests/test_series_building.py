"""Tests of coach.compare.series_building."""

from __future__ import annotations

import pytest
from assessment_factory import dicom_question, shipped_bank
from comparison_cases import NEW, OLD, REWORDED, compared, series

from coach.compare.result import ComparisonSeries
from coach.compare.series_building import build_series

BETTER = NEW + " A CT sends its images with C-STORE. We can mix manufacturers."


def test_each_version_is_compared_with_the_one_before_and_with_the_first() -> None:
    """The table says for every version what it gained since the previous one, and how it stands to the first."""
    first, second, third = series(OLD, NEW, BETTER).rows

    assert first.against_previous is first.against_first is None
    assert second.against_previous == second.against_first
    assert second.against_previous is not None
    assert second.against_previous.verdict == compared().verdict
    assert second.against_previous.lost == compared().lost
    assert third.against_previous is not None
    assert {change.check_id for change in third.against_previous.gained} == {"transfer-services", "vendor-independence"}
    assert third.against_first is not None
    assert third.against_first.verdict == "improved"
    assert "own-example" in {change.check_id for change in third.against_first.gained}


def test_the_best_version_is_marked() -> None:
    """The version with the highest score is the best one, wherever it stands in the series."""
    table = series(OLD, BETTER, NEW)

    assert [row.best for row in table.rows] == [False, True, False]
    assert (table.best, table.not_clearly_better_than) == ("v2", [])


def test_the_best_version_may_be_best_by_noise_only() -> None:
    """A version that does not clearly beat another one is no clear winner; of equals the latest is best."""
    table = series(NEW, OLD, NEW + " We all like to work with it here.")

    assert (table.best, table.not_clearly_better_than) == ("v3", ["v1"])


def test_the_last_step_is_told_in_full() -> None:
    """Beside the table stands the whole comparison of the last version with the one before it."""
    latest = series(OLD, REWORDED, NEW).latest

    assert (latest.old.label, latest.new.label, latest.verdict) == ("v2", "v3", "improved")
    assert latest.next_advice


def test_versions_without_a_score_are_no_zeros() -> None:
    """A version that was not judged has no verdict, a reason, and is never best."""
    table = series("", OLD, "No.")

    assert [row.version.score is None for row in table.rows] == [True, False, True]
    assert table.best == "v2"
    step = table.rows[1].against_previous
    assert step is not None
    assert (step.verdict, step.difference) == (None, None)
    assert "v1: The answer is empty." in (step.no_verdict_reason or "")
    assert series("", "").best is None


def test_one_version_is_no_series() -> None:
    """A table of fewer than two versions is a mistake of the caller."""
    with pytest.raises(ValueError, match="two"):
        build_series(shipped_bank(), dicom_question(), [])


def test_the_json_can_be_read_back() -> None:
    """A written series is valid, says the same and names its schema."""
    table = series(OLD, NEW, BETTER)

    assert ComparisonSeries.model_validate_json(table.to_json()) == table
    assert '"schema": "coach/comparison-series@1"' in table.to_json()
