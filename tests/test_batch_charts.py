"""Tests of the charts on the page of a batch."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from assessment_factory import dicom_assessment
from batch_harness import small_bank
from html_page import assert_self_contained

from coach.batch.outputs import write_outputs
from coach.batch.rows import AnswerRow, RowKey
from coach.batch.store import Store

HOSTILE = "<script>alert(1)</script> \x1b[31m & \" '"


def charts(folder: Path, scores: list[float], title: str = "Facts") -> list[ElementTree.Element]:
    """Return the charts of a page about answers to one question with these scores, and to another with one score."""
    assessment = dicom_assessment()
    first = assessment.criteria[0].model_copy(update={"title": title})
    never = assessment.criteria[1].model_copy(update={"level": None, "credit": None})
    assessment = assessment.model_copy(update={"criteria": [first, never]})
    with Store.open(folder) as store:
        questions = ["question-1"] * len(scores) + ["question-2"]
        rows = [AnswerRow(f"r{n}", None, name, f"Answer {n}", "rows.csv", n) for n, name in enumerate(questions)]
        keys = {row.answer: RowKey(row.row_id, row.row_id, 1) for row in rows}
        store.take_in(rows, lambda _, answer: keys[answer])
        for row, score in zip(rows, [*scores, 99.0], strict=True):
            store.keep(row.row_id, keys[row.answer], assessment.model_copy(update={"score": score}))
        write_outputs(store, small_bank())
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert_self_contained(page)
    return [ElementTree.fromstring(chart) for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def titles(chart: ElementTree.Element) -> list[str]:
    """Return what the bars of a chart say."""
    return [bar.findtext("title", "") for bar in chart.findall("rect")]


def test_every_tenth_of_the_scale_has_its_bar(tmp_path: Path) -> None:
    """A bar says how many answers it stands for, and all of them are told to those who cannot see it."""
    everything, first, _, second, _ = charts(tmp_path, [5.0, 65.0, 69.9])

    assert titles(first) == [
        "0–10: 1 answer",
        *(f"{10 * n}–{10 * n + 10}: 0 answers" for n in range(1, 6)),
        "60–70: 2 answers",
        *(f"{10 * n}–{10 * n + 10}: 0 answers" for n in range(7, 10)),
    ]
    assert first.get("aria-label") == f"Scores of {small_bank().questions[0].text}: 0–10: 1; 60–70: 2;"
    assert titles(second)[9] == "90–100: 1 answer"
    assert everything.get("aria-label") == "Scores of all answers: 0–10: 1; 60–70: 2; 90–100: 1;"
    assert [float(bar.get("height", "")) for bar in first.findall("rect")][::6] == [70.0, 140.0]


def test_every_criterion_is_divided_by_levels(tmp_path: Path) -> None:
    """One that was never judged is left out, and whatever a title holds is text."""
    _, _, levels, *_ = charts(tmp_path, [50.0, 60.0], HOSTILE)

    shown = HOSTILE.replace(chr(27), chr(0x241B))
    assert [text.text for text in levels.findall("text")] == [shown]
    assert levels.get("aria-label", "").endswith(f": {shown}: 0, 0, 0, 2, 0;")
    assert titles(levels)[3] == "level 3: 2 answers"
    assert [bar.get("width") for bar in levels.findall("rect")] == ["0.0", "0.0", "0.0", "420.0", "0.0"]
