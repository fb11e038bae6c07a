"""Tests of the charts of coach.batch.outputs and coach.report.charts."""

from __future__ import annotations

from xml.etree import ElementTree

from coach.batch.outputs import distribution_chart, levels_chart
from coach.batch.summary import CriterionSummary

HOSTILE = "<script>alert(1)</script> \x1b[31m & \" '"


def titles(root: ElementTree.Element) -> list[str]:
    """Return what the bars of a chart say."""
    return [bar.findtext("title", "") for bar in root.findall(".//rect") if bar.find("title") is not None]


def criterion(title: str, levels: list[int]) -> CriterionSummary:
    """Return a criterion with so many answers at each level."""
    return CriterionSummary(id="one", title=title, judged=sum(levels), mean=50.0, levels=levels)


def test_every_tenth_of_the_scale_has_its_bar() -> None:
    """A bar says how many answers it stands for, and all of them are told to those who cannot see it."""
    root = ElementTree.fromstring(distribution_chart([1, 0, 0, 0, 0, 0, 2, 0, 0, 0], HOSTILE))

    assert titles(root)[0] == "0–10: 1 answer"
    assert titles(root)[6] == "60–70: 2 answers"
    assert len(titles(root)) == 10
    assert root.get("aria-label") == f"Scores of {HOSTILE.replace(chr(27), chr(0x241B))}: 0–10: 1, 60–70: 2"


def test_every_criterion_is_divided_by_levels() -> None:
    """The first criterion stands at the top, and one that was never judged is left out."""
    criteria = [criterion("Facts", [0, 1, 0, 0, 3]), criterion("Nobody", [0] * 5), criterion("Action", [2, 2, 0, 0, 0])]

    root = ElementTree.fromstring(levels_chart(criteria, "one question"))

    assert root.get("aria-label") == (
        "Answers at levels 0 to 4, one question: Facts: 0, 1, 0, 0, 3; Action: 2, 2, 0, 0, 0"
    )
    assert {"level 4: 3 answers", "level 1: 1 answer", "level 0: 2 answers"} <= set(titles(root))


def test_a_chart_holds_shapes_and_words_only() -> None:
    """Scripts, styles, ids and the layers that wait for scripts are taken out."""
    root = ElementTree.fromstring(levels_chart([criterion(HOSTILE, [1, 1, 1, 1, 1])], HOSTILE))

    assert {element.tag for element in root.iter()} <= {"svg", "g", "rect", "path", "text", "title"}
    assert {name for element in root.iter() for name in element.attrib} <= {
        "class", "role", "aria-label", "viewBox", "x", "y", "d", "width", "height", "transform",
    }  # fmt: skip
    assert not [element for element in root.iter() if "overlay" in element.get("class", "")]
