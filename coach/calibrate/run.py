"""Judging marked answers by the batch engine: equal answers once, going on where a run stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from coach.batch.grade import Grader, Tally
from coach.batch.inputs.inputs import RowIds
from coach.batch.rows import AnswerRow, RowKey, RowKeys
from coach.batch.store import Store
from coach.calibrate.gold import GoldTask, JudgedAnswer
from coach.calibrate.result import JudgeSummary
from coach.files import cache_directory
from coach.judge.judging import Judge
from coach.submit.key import canonical_sha256
from coach.submit.open import Session

#: Called with (judged so far, all); kept scores count as judged from the start.
OnProgress = Callable[[int, int], None]


async def judge_gold(
    tasks: Sequence[GoldTask],
    session: Session,
    store: Store,
    *,
    repeats: int = 1,
    on_progress: OnProgress | None = None,
) -> list[JudgedAnswer]:
    """Judge every answer ``repeats`` times and return what came out, in the order of the tasks.

    Answers to one question are judged one after the other, so that a server can reuse what it knows of the prompt.
    Results are kept in ``store`` and taken from it where nothing has changed; a repetition is never taken from another
    one. Equal answers to a question are judged once per repetition. A question is looked up in its task's own bank.
    An answer that the model failed on has a reason and is tried again by the next run. Raises ModelError when the
    model cannot be used at all, or fails on many answers in a row.
    """
    rows: dict[str, tuple[int, AnswerRow]] = {}
    with closing(RowIds()) as ids:
        for place, task in enumerate(tasks):
            gold = task.row
            row_id = ids.take({"answer": gold.answer}, task.question.id)
            rows[row_id] = place, AnswerRow(row_id, None, task.question.id, gold.answer, gold.source, gold.line)
    judged = [JudgedAnswer(task, ()) for task in tasks]
    banks = {id(task.bank): task.bank for task in tasks}
    order = {question_id: rank for rank, question_id in enumerate(dict.fromkeys(task.question.id for task in tasks))}
    before, total = 0, len(tasks) * repeats

    def tell(tally: Tally) -> None:
        if on_progress:
            on_progress(before + tally.done, total)

    # A whole round ends before the next one begins: nothing is repeated while a server remembers it.
    for repeat in range(repeats):
        for bank in banks.values():
            keys = RowKeys(bank, session.assessor.judge)

            def key_of(question_id: str, answer: str, keys: RowKeys = keys, repeat: int = repeat) -> RowKey | None:
                key = keys.of(question_id, answer)
                mark = f" {repeat}" if repeat else ""
                return key and RowKey(key.key + mark, key.same + mark, order[question_id])

            store.take_in((row for place, row in rows.values() if tasks[place].bank is bank), key_of)
            run = await Grader(replace(session.assessor, bank=bank), store, session.limit, on_progress=tell).run()
            if run.error:
                raise run.error
            for result in store.results():
                place = rows[result.row_id][0]
                judged[place] = judged[place].and_then(result)
            before += run.tally.rows
    return judged


def judge_summary(judge: Judge) -> JudgeSummary:
    """Return what identifies a judge."""
    return JudgeSummary(
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        prompt_version=judge.prompt_version,
        settings=dict(judge.settings),
    )


def score_directory(judge: JudgeSummary) -> Path:
    """Return where the scores of a judge are kept unless the user names a directory: one per judge, in the cache."""
    identity = judge.model_dump(mode="json", include={"judge", "model", "prompt_version", "settings"})
    return cache_directory() / "calibrate" / canonical_sha256(identity)[:16]
