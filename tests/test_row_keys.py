"""Tests of coach.batch.row_keys."""

from __future__ import annotations

from batch_harness import small_bank
from hypothesis import given
from hypothesis import strategies as st
from scripted_judge import ScriptedJudge

from coach.batch.row_keys import RowKeys

JUDGE = ScriptedJudge(lambda task, check: 0.5)


def test_keys_change_with_everything_that_changes_a_result() -> None:
    """Answer, question, model, method, prompts, settings and calibration each give another key."""
    bank = small_bank()
    first, second = bank.questions[:2]
    others = [
        RowKeys(bank, JUDGE).of(first, "another answer"),
        RowKeys(bank, JUDGE).of(second, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, model="other")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, name="other")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, prompt_version="2")).of(first, "an answer"),
        RowKeys(bank, ScriptedJudge(JUDGE.script, settings={"a": "b"})).of(first, "an answer"),
        RowKeys(bank, JUDGE, "calibration").of(first, "an answer"),
    ]
    keys = RowKeys(bank, JUDGE).of(first, "an answer")

    assert keys == RowKeys(bank, JUDGE).of(first, "an answer")
    assert len({keys.key, *(other.key for other in others)}) == 8
    assert len({keys.same, *(other.same for other in others)}) == 8


@given(st.text())
def test_white_space_tells_letters_apart_but_not_answers(text: str) -> None:
    """An answer with other white space has another key, and the same shared one."""
    keys = RowKeys(small_bank(), JUDGE)
    question = small_bank().questions[0]
    plain, spaced = keys.of(question, text), keys.of(question, f" {text}\r\n")

    assert plain.key != spaced.key
    assert plain.same == spaced.same
