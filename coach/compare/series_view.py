"""The table of a whole series of versions, as every report shows it."""

from __future__ import annotations

from dataclasses import dataclass

from coach.bank.questions import Rubric
from coach.compare import comparison_words
from coach.compare.comparison import ComparisonSeries, SeriesRow, SeriesStep
from coach.compare.comparison_view import level_text, range_text
from coach.report import words
from coach.report.display_text import one_line
from coach.submit.changes import CheckChange

_NUMBERS = ("Score", "Likely between")
_HEADINGS = ("Version", "Level", *_NUMBERS, "Against the one before", "Against the first")


@dataclass(frozen=True)
class SeriesChanges:
    """What one version lost and gained since the one before, or why it could not be judged."""

    title: str
    reason: str
    lost: tuple[str, ...]
    gained: tuple[str, ...]


@dataclass(frozen=True)
class SeriesView:
    """The table with one row a version, what each but the last changed, and which one is best, how surely."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    #: Place of the best row, if there is one.
    best_row: int | None
    best: str
    changes: tuple[SeriesChanges, ...]


def build_series_view(series: ComparisonSeries, rubric: Rubric, *, show_score: bool = True) -> SeriesView:
    """Turn a series into its table; without scores it has no column of numbers and no cell with points."""
    best = [place for place, row in enumerate(series.rows) if row.best]
    # What the last version changed is told in full elsewhere in the report.
    changes = [_changes(row) for row in series.rows[:-1]]
    return SeriesView(
        headings=tuple(heading for heading in _HEADINGS if show_score or heading not in _NUMBERS),
        rows=tuple(_cells(row, rubric, show_score) for row in series.rows),
        best_row=best[0] if best else None,
        best=_best(series),
        changes=tuple(change for change in changes if change.reason or change.lost or change.gained),
    )


def _cells(row: SeriesRow, rubric: Rubric, show_score: bool) -> tuple[str, ...]:
    version = row.version
    score = "" if version.score is None else str(words.whole(version.score))
    return (
        one_line(version.label) + (" (best)" if row.best else ""),
        level_text(version, rubric),
        *((score, range_text(version.interval)) if show_score else ()),
        _verdict(row.against_previous, show_score),
        _verdict(row.against_first, show_score),
    )


def _verdict(step: SeriesStep | None, show_score: bool) -> str:
    if step is None:
        return ""
    if step.verdict is None or step.difference is None:
        return comparison_words.NOT_COMPARED
    word = comparison_words.VERDICTS[step.verdict]
    return f"{word} ({comparison_words.signed(step.difference)})" if show_score else word


def _changes(row: SeriesRow) -> SeriesChanges:
    step = row.against_previous
    label = one_line(row.version.label)
    reason = one_line(row.version.unscored_reason or "")
    return SeriesChanges(
        title=f"{label}: {reason}" if reason else f"{label}, since the one before:",
        reason=reason,
        lost=_names([*step.lost, *step.red_flags_appeared]) if step else (),
        gained=_names([*step.gained, *step.red_flags_gone]) if step else (),
    )


def _names(changes: list[CheckChange]) -> tuple[str, ...]:
    return tuple(
        f"{words.check_text(change.kind, one_line(change.statement))} ({comparison_words.step_text(change)})"
        for change in changes
    )


def _best(series: ComparisonSeries) -> str:
    if series.best is None:
        return "None of the versions has a score, so none is the best one."
    best = one_line(series.best)
    if not series.not_clearly_better_than:
        return f"Best: {best}. It is clearly better than every other version."
    others = ", ".join(one_line(label) for label in series.not_clearly_better_than)
    return f"Best: {best} has the highest score, but it is not clearly better than {others}."
