"""Attempts for tests of the history, made from the realistic assessment, and a database to keep them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assessment_factory import VERDICTS, criteria, dicom_assessment, receipt, unscored_assessment

from coach.history.records import Attempt
from coach.history.store import HistoryStore, new_record
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment, Improvement

#: A probability that each verdict is given for, well away from the borders.
PROBABILITIES = {Verdict.MET: 0.95, Verdict.PARTLY: 0.45, Verdict.NOT_MET: 0.02, Verdict.UNJUDGED: None}
BANK = "PACS administrator interview"
QUESTION = "dicom-standard"
FIRST_DAY = datetime(2026, 11, 1, 18, 30, tzinfo=UTC)


def judged(
    score: float | None = 61.0,
    verdicts: Mapping[str, Verdict] | None = None,
    advice: Sequence[tuple[str, float]] = (),
    question_id: str = QUESTION,
    **receipt_changes: Any,
) -> Assessment:
    """Return an assessment with this score, changed verdicts, and improvements as (check id, gain)."""
    if score is None:
        return unscored_assessment("The answer is too short to judge.", question_id=question_id)
    changed = {check: (verdict, PROBABILITIES[verdict], ()) for check, verdict in (verdicts or {}).items()}
    return dicom_assessment(
        question_id=question_id,
        score=score,
        interval=(max(0.0, score - 8), min(100.0, score + 8)),
        criteria=criteria({**VERDICTS, **changed}),
        improvements=[Improvement(check_id=name, advice=f"Add {name}.", gain=gain) for name, gain in advice],
        receipt=receipt(**receipt_changes),
    )


def attempt(number: int, assessment: Assessment | None = None, *, bank_title: str = BANK, day: int = 0) -> Attempt:
    """Return attempt ``number``, saved on day ``day`` (by default the day of its number)."""
    assessment = assessment or judged()
    return Attempt(
        id=number,
        question_id=assessment.question_id,
        bank_title=bank_title,
        created_at=FIRST_DAY + timedelta(days=day or number),
        answer=f"Answer {number}.",
        assessment=assessment,
    )


def open_at(path: Path, wait_seconds: float = 10.0) -> HistoryStore:
    """Open the history at this path."""
    return HistoryStore.open(path, wait_seconds=wait_seconds)


def add(store: HistoryStore, answer: str = "An answer.", question_id: str = QUESTION, bank_title: str = BANK) -> int:
    """Save one attempt and return its number."""
    return store.add_record(new_record(question_id, answer, judged(question_id=question_id), bank_title))
