"""Tests of coach.calibrate.score_log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_judge import ScriptedJudge

from coach.calibrate.run import judge_summary
from coach.calibrate.score_log import FILE_NAME, ScoreLog, ScoreRecord, score_directory
from coach.errors import InputError, StorageError


def record(key: str, repeat: int = 0, score: float = 50.0) -> ScoreRecord:
    """Return a score to keep."""
    return ScoreRecord(key=key, repeat=repeat, score=score, seconds=1.5, cost_usd=None)


def keep(directory: Path, *records: ScoreRecord) -> Path:
    """Keep records in a directory and return the file."""
    with ScoreLog(directory) as log:
        for item in records:
            log.add(item)
    return directory / FILE_NAME


def test_kept_scores_are_there_in_the_next_run(tmp_path: Path) -> None:
    """Repetitions of an answer are kept apart."""
    keep(tmp_path / "new" / "folder", record("a", 0, 10), record("a", 1, 20))

    with ScoreLog(tmp_path / "new" / "folder") as log:
        assert log.get("a", 0) == record("a", 0, 10)
        assert log.get("a", 1) == record("a", 1, 20)
        assert log.get("a", 2) is None
        assert log.get("b", 0) is None


@given(cut=st.integers(1, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_last_line_costs_that_score_alone(tmp_path: Path, cut: int) -> None:
    """Wherever a crash cut the file, complete lines are kept and the next score starts a line of its own."""
    path = tmp_path / FILE_NAME
    path.unlink(missing_ok=True)
    keep(tmp_path, record("a"), record("b"))
    content = path.read_bytes()
    path.write_bytes(content[:-cut] if cut < len(content) else b"")
    whole = path.read_bytes()
    complete = whole.count(b"\n") + (1 if whole.endswith(b"}") else 0)

    keep(tmp_path, record("c"))

    with ScoreLog(tmp_path) as log:
        assert log.get("c", 0) == record("c")
        assert [log.get("a", 0) is not None, log.get("b", 0) is not None] == [complete >= 1, complete >= 2]
        assert log.damaged == 0


def test_a_damaged_line_is_counted_and_left_alone(tmp_path: Path) -> None:
    """What somebody wrote into the file does not make the rest unusable."""
    path = keep(tmp_path, record("a"))
    path.write_bytes(b'not json\n{"key": "x", "repeat": 0, "score": 300, "seconds": 1}\n' + path.read_bytes())

    with ScoreLog(tmp_path) as log:
        assert log.damaged == 2
        assert log.get("a", 0) == record("a")
        assert log.get("x", 0) is None
    assert path.read_bytes().startswith(b"not json\n")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_the_file_is_private(tmp_path: Path) -> None:
    """Scores of people's answers are for the user alone."""
    assert keep(tmp_path, record("a")).stat().st_mode & 0o777 == 0o600


def test_two_runs_cannot_write_the_same_file(tmp_path: Path) -> None:
    """The second one is told; after the first has ended the directory is free."""
    with ScoreLog(tmp_path), pytest.raises(InputError, match="another process"):
        ScoreLog(tmp_path)

    keep(tmp_path, record("a"))


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    """A directory that cannot be made is an error for people."""
    (tmp_path / "out").write_text("")

    with pytest.raises(StorageError, match="cannot be made"):
        ScoreLog(tmp_path / "out" / "deeper")


def test_each_judge_has_its_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models can be measured at the same time; where the endpoint lies does not matter."""
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path))
    judge = judge_summary(ScriptedJudge(lambda task, check: 1.0))

    directory = score_directory(judge)

    assert directory.is_relative_to(tmp_path)
    assert score_directory(judge.model_copy(update={"endpoint": "elsewhere"})) == directory
    assert score_directory(judge.model_copy(update={"model": "other"})) != directory
    assert score_directory(judge.model_copy(update={"settings": {"similarity": "x"}})) != directory
