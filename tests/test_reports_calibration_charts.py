"""Tests of coach.calibrate.calibration_charts."""

from __future__ import annotations

import importlib.util
import sys
from xml.etree import ElementTree

import pytest
from calibration_cases import full_report, report_on
from gold_factory import gold_row

from coach.calibrate.calibration_charts import reliability_chart, scatter_chart
from coach.calibrate.calibration_words import mark
from coach.calibrate.result import Scale


def test_charts_are_plain_shapes_in_the_right_place() -> None:
    """A higher mark is drawn higher, and every dot says whose it is."""
    report = report_on([gold_row(n, n) for n in range(6)], [0.0, 10, 20, 30, 90, 100])

    root = ElementTree.fromstring(scatter_chart(report))

    dots = root.findall(".//circle")
    x = [float(dot.attrib["cx"]) for dot in dots]
    y = [float(dot.attrib["cy"]) for dot in dots]
    assert (x, y) == (sorted(x), sorted(y, reverse=True))
    assert dots[4].findtext("title") == "row-4: people 4, judge 4.5"
    assert {name for element in root.iter() for name in element.attrib} <= {
        "class", "role", "aria-label", "viewBox", "x", "y", "cx", "cy", "r", "d", "width", "height", "transform",
    }  # fmt: skip


def test_the_reliability_curve_shows_its_intervals() -> None:
    """One line for the diagonal, one for the curve, and one for each bin that has an interval."""
    report = full_report()

    root = ElementTree.fromstring(reliability_chart(report))

    lines = [path for path in root.findall(".//path") if "line reactive" in path.get("class", "")]
    assert len(lines) == 2 + sum(1 for item in report.reliability if item.human_interval)


@pytest.mark.parametrize(
    "scale", [Scale(low=0, high=100, step=10), Scale(low=-1, high=1, step=1), Scale(low=0, high=1, step=0.1)]
)
def test_any_scale_can_be_drawn(scale: Scale) -> None:
    """Ends and ticks follow the scale of the marks."""
    report = full_report()
    report = report.model_copy(update={"gold": report.gold.model_copy(update={"scale": scale}), "pairs": []})

    texts = [text.text for text in ElementTree.fromstring(scatter_chart(report)).findall(".//text")]

    assert mark(scale.low) in texts
    assert mark(scale.high) in texts


def test_drawing_leaves_the_import_system_alone() -> None:
    """The charts' library adds a hook of an old kind, at which later imports would warn."""
    scatter_chart(full_report())

    assert [hook for hook in sys.meta_path if not hasattr(hook, "find_spec")] == []
    assert importlib.util.find_spec("no_such_package") is None
