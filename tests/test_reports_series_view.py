"""Tests of coach.compare.series_view."""

from __future__ import annotations

import re

from assessment_factory import dicom_question, shipped_bank
from comparison_cases import NEW, OLD, REWORDED, series
from comparison_views import series_views

from coach.compare.series_view import SeriesView, build_series_view


def table(*texts: str, show_score: bool = True) -> SeriesView:
    """Return the table of a series of answers."""
    return build_series_view(series(*texts), shipped_bank().rubric_of(dicom_question()), show_score=show_score)


def test_the_table_has_a_row_for_every_version() -> None:
    """Each row says where a version stands and how it compares, and the best one is marked."""
    view = table(OLD, REWORDED, NEW)

    assert view.headings[:4] == ("Version", "Level", "Score", "Likely between")
    assert [row[0] for row in view.rows] == ["v1", "v2", "v3 (best)"]
    assert view.rows[0][-2:] == ("", "")
    assert all(re.fullmatch(r"Improved \(\+\d+\)", cell) for cell in view.rows[2][-2:])
    assert view.best_row == 2
    assert view.best == "Best: v3. It is clearly better than every other version."


def test_a_best_version_by_noise_says_so() -> None:
    """The highest score is not sold as the clear winner when it is not."""
    assert table(NEW, OLD, NEW + " We like it.").best == (
        "Best: v3 has the highest score, but it is not clearly better than v1."
    )


def test_a_version_without_a_score_has_a_reason() -> None:
    """It is not scored, not compared, and the reason stands below the table."""
    view = table(OLD, "", NEW)

    assert view.rows[1][1:] == ("Not scored", "", "", "Not compared", "Not compared")
    assert [change.title for change in view.changes] == ["v2: The answer is empty."]
    assert table("", "", "").best == "None of the versions has a score, so none is the best one."
    assert table("", "", "").best_row is None


def test_what_the_steps_before_the_last_changed_is_told() -> None:
    """Gains and losses of the earlier versions are listed; those of the last one are told in full elsewhere."""
    (change,) = table(OLD, NEW, NEW).changes

    assert change.title == "v2, since the one before:"
    assert len(change.lost) == 1
    assert any(text.startswith("Red flag: ") for text in change.gained)


def test_without_scores_there_is_no_column_of_numbers() -> None:
    """The table in words holds no digit of a score."""
    view = series_views(show_score=False)[1]

    assert view.headings == ("Version", "Level", "Against the one before", "Against the first")
    assert not re.search(r"\d", " ".join(cell for row in view.rows for cell in row[1:]))
