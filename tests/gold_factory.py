"""Marked answers to two short questions, and judges with known scores, for tests of the calibration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assessment_factory import dicom_assessment
from scripted_judge import ScriptedJudge, judged_text
from scripted_model import ScriptedModel

from coach.bank.questions import Bank, Check
from coach.calibrate.gold import GoldPlan, GoldRow, GoldTask, JudgedAnswer, match_questions, plan_calibration
from coach.calibrate.result import Calibration, Scale
from coach.judge.judging import JudgeTask
from coach.model.choose import ModelChoice
from coach.model.pace import FixedLimit
from coach.submit.assess import AnswerAssessor
from coach.submit.open import Session

STACK = ("What is a stack?", "A list in which the last item added is the first one removed.")
QUEUE = ("What is a queue?", "A list in which the first item added is the first one removed.")
PADDING = "which is what the lecture said about this kind of list"


def answer(number: int) -> str:
    """Return an answer long enough to be judged that says how good it is: ``quality 7``."""
    return f"It is a list of quality {number} for items, {PADDING}."


def gold_row(number: int, score: float, question: tuple[str, str] = STACK, **more: Any) -> GoldRow:
    """Return a row whose answer is ``answer(number)``."""
    fields: dict[str, Any] = {
        "row_id": f"row-{number}",
        "answer": answer(number),
        "score": score,
        "source": "gold.jsonl",
        "line": number + 1,
        "question": question[0],
        "reference": question[1],
    }
    return GoldRow(**{**fields, **more})


def gold_rows(count: int = 40) -> list[GoldRow]:
    """Return rows of four questions in turn; quality and mark rise together, not perfectly."""
    questions = [
        STACK,
        QUEUE,
        ("What is a set?", "A collection without order."),
        ("What is a map?", "Keys with values."),
    ]
    rows = []
    for number in range(count):
        score = float(min(5, max(0, round(number * 5 / count + (number % 3 - 1) * 0.5))))
        raters = {"rater_1": min(5.0, score + number % 2), "rater_2": score}
        rows.append(gold_row(number, score, questions[number % 4], label="high" if score > 2 else "low", **raters))
    return rows


def gold_plan(rows: Sequence[GoldRow], **options: Any) -> GoldPlan:
    """Return the plan for rows that bring their own questions."""
    return plan_calibration(rows, [], None, name="gold.jsonl", **options)


def tasks_of(rows: Sequence[GoldRow]) -> list[GoldTask]:
    """Return the rows with their questions."""
    tasks, problems = match_questions(rows, None)
    assert problems == []
    return tasks


def judged(rows: Sequence[GoldRow], scores: Sequence[float | None]) -> list[JudgedAnswer]:
    """Return what a judge with these scores gave; None stands for an answer that it did not judge."""
    return [
        JudgedAnswer(task, () if score is None else (score,), "too short" if score is None else None)
        for task, score in zip(tasks_of(rows), scores, strict=True)
    ]


def quality_script(task: JudgeTask, check: Check) -> float | None:
    """Return a probability that rises with the number in the answer, slightly curved."""
    number = int(judged_text(task.answer).partition("quality ")[2].partition(" ")[0])
    curved: float = (number / 40) ** 1.3
    return min(1.0, curved + 0.02 * (number % 5))


def assessor(judge: ScriptedJudge, bank: Bank) -> AnswerAssessor:
    """Return an assessor with this judge and nothing else."""
    return AnswerAssessor(bank, judge, lambda model, usage, endpoint: 0.001)


def session(judge: ScriptedJudge, bank: Bank, concurrency: int = 1) -> Session:
    """Return a session with this judge, so many answers at a time."""
    return Session(ModelChoice(False, "a test"), ScriptedModel([]), assessor(judge, bank), FixedLimit(concurrency))


def calibration(**changes: object) -> Calibration:
    """Return a calibration for the judge of the factory's assessment that halves the distance to 100."""
    receipt = dicom_assessment().receipt
    fields: dict[str, object] = {
        "name": "mine",
        "judge": receipt.judge,
        "model": receipt.model,
        "prompt_version": receipt.prompt_version,
        "scoring_rule": receipt.scoring_rule,
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        "n": 40,
        "scale": Scale(low=0, high=5, step=1),
        "knots": [(0.0, 50.0), (100.0, 100.0)],
    }
    return Calibration.model_validate({**fields, **changes})


def write_gold(path: Path, rows: Sequence[GoldRow]) -> Path:
    """Write rows as a user's file of JSON lines and return its path."""
    names = ("answer", "score", "question_id", "question", "reference", "rater_1", "rater_2", "label")
    lines = []
    for row in rows:
        data = {name: getattr(row, name) for name in names if getattr(row, name) is not None}
        lines.append(json.dumps({"id": row.row_id, **data}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path
