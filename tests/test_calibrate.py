"""Tests of coach.calibrate.calibrate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from gold_factory import QUEUE, gold_row, gold_rows, quality_script, session, tasks_of
from scripted_judge import ScriptedJudge

from coach.bank.questions import Check
from coach.batch.grade import MAX_FAILURES_IN_A_ROW
from coach.batch.store import Store
from coach.calibrate.gold import GoldTask, JudgedAnswer, match_questions
from coach.calibrate.run import judge_gold, judge_summary, score_directory
from coach.errors import (
    ModelAuthenticationError,
    ModelContentFilterError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
)
from coach.judge.judging import Judgement, JudgeTask, OnVerdict


class FailingJudge(ScriptedJudge):
    """Fails with an error on the answers that a rule picks."""

    def __init__(self, error: ModelError, on: Callable[[str], bool]) -> None:
        super().__init__(quality_script)
        self.error = error
        self.on = on

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Raise, or judge by the script."""
        if self.on(task.answer.text):
            self.tasks.append(task)
            raise self.error
        return await super().judge(task, on_verdict)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Keep results in a directory of the test."""
    with Store.open(tmp_path / "scores") as opened:
        yield opened


async def run(
    tasks: list[GoldTask], judge: ScriptedJudge, store: Store, *, repeats: int = 1, concurrency: int = 1
) -> list[JudgedAnswer]:
    """Judge the tasks."""
    return await judge_gold(tasks, session(judge, tasks[0].bank, concurrency), store, repeats=repeats)


async def test_every_answer_gets_the_judges_score(store: Store) -> None:
    """Scores come back in the order of the rows, with time and cost."""
    tasks = tasks_of(gold_rows(8))

    judged = await run(tasks, ScriptedJudge(quality_script), store)

    assert [answer.task for answer in judged] == tasks
    assert judged[3].score == pytest.approx(100 * ((3 / 40) ** 1.3 + 0.06), abs=0.06)
    assert (judged[3].reason, judged[3].failed, judged[3].cost_usd) == (None, False, 0.001)


async def test_answers_to_one_question_follow_each_other(store: Store) -> None:
    """The judge sees the questions one after the other, so that a server can reuse its work."""
    judge = ScriptedJudge(quality_script)

    await run(tasks_of(gold_rows(8)), judge, store)

    questions = [task.question.id for task in judge.tasks]
    assert questions == sorted(questions, key=questions.index)
    assert len(set(questions)) == 4


async def test_equal_answers_are_judged_once(store: Store) -> None:
    """The same words to the same question get the same score without asking again; another question is asked."""
    judge = ScriptedJudge(quality_script)
    rows = [gold_row(5, 3), gold_row(5, 1), gold_row(5, 2, QUEUE)]

    judged = await run(tasks_of(rows), judge, store)

    assert len(judge.tasks) == 2
    assert judged[0].scores == judged[1].scores != ()
    assert [answer.cost_usd for answer in judged] == [0.001, None, 0.001]


async def test_what_is_kept_is_not_judged_again(store: Store) -> None:
    """A second run over more rows judges only the new ones, and gives the same scores for the old ones."""
    rows = gold_rows(12)
    first = await run(tasks_of(rows[:7]), ScriptedJudge(quality_script), store)
    judge = ScriptedJudge(quality_script)

    second = await run(tasks_of(rows), judge, store)

    assert len(judge.tasks) == 5
    assert [a.scores for a in second[:7]] == [a.scores for a in first]


async def test_another_judge_shares_nothing(store: Store) -> None:
    """A kept score belongs to a model, its prompts and its settings."""
    tasks = tasks_of(gold_rows(3))
    await run(tasks, ScriptedJudge(quality_script), store)
    others = [
        ScriptedJudge(quality_script, model="other"),
        ScriptedJudge(quality_script, prompt_version="2+test"),
        ScriptedJudge(quality_script, settings={"similarity": "x"}),
    ]

    for judge in others:
        await run(tasks, judge, store)

    assert [len(judge.tasks) for judge in others] == [3, 3, 3]


async def test_an_interrupted_run_loses_nothing(tmp_path: Path) -> None:
    """What was judged before an error that ends the run is kept, and only the rest is judged afterwards."""
    tasks = tasks_of(gold_rows(8))
    broken = FailingJudge(ModelAuthenticationError("the key was refused"), lambda text: "quality 6 " in text)
    with Store.open(tmp_path) as store, pytest.raises(ModelAuthenticationError):
        await run(tasks, broken, store)
    judge = ScriptedJudge(quality_script)

    with Store.open(tmp_path) as store:
        judged = await run(tasks, judge, store)

    assert len(judge.tasks) == 8 - (len(broken.tasks) - 1)
    assert all(answer.score is not None for answer in judged)


async def test_a_file_that_grew_keeps_what_its_scores_cost(store: Store) -> None:
    """Kept scores have the time and the cost of their judging, wherever their rows stand now."""
    rows = gold_rows(6)
    first = await run(tasks_of(rows), ScriptedJudge(quality_script), store)

    again = await run(tasks_of([gold_row(9, 1), *rows[::-1]]), ScriptedJudge(quality_script), store)

    assert [(a.scores, a.seconds, a.cost_usd) for a in again[:0:-1]] == [
        (a.scores, a.seconds, a.cost_usd) for a in first
    ]
    assert all(answer.cost_usd == 0.001 for answer in again)


async def test_repetitions_are_judged_anew_and_agree_for_a_deterministic_judge(store: Store) -> None:
    """Three times means three requests for each answer; a judge that repeats itself has a spread of zero."""
    judge = ScriptedJudge(quality_script)

    judged = await run(tasks_of(gold_rows(4)), judge, store, repeats=3)

    assert len(judge.tasks) == 12
    assert [(len(answer.scores), len(set(answer.scores))) for answer in judged] == [(3, 1)] * 4


async def test_repetitions_show_the_spread_of_a_judge_that_varies(store: Store) -> None:
    """Each repetition counts, none is copied from another one; the first score is the one that is compared."""
    calls: list[str] = []

    def script(task: JudgeTask, check: Check) -> float:
        calls.append(task.answer.text)
        return 0.5 + 0.1 * calls.count(task.answer.text)

    judged = await run(tasks_of(gold_rows(2)), ScriptedJudge(script), store, repeats=2)

    assert [answer.scores for answer in judged] == [(60.0, 70.0)] * 2
    assert judged[0].score == 60.0


async def test_a_whole_round_ends_before_the_next_one_begins(store: Store) -> None:
    """An answer is not repeated while the server still remembers it."""
    judge = ScriptedJudge(quality_script)

    await run(tasks_of(gold_rows(4)), judge, store, repeats=2)

    asked = [task.answer.text for task in judge.tasks]
    assert asked[:4] == asked[4:]
    assert len(set(asked)) == 4


async def test_more_repetitions_keep_the_ones_there_are(store: Store) -> None:
    """Going from two to three times judges every answer once more."""
    tasks = tasks_of(gold_rows(3))
    await run(tasks, ScriptedJudge(quality_script), store, repeats=2)
    judge = ScriptedJudge(quality_script)

    judged = await run(tasks, judge, store, repeats=3)

    assert len(judge.tasks) == 3
    assert {len(answer.scores) for answer in judged} == {3}


async def test_no_more_answers_than_wanted_are_judged_at_once(store: Store) -> None:
    """Concurrency is used fully and never exceeded."""
    running = 0
    most = 0

    class Slow(ScriptedJudge):
        async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            return await super().judge(task, on_verdict)

    judged = await run(tasks_of(gold_rows(12)), Slow(quality_script), store, concurrency=3)

    assert most == 3
    assert all(answer.score is not None for answer in judged)


async def test_progress_counts_kept_scores_from_the_start(store: Store) -> None:
    """The first call tells where the run goes on, the last that all is done."""
    tasks = tasks_of(gold_rows(5))
    await run(tasks[:2], ScriptedJudge(quality_script), store)
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    await judge_gold(tasks, session(ScriptedJudge(quality_script), tasks[0].bank), store, on_progress=tell)

    assert (told[0], told[-1]) == ((2, 5), (5, 5))
    assert told == sorted(told)


async def test_an_answer_too_short_to_judge_is_left_out_with_its_reason(store: Store) -> None:
    """No model is asked, and it is no failure."""
    judge = ScriptedJudge(quality_script)

    (answer,) = await run(tasks_of([gold_row(1, 0, answer="???")]), judge, store)

    assert (answer.score, answer.failed, judge.tasks) == (None, False, [])
    assert "too short" in (answer.reason or "")


@pytest.mark.parametrize("error", [ModelContentFilterError("blocked"), ModelReplyError("no text")])
async def test_a_failure_of_one_answer_does_not_stop_the_others(error: ModelError, store: Store) -> None:
    """The answer has the model's reason, the others their scores, and the next run tries it again."""
    tasks = tasks_of(gold_rows(8))

    judged = await run(tasks, FailingJudge(error, lambda text: "quality 2 " in text), store)

    assert [answer.score is None for answer in judged] == [n == 2 for n in range(8)]
    assert (judged[2].reason, judged[2].failed) == (error.message, True)
    judge = ScriptedJudge(quality_script)
    again = await run(tasks, judge, store)
    assert len(judge.tasks) == 1
    assert again[2].score is not None


