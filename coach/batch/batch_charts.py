"""The charts of a batch: how the scores lie, and at which level the criteria are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coach.batch.batch_summary import BINS, CriterionSummary
from coach.report.charts import bare_svg, import_pygal
from coach.report.display_text import one_line
from coach.report.words import counted

_WIDTH, _HEIGHT = 420, 170
_ROW, _FRAME = 34, 30
_LONGEST_TITLE = 32


def distribution_chart(distribution: Sequence[int], what: str) -> str:
    """Return a chart of how many scores lie in each tenth of the scale, as an SVG element."""
    step = 100 // BINS
    ranges = [f"{start * step}–{(start + 1) * step}" for start in range(len(distribution))]
    pygal = import_pygal()
    chart = pygal.Bar(
        width=_WIDTH,
        height=_HEIGHT,
        x_labels=[str(start * step) for start in range(len(distribution))],
        y_labels=_ticks(max(distribution, default=0)),
        **_plain(),
    )
    chart.add(
        "answers", [_bar(n, f"{text}: {counted(n, 'answer')}") for n, text in zip(distribution, ranges, strict=True)]
    )
    spoken = ", ".join(f"{text}: {n}" for n, text in zip(distribution, ranges, strict=True) if n)
    return bare_svg(chart, f"Scores of {one_line(what)}: {spoken or 'none'}")


def levels_chart(criteria: Sequence[CriterionSummary], what: str) -> str:
    """Return a chart with a bar for each criterion, divided by the levels of the answers, as an SVG element."""
    pygal = import_pygal()
    # Drawn from the bottom up.
    shown = [criterion for criterion in reversed(criteria) if criterion.judged]
    chart = pygal.HorizontalStackedBar(
        width=_WIDTH,
        height=_FRAME + _ROW * max(1, len(shown)),
        x_labels=[_short(criterion.title) for criterion in shown],
        y_labels=[0, 25, 50, 75, 100],
        range=(0, 100),
        **_plain(),
    )
    for level in range(5):
        shares = [100 * criterion.levels[level] / criterion.judged for criterion in shown]
        counts = [criterion.levels[level] for criterion in shown]
        chart.add(
            f"level {level}",
            [_bar(share, f"level {level}: {counted(n, 'answer')}") for share, n in zip(shares, counts, strict=True)],
        )
    spoken = "; ".join(f"{one_line(c.title)}: {', '.join(map(str, c.levels))}" for c in reversed(shown))
    return bare_svg(chart, f"Answers at levels 0 to 4, {one_line(what)}: {spoken or 'none'}")


def _plain() -> dict[str, Any]:
    return {
        "js": [],
        "css": [],
        "show_legend": False,
        "margin": 4,
        "margin_right": 14,
        "spacing": 6,
        "show_y_guides": True,
    }


def _bar(value: float, label: str) -> dict[str, Any]:
    return {"value": value, "label": label}


def _ticks(most: int) -> list[int]:
    return sorted({0, (most + 1) // 2, max(1, most)})


def _short(title: str) -> str:
    title = one_line(title)
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
