"""What stands beside a batch for those who compare: a grader's own marks, as GOLD, and how far the judge agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import Field, ValidationError

from coach.bank.questions import Bank
from coach.batch.rows import RowResult
from coach.batch.store import Store
from coach.calibrate.agreement import build_report
from coach.calibrate.gold import GoldRow, JudgedAnswer, plan_calibration
from coach.calibrate.result import AgreementReport, JudgeSummary
from coach.errors import InputError, StorageError
from coach.files import write_whole
from coach.judge.judging import Verdict
from coach.schema import ResultModel, first_problem
from coach.version import version

NAME, _REPORT = "marks.jsonl", "agreement.json"
#: Marks are given on the scale of the judge.
_SCALE = (0.0, 100.0)
_LOCK_SECONDS = 10.0


class GraderMark(ResultModel):
    """A line of the file, with the names that ``coach calibrate`` reads; it ignores those that it does not know.

    ``verdicts`` holds the checks on which the grader has decided, by id.
    """

    id: str
    candidate: str | None = None
    question_id: str
    answer: str
    score: float = Field(ge=_SCALE[0], le=_SCALE[1])
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    comment: str = ""
    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def read_marks(directory: Path) -> dict[str, GraderMark]:
    """Return the marks of a batch by row id; raises InputError that names a line which is no mark, StorageError."""
    path = directory / NAME
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error})", "Check its permissions.") from error
    marks: dict[str, GraderMark] = {}
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                mark = GraderMark.model_validate_json(line)
                marks[mark.id] = mark
        except ValidationError as error:
            raise InputError(
                f"{path}:{number}: no mark of a grader ({first_problem(error)})",
                "Correct the line, or move the file away; nothing was changed.",
            ) from None
    return marks


def keep_mark(directory: Path, row_id: str, mark: GraderMark | None) -> None:
    """Keep the mark of a row in place of an older one, or take it away; raises InputError, StorageError.

    When this returns, the mark is on the disk.
    """
    lock = FileLock(directory / f"{NAME}.lock", timeout=_LOCK_SECONDS, mode=0o600)
    try:
        # Two graders at two pages would write over each other's marks.
        with lock:
            marks = read_marks(directory)
            marks.pop(row_id, None)
            if mark is not None:
                marks[row_id] = mark
            write_whole(directory / NAME, "".join(kept.model_dump_json() + "\n" for kept in marks.values()))
    except OSError as error:
        why = error.strerror or "another process holds it"
        raise StorageError(f"{directory / NAME}: cannot be written ({why})", "Check its permissions.") from error


def marked_results(store: Store, marks: Iterable[GraderMark]) -> Iterator[tuple[GraderMark, RowResult]]:
    """Yield the marks with the results of their rows; those of answers that have changed since are left out."""
    for mark in marks:
        result = store.result(mark.id)
        if result is not None and result.answer == mark.answer:
            yield mark, result


def same_verdicts(marked: Iterable[tuple[GraderMark, RowResult]]) -> tuple[int, int]:
    """Return on how many checks grader and judge decided the same, and on how many both decided at all."""
    both = [
        check.verdict is mark.verdicts[check.id]
        for mark, result in marked
        for check in (result.assessment.check_results() if result.assessment else ())
        if check.id in mark.verdicts and check.verdict is not Verdict.UNJUDGED
    ]
    return sum(both), len(both)


def agreement_so_far(marked: list[tuple[GraderMark, RowResult]], bank: Bank) -> AgreementReport:
    """Return how far the judge agrees with the marks; the pairs of the report have the ids of the rows.

    Raises InputError when no marked answer is one to a question of the bank.
    """
    rows = [
        GoldRow(mark.id, mark.answer, mark.score, result.source, result.line, question_id=mark.question_id)
        for mark, result in marked
    ]
    results = {result.row_id: result for _, result in marked}
    plan = plan_calibration(rows, (), bank, name=NAME, scale=_SCALE)
    judged = [JudgedAnswer(task, ()).and_then(results[task.row.row_id]) for task in plan.tasks]
    receipt = next((result.assessment.receipt for result in results.values() if result.assessment), None)
    names = ("judge", "model", "endpoint", "prompt_version")
    judge = JudgeSummary(**{name: getattr(receipt, name, "") for name in names}, settings={})
    now = datetime.now(UTC).replace(microsecond=0)
    return build_report(judged, plan.summary, judge, created_at=now, coach_version=version())


def keep_report(directory: Path, report: AgreementReport) -> None:
    """Keep what was found beside the scores, for `coach web`; raises StorageError."""
    write_whole(directory / _REPORT, report.to_json() + "\n")


def kept_report(directory: Path) -> AgreementReport | None:
    """Return what was found when these scores were compared last, None where that never was; raises InputError."""
    path = directory / _REPORT
    try:
        return AgreementReport.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a report", "Run `coach calibrate` again, or remove it.") from error
