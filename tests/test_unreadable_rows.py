"""Tests of coach.batch.unreadable_rows, .run_speed and .same_answers."""

from __future__ import annotations

from pathlib import Path

from coach.batch.rows import RowProblem
from coach.batch.run_speed import MIN_ROWS, RunSpeed, load_speed, save_speed
from coach.batch.same_answers import SameAnswers
from coach.batch.unreadable_rows import FILE_NAME, SHOWN, UnreadableRows, read_unreadable


def test_problems_come_back(tmp_path: Path) -> None:
    """The first ones are given, all are counted, and a new run begins anew."""
    rows = UnreadableRows(tmp_path)
    problems = [RowProblem("é.csv", line, "bad") for line in range(SHOWN + 5)]
    for problem in problems:
        rows.add(problem)
    rows.close()
    found = read_unreadable(tmp_path)
    UnreadableRows(tmp_path).close()

    assert found == (problems[:SHOWN], SHOWN + 5)
    assert read_unreadable(tmp_path) == ([], 0)


def test_a_torn_line_is_no_trouble(tmp_path: Path) -> None:
    """After a crash the whole lines are read."""
    rows = UnreadableRows(tmp_path)
    rows.add(RowProblem("a.csv", 1, "bad"))
    rows.add(RowProblem("a.csv", 2, "bad"))
    rows.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-9])

    assert read_unreadable(tmp_path) == ([RowProblem("a.csv", 1, "bad")], 2)
    assert read_unreadable(tmp_path / "nowhere") == ([], 0)


def speed(rows: int) -> RunSpeed:
    """Return what a run measured."""
    return RunSpeed(judge="j", model="m", endpoint="e", rows=rows, rows_per_minute=12.0, output_tokens_per_row=None)


def test_speed_is_kept_for_the_same_judge_and_model(tmp_path: Path) -> None:
    """Another model's speed, or that of a handful of rows, says nothing."""
    save_speed(tmp_path, speed(MIN_ROWS - 1))
    nothing = load_speed(tmp_path, "j", "m")
    save_speed(tmp_path, speed(MIN_ROWS))

    assert nothing is None
    assert load_speed(tmp_path, "j", "m") == speed(MIN_ROWS)
    assert load_speed(tmp_path, "j", "other") is None


def test_the_first_result_serves_equal_answers() -> None:
    """The key that was remembered first stays."""
    same = SameAnswers()
    same.remember("aa" * 32, "bb" * 32)
    same.remember("aa" * 32, "cc" * 32)

    assert same.key_of("aa" * 32) == "bb" * 32
    assert same.key_of("dd" * 32) is None
    same.close()
