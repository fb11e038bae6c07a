"""The charts of the report on a judge, as bare inline SVG that the page's own style sheet colours.

Drawn by pygal (extra ``calibrate``). Its scripts, styles, ids and tooltips are taken out: the page needs none of
them, allows none of them, and the same report gives the same bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from coach.core.extras import require_charts
from coach.models.calibration import AgreementReport, Scale
from coach.reports import calibration_words as words
from coach.reports.display_text import one_line

_SVG = "{http://www.w3.org/2000/svg}"
_WIDTH, _HEIGHT = 560, 440
_MOST_TICKS = 10
_UNWANTED = ("script", "style", "defs", "title")
_EMPTY_LAYERS = ("text-overlay", "tooltip-overlay")
_KEPT = ("class", "viewBox", "x", "y", "cx", "cy", "r", "d", "width", "height", "transform")
_DECIMALS = re.compile(r"(\d+\.\d)\d+")


def scatter_chart(report: AgreementReport) -> str:
    """Return a chart of human mark (across) and judge (up), one dot an answer, as an SVG element."""
    chart = _chart(report.gold.scale, "Human mark", "Judge")
    chart.add(
        "answers", [_dot(pair.human, pair.judge, f"{pair.id}: {_two(pair.human, pair.judge)}") for pair in report.pairs]
    )
    return _bare(chart, f"Scatter plot of {len(report.pairs)} answers: human mark across, judge up")


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
    return _bare(chart, "Reliability curve: the judge's mark across, the mean human mark up")


def _chart(scale: Scale, across: str, up: str) -> Any:
    pygal = _import_pygal()
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


def _import_pygal() -> Any:
    require_charts()
    import pygal

    # Importing it adds an import hook for map plugins, which makes Python 3.11 warn at every failed import elsewhere.
    sys.meta_path[:] = [hook for hook in sys.meta_path if not isinstance(hook, pygal.PluginImportFixer)]
    return pygal


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


def _bare(chart: Any, description: str) -> str:
    """Return the chart without anything but shapes, texts and classes; dots keep their label as a title."""
    root = ElementTree.fromstring(chart.render())
    _clean(root)
    root.attrib.update({"class": "chart", "role": "img", "aria-label": description})
    # Inside HTML the elements need no namespace.
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    for child in list(element):
        if child.tag.removeprefix(_SVG) in _UNWANTED or _is_layer(child, _EMPTY_LAYERS):
            element.remove(child)
    label = _take_label(element)
    kept = {name: _DECIMALS.sub(r"\1", element.attrib[name]) for name in _KEPT if element.attrib.get(name)}
    element.attrib.clear()
    element.attrib.update(kept)
    for child in element:
        _clean(child)
    dot = element.find(f"{_SVG}circle")
    if dot is not None and label:
        ElementTree.SubElement(dot, f"{_SVG}title").text = label


def _take_label(element: ElementTree.Element) -> str | None:
    descriptions = element.findall(f"{_SVG}desc")
    label = next((found.text for found in descriptions if found.get("class") == "label"), None)
    for found in descriptions:
        element.remove(found)
    return label


def _is_layer(element: ElementTree.Element, names: Iterable[str]) -> bool:
    return any(name in (element.get("class") or "").split() for name in names)
