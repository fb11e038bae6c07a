"""Batches for the pages that show them, made without a judge."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from assessment_factory import ANSWER, dicom_assessment

from coach.batch.rows import AnswerRow, RowKey
from coach.batch.store import NAME, Store

QUESTIONS = ("dicom-standard", "hl7-integration")
#: Copies the rows and results of a batch under further numbers.
_ROWS = """WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?)
    INSERT INTO rows SELECT place + n * ?2, row_id || '-' || n, key || '-' || n, same || '-' || n, leads, rank,
    question_id, candidate || '-' || n, answer || ' Copy ' || n || '.', source, line + n * ?2 FROM rows, copy"""
_RESULTS = """WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?)
    INSERT INTO results SELECT number + n * ?2, key || '-' || n, same || '-' || n, row_id || '-' || n, same_as, reason,
    score, needs_review, assessment, at FROM results, copy"""


def batch_in(directory: Path, count: int = 12) -> Path:
    """Write a batch: row 3 failed, every third one is to be reviewed, scores fall from row to row."""
    rows = [
        AnswerRow(f"row/{n}", f"Person {n:03}", QUESTIONS[n % 2], f"{ANSWER} Number {n}.", "in.csv", n + 2)
        for n in range(count)
    ]
    keys = {row.answer: RowKey(f"key {row.row_id}", f"same {row.row_id}", 1) for row in rows}
    with Store.open(directory) as store:
        store.take_in(rows, lambda _, answer: keys[answer])
        for n, row in enumerate(rows):
            if n == 3:
                store.keep(row.row_id, keys[row.answer], None, reason="the model timed out")
                continue
            assessment = dicom_assessment().model_copy(
                update={
                    "question_id": row.question_id,
                    "score": 90 - n / 2,
                    "interval": (80 - 0.6 * n, 95 - n / 2),
                    "needs_review": n % 3 == 0,
                    "review_reasons": ["The score is uncertain."] if n % 3 == 0 else [],
                }
            )
            store.keep(row.row_id, keys[row.answer], assessment)
    return directory


def large_batch_in(directory: Path, count: int) -> Path:
    """Write a batch of so many rows, in a moment: twenty, and copies of them."""
    batch_in(directory, 20)
    database = sqlite3.connect(directory / NAME)
    database.execute("PRAGMA synchronous = OFF")
    with database:
        database.execute(_ROWS, (count // 20 - 1, 20))
        database.execute(_RESULTS, (count // 20 - 1, 20))
    database.close()
    return directory
