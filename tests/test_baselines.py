"""Baselines are measured once and kept; a damaged or locked cache only means measuring again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from coach.answer.answer import Answer
from coach.bank.load import load_bank
from coach.judge.baselines import SHIPPED, Baselines
from coach.judge.judging import JudgeTask
from coach.judge.logprobs import LogprobsJudge
from coach.judge.prompts import load_prompts
from coach.judge.similarity import LexicalSimilarity
from coach.model.completion import ChatModel


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    """Values survive in the file, in a directory that is made when it is needed."""
    path = tmp_path / "new" / "folder" / "baselines.json"
    Baselines(path, {}).put({"a": -1.25})

    assert Baselines(path, {}).get("a") == -1.25
    assert Baselines(path, {}).get("b") is None


def test_a_measured_value_is_preferred_to_a_shipped_one(tmp_path: Path) -> None:
    """Shipped values save the measuring, and an own measurement replaces them."""
    baselines = Baselines(tmp_path / "baselines.json", {"a": 1.0, "b": 2.0})
    baselines.put({"a": 5.0})

    assert (baselines.get("a"), baselines.get("b")) == (5.0, 2.0)
    assert json.loads((tmp_path / "baselines.json").read_text(encoding="utf-8")) == {"a": 5.0}


def test_two_processes_do_not_lose_each_others_values(tmp_path: Path) -> None:
    """What another process wrote in the meantime is kept."""
    path = tmp_path / "baselines.json"
    one, other = Baselines(path, {}), Baselines(path, {})
    one.put({"a": 1.0})
    other.put({"b": 2.0})

    again = Baselines(path, {})
    assert (again.get("a"), again.get("b")) == (1.0, 2.0)
    assert [file.name for file in tmp_path.iterdir()] == ["baselines.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b"\xff\xfe\x00",
        b'{"a": "x", "b": null, "c": true, "d": NaN, "e": Infinity}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "list", "text", "binary", "values", "nested"],
)
def test_a_damaged_file_is_like_an_empty_one(tmp_path: Path, content: bytes) -> None:
    """Only numbers are taken from the file, and the next value makes it whole again."""
    path = tmp_path / "baselines.json"
    path.write_bytes(content)
    baselines = Baselines(path, {})

    assert [baselines.get(key) for key in "abcde"] == [None] * 5
    baselines.put({"a": 1.0})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1.0}


def test_a_cache_that_cannot_be_written_still_serves_this_run(tmp_path: Path) -> None:
    """A value that could not be kept is known until the process ends."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    (tmp_path / "taken.json").mkdir()

    for path in (tmp_path / "file" / "baselines.json", tmp_path / "taken.json"):
        baselines = Baselines(path, {})
        baselines.put({"a": 1.0})
        assert baselines.get("a") == 1.0


def test_the_users_cache_directory_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """COACH_CACHE_DIR moves the baselines too."""
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path / "cache"))

    Baselines.open().put({"a": 1.0})

    assert (tmp_path / "cache" / "baselines.json").is_file()


def test_the_package_brings_the_baselines_of_the_shipped_bank() -> None:
    """No answer to a shipped question pays for baselines on the embedded model; stale ones fail here.

    Beside the matcher it is asked about red flags alone.
    """
    prompts, bank = load_prompts(), load_bank()
    shipped = Baselines(None, json.loads(SHIPPED.read_text(encoding="utf-8")))
    model = SimpleNamespace(name="qwen2.5-coder-1.5b-instruct-q4_k_m", endpoint="")
    judge = LogprobsJudge(cast(ChatModel, model), prompts, LexicalSimilarity(), shipped)

    for question in bank.questions:
        answer = Answer("", ())
        checks = tuple(bank.checks_of(question))
        task = JudgeTask(bank.profession, question, bank.rubric_of(question), checks, answer)
        asked = [check for check in checks if check.kind == "red_flag"]
        assert judge.missing_baselines(task, asked) == [], f"{question.id}: run benchmarks/measure_baselines.py"
