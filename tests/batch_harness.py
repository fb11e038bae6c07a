"""What the tests of batches share: rows, assessors, and a model at a faulty server."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from coach.bank.questions import Bank, Check, Criterion, Level, Question, Rubric
from coach.batch.grade import BatchRun, Grader
from coach.batch.rows import AnswerRow, RowKeys, RowProblem, RowResult
from coach.batch.store import NAME, Store
from coach.judge.judging import Judge
from coach.judge.prompts import load_prompts
from coach.judge.structured import StructuredJudge
from coach.model.openai_client import OpenAIChatModel
from coach.model.pace import AdaptiveLimit, FixedLimit, PacedChatModel, Patience
from coach.submit.assess import AnswerAssessor

#: Quick enough for a test, long enough for a sound reply on a busy machine.
TIMEOUT = 0.8
HASTY = Patience(tries=4, first_wait=0.01, longest_wait=0.02, failures=30, down_after=5.0)


@lru_cache(maxsize=1)
def small_bank() -> Bank:
    """Return a bank of three questions with one rubric: it stays as it is while people improve the shipped one."""
    levels = [Level(level=level, title=f"Level {level}", descriptor=f"Shows {level} of 4.") for level in range(5)]
    criteria = [Criterion(id=name, title=name.title(), weight=1, levels=levels) for name in ("facts", "action")]
    return Bank(
        title="Small bank",
        profession="archive keeper",
        language="en",
        questions=[_question(number) for number in range(1, 4)],
        rubrics={"work": Rubric(id="work", title="Work", description="How somebody works.", criteria=criteria)},
        sha256="0" * 64,
    )


def _question(number: int) -> Question:
    checks = [
        Check(id="names-a-log", criterion="facts", kind="point", statement="Names a log.", advice="Name the log."),
        Check(id="checks-arrival", criterion="action", kind="point", statement="Checks arrival.", advice="Check it."),
        Check(id="blames-others", criterion="action", kind="red_flag", statement="Blames others.", advice="Do not."),
    ]
    return Question(
        id=f"question-{number}",
        number=number,
        category="work",
        text=f"What do you do about problem {number}?",
        rationale="It shows method.",
        rubric="work",
        checks=checks,
    )


def answer_text(number: int) -> str:
    """Return an answer like no other."""
    return (
        f"In case number {number} I first looked at the log of the archive and called the technician on duty. "
        "Then I sent the images again from the modality and checked that every study had arrived."
    )


def batch_rows(count: int, questions: int = 3) -> list[AnswerRow]:
    """Return rows of different answers to the first questions of the small bank."""
    ids = [question.id for question in small_bank().questions[:questions]]
    return [
        AnswerRow(
            f"row-{number}", f"person {number}", ids[number % questions], answer_text(number), "rows.csv", number + 2
        )
        for number in range(count)
    ]


def write_rows(path: Path, rows: Sequence[AnswerRow]) -> Path:
    """Write rows as a long CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "candidate", "question_id", "answer"])
        writer.writerows([row.row_id, row.candidate, row.question_id, row.answer] for row in rows)
    return path


def write_bank(directory: Path) -> Path:
    """Write the small bank as files and return the path of its questions."""
    import yaml

    bank = small_bank()
    (directory / "rubrics").mkdir(parents=True)
    for rubric in bank.rubrics.values():
        path = directory / "rubrics" / f"{rubric.id}.yaml"
        path.write_text(yaml.safe_dump(rubric.model_dump(mode="json")), encoding="utf-8")
    questions = bank.model_dump(mode="json", include={"title", "profession", "language", "questions"})
    (directory / "questions.yaml").write_text(yaml.safe_dump(questions), encoding="utf-8")
    return directory / "questions.yaml"


def batch_assessor(judge: Judge) -> AnswerAssessor:
    """Return an assessor for the small bank that looks at no language."""
    return AnswerAssessor(small_bank(), judge, lambda model, usage, endpoint: 0.0)


@asynccontextmanager
async def server_assessor(
    url: str, limit: AdaptiveLimit | None = None, patience: Patience = HASTY, timeout: float = TIMEOUT
) -> AsyncIterator[AnswerAssessor]:
    """Yield an assessor with the structured judge at a server."""
    async with OpenAIChatModel("stub-model", url, None, max_retries=0, many=True, timeout=timeout) as model:
        paced = PacedChatModel(model, limit or AdaptiveLimit(16), patience)
        yield batch_assessor(StructuredJudge(paced, load_prompts()))


def taken_in(
    store: Store, rows: Iterable[AnswerRow | RowProblem], assessor: AnswerAssessor, calibration: str = ""
) -> Store:
    """Return the store with these rows."""
    store.take_in(rows, RowKeys(assessor.bank, assessor.judge, calibration).of)
    return store


def grade(
    rows: Iterable[AnswerRow | RowProblem],
    directory: Path,
    judge: Judge | AnswerAssessor,
    limit: AdaptiveLimit | None = None,
    calibration: str = "",
    **options: Any,
) -> BatchRun:
    """Grade rows into a directory with this judge (or assessor)."""
    assessor = batch_assessor(judge) if isinstance(judge, Judge) else judge
    with Store.open(directory) as store:
        taken_in(store, rows, assessor, calibration)
        return asyncio.run(Grader(assessor, store, limit or FixedLimit(1), **options).run())


def grade_at(
    url: str,
    rows: Iterable[AnswerRow],
    directory: Path,
    *,
    patience: Patience = HASTY,
    limit: AdaptiveLimit | None = None,
    timeout: float = TIMEOUT,
) -> BatchRun:
    """Grade rows into a directory with the structured judge at a server."""
    chosen = limit or AdaptiveLimit(16)

    async def run(store: Store) -> BatchRun:
        async with server_assessor(url, chosen, patience, timeout) as assessor:
            return await Grader(assessor, taken_in(store, rows, assessor), chosen).run()

    with Store.open(directory) as store:
        return asyncio.run(run(store))


def results_of(directory: Path) -> dict[str, RowResult]:
    """Return how every row of a batch has ended."""
    with Store.read(directory) as store:
        return {result.row_id: result for result in store.results()}


def kept_in(directory: Path) -> int:
    """Return how many results the store of a directory keeps, whatever its rows are now."""
    with closing(sqlite3.connect(directory / NAME)) as database:
        return int(database.execute("SELECT count(*) FROM results WHERE reason IS NULL").fetchone()[0])


def verdicts_of(result: RowResult) -> list[tuple[str, str, float | None]]:
    """Return what was decided about a row, without time and cost."""
    assert result.assessment is not None
    return [(check.id, check.verdict, check.probability) for check in result.assessment.check_results()]
