"""The charts of the report on a judge (extra ``calibrate``): all pairs of marks, and the reliability curve."""

from __future__ import annotations

from typing import Any

from coach.calibrate import calibration_words as words
from coach.calibrate.result import AgreementReport, Scale
from coach.report.charts import bare_svg, import_pygal
from coach.report.display_text import one_line

_WIDTH, _HEIGHT = 560, 440
_MOST_TICKS = 10


def scatter_chart(report: AgreementReport) -> str:
    """Return a chart of human mark (across) and judge (up), one dot an answer, as an SVG element."""
    chart = _chart(report.gold.scale, "Human mark", "Judge")
    chart.add(
        "answers", [_dot(pair.human, pair.judge, f"{pair.id}: {_two(pair.human, pair.judge)}") for pair in report.pairs]
    )
    return bare_svg(chart, f"Scatter plot of {len(report.pairs)} answers: human mark across, judge up")


def reliability_chart(report: AgreementReport) -> str:
    """Return a chart of the judge's mark (across) and the mean human mark (up) of each bin, as an SVG element."""
    chart = _chart(report.gold.scale, "Judge", "Mean human mark")
    bins = report.reliability
    dots = [_dot(b.judge_mean, b.human_mean, f"{b.n} answers: {_two(b.human_mean, b.judge_mean)}") for b in bins]
    chart.add("curve", dots, stroke=True)
    for item in bins:
        if item.human_interval:
            ends = [(item.judge_mean, _inside(end, report.gold.scale)) for end in item.human_interval]
            chart.add("interval", ends, stroke=True, show_dots=False)
    return bare_svg(chart, "Reliability curve: the judge's mark across, the mean human mark up")


def _chart(scale: Scale, across: str, up: str) -> Any:
    pygal = import_pygal()
    ends = (scale.low, scale.high)
    ticks = _ticks(scale)
    chart = pygal.XY(
        width=_WIDTH,
        height=_HEIGHT,
        margin=8,
        js=[],
        css=[],
        stroke=False,
        show_legend=False,
        dots_size=4,
        range=ends,
        xrange=ends,
        x_labels=ticks,
        y_labels=ticks,
        x_title=across,
        y_title=up,
        value_formatter=words.mark,
        x_value_formatter=words.mark,
    )
    chart.add("equal", [(scale.low, scale.low), (scale.high, scale.high)], stroke=True, show_dots=False)
    return chart


def _ticks(scale: Scale) -> list[float]:
    steps = round((scale.high - scale.low) / scale.step)
    step = scale.step if steps <= _MOST_TICKS else (scale.high - scale.low) / _MOST_TICKS
    count = round((scale.high - scale.low) / step)
    return [round(scale.low + step * number, 6) for number in range(count + 1)]


def _dot(x: float, y: float, label: str) -> dict[str, Any]:
    return {"value": (x, y), "label": one_line(label)}


def _two(human: float, judge: float) -> str:
    return f"people {words.mark(human)}, judge {words.mark(judge)}"


def _inside(mark: float, scale: Scale) -> float:
    return min(scale.high, max(scale.low, mark))
