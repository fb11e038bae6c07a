"""Batch inputs, rows and results for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assessment_factory import dicom_assessment, shipped_bank

from coach.batch.inputs.inputs import open_inputs
from coach.batch.rows import AnswerRow, RowProblem, RowResult


def text_of(number: int) -> str:
    """Return the text of question ``number`` of the shipped bank."""
    return next(question.text for question in shipped_bank().questions if question.number == number)


def read_all(*paths: Path | str) -> tuple[list[AnswerRow], list[RowProblem]]:
    """Return the rows and the problems of these inputs."""
    found = list(open_inputs([str(path) for path in paths], shipped_bank()))
    return (
        [row for row in found if isinstance(row, AnswerRow)],
        [problem for problem in found if isinstance(problem, RowProblem)],
    )


def answer_row(number: int, question_id: str = "dicom-standard", answer: str = "An answer.") -> AnswerRow:
    """Return row ``number`` of a batch."""
    return AnswerRow(f"row-{number}", None, question_id, answer, "rows.csv", number + 1)


def row_result(row_id: str, key: str = "key", **changes: Any) -> RowResult:
    """Return how a row ended: a result, or a failure when ``reason`` is given."""
    failed = "reason" in changes
    values: dict[str, Any] = {
        "row_id": row_id,
        "key": key,
        "status": "failed" if failed else "ok",
        "question_id": "dicom-standard",
        "source": "rows.csv",
        "line": 2,
        "answer": "DICOM is a standard – “really”.\nIt has tags.",
        "at": "2026-11-24T04:00:00+00:00",
        "assessment": None if failed else dicom_assessment(),
        **changes,
    }
    return RowResult(**values)