async def test_failures_in_a_row_end_the_run(store: Store) -> None:
    """A service that keeps refusing is not asked for every row of a large file."""
    judge = FailingJudge(ModelRateLimitError("slow down"), lambda text: True)

    with pytest.raises(ModelRateLimitError):
        await run(tasks_of(gold_rows(30)), judge, store)

    assert len(judge.tasks) == MAX_FAILURES_IN_A_ROW


async def test_failures_that_are_not_in_a_row_do_not_end_the_run(store: Store) -> None:
    """A success in between starts the count again."""
    judge = FailingJudge(
        ModelRateLimitError("slow down"), lambda text: "items, which" in text and len(judge.tasks) % 2 == 0
    )

    judged = await run(tasks_of(gold_rows(30)), judge, store)

    assert sum(answer.failed for answer in judged) == 15


async def test_an_error_with_several_at_work_is_told_as_it_is(store: Store) -> None:
    """Concurrency does not wrap the model's error in another one."""
    judge = FailingJudge(ModelAuthenticationError("the key was refused"), lambda text: True)

    with pytest.raises(ModelAuthenticationError, match="the key was refused"):
        await run(tasks_of(gold_rows(9)), judge, store, concurrency=3)


async def test_bank_questions_and_inline_questions_go_together(store: Store) -> None:
    """Each answer is judged with the checks of its own bank."""
    named = gold_row(1, 3, question=(None, None), question_id="dicom-standard")  # type: ignore[arg-type]
    tasks, _ = match_questions([named, gold_row(2, 4)], shipped_bank())
    judge = ScriptedJudge(quality_script)

    judged = await run(tasks, judge, store)

    assert all(answer.score is not None for answer in judged)
    assert [task.question.id for task in judge.tasks] == [task.question.id for task in tasks]
    assert judge.tasks[0].checks == tuple(shipped_bank().checks_of(tasks[0].question))
    assert [task.profession for task in judge.tasks] == [shipped_bank().profession, "student"]


def test_each_judge_has_its_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models can be measured at the same time; where the endpoint lies does not matter."""
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path))
    judge = judge_summary(ScriptedJudge(lambda task, check: 1.0))

    directory = score_directory(judge)

    assert directory.is_relative_to(tmp_path)
    assert score_directory(judge.model_copy(update={"endpoint": "elsewhere"})) == directory
    assert score_directory(judge.model_copy(update={"model": "other"})) != directory
    assert score_directory(judge.model_copy(update={"settings": {"similarity": "x"}})) != directory
