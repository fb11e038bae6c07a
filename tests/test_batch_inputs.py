"""Tests of coach.batch.inputs.inputs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from batch_factory import read_all
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch.inputs.inputs import open_inputs
from coach.batch.rows import AnswerRow
from coach.errors import InputError

LONG = "candidate,question_id,answer\n"


def write(path: Path, text: str) -> Path:
    """Write a text file."""
    path.write_text(text, encoding="utf-8")
    return path


def test_several_inputs_are_one_stream(tmp_path: Path) -> None:
    """Files of different forms follow one another, in the order given, and are counted together."""
    first = write(tmp_path / "b.csv", LONG + "Ann,1,x\nAnn,no-such,x\n")
    second = write(tmp_path / "a.jsonl", '{"question_id": 2, "answer": "y"}\n')
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "Bob__1.txt", "z")
    batch = open_inputs([str(first), str(second), str(folder)], shipped_bank())

    found = list(batch)

    assert [getattr(row, "answer", None) for row in found] == ["x", None, "y", "z"]
    assert [report.source for report in batch.matches] == [str(first), str(second), str(folder)]


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    """A second pass over files gives the same rows."""
    batch = open_inputs([str(write(tmp_path / "a.csv", LONG + "Ann,1,x\nAnn,1,y\n"))], shipped_bank())

    first = list(batch)

    assert len(first) == 2
    assert list(batch) == first


def test_a_pattern_stands_for_its_files_in_order(tmp_path: Path) -> None:
    """Globs are expanded, and a file that is named twice is read once."""
    for name in "bca":
        write(tmp_path / f"{name}.csv", LONG + f"{name},1,x\n")

    rows, _ = read_all(tmp_path / "c.csv", tmp_path / "*.csv", tmp_path / "." / "a.csv")

    assert [row.candidate for row in rows] == ["c", "a", "b"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    """``answers[1].csv``, as browsers name downloads, can be given as it is."""
    rows, _ = read_all(write(tmp_path / "answers[1].csv", LONG + "Ann,1,x\n"))

    assert len(rows) == 1


def test_every_unusable_input_is_named_at_once(tmp_path: Path) -> None:
    """One run shows all that is wrong with the inputs."""
    bad = write(tmp_path / "bad.csv", "name,score\nAnn,5\n")
    old = write(tmp_path / "old.xls", "x")
    note = write(tmp_path / "note.md", "x")

    with pytest.raises(InputError) as caught:
        read_all(tmp_path / "missing.csv", tmp_path / "*.nothing", bad, old, note)

    for words in ("missing.csv: there is no such", "no file matches", "bad.csv: no column", ".xls files", "note.md"):
        assert words in caught.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_refused_with_a_hint(tmp_path: Path) -> None:
    """A named pipe, which could only be read once, is not waited for."""
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(InputError, match="not a regular file") as caught:
        read_all(tmp_path / "pipe.csv")

    assert "coach batch -" in caught.value.hint


def test_a_file_that_vanishes_does_not_stop_the_others(tmp_path: Path) -> None:
    """What happens to one file after it was opened is a problem of that file."""
    first = write(tmp_path / "a.csv", LONG + "Ann,1,x\n")
    second = write(tmp_path / "b.csv", LONG + "Bob,1,x\n")
    batch = open_inputs([str(first), str(second)], shipped_bank())
    first.unlink()

    problem, row = list(batch)

    assert (problem.source, row.source) == (str(first), str(second))
    assert "cannot be read" in getattr(problem, "message", "")


def test_the_content_decides_where_the_suffix_is_unknown(tmp_path: Path) -> None:
    """JSON lines and tables are told apart without a known suffix."""
    first = write(tmp_path / "export", '{"question_id": 1, "answer": "x"}\n')
    second = write(tmp_path / "export.dat", LONG + "Ann,1,y\n")

    assert [row.answer for row in read_all(first, second)[0]] == ["x", "y"]


CANDIDATES = st.lists(st.sampled_from(["Ann", "Bob", "Cid", "Dora"]), max_size=6, unique=True)


@settings(deadline=None)
@given(CANDIDATES, st.integers(0, 6), st.booleans())
def test_inserting_a_row_changes_no_other_id(
    tmp_path_factory: pytest.TempPathFactory, candidates: list[str], place: int, named: bool
) -> None:
    """A row's id does not depend on its place, with or without candidates."""
    folder = tmp_path_factory.mktemp("rows")

    def ids(names: list[str]) -> dict[str, str]:
        lines = [f"{name if named else ''},1,Answer of {name}\n" for name in names]
        found = open_inputs([str(write(folder / "a.csv", LONG + "".join(lines)))], shipped_bank())
        return {row.answer: row.row_id for row in found if isinstance(row, AnswerRow)}

    before = ids(candidates)
    after = ids([*candidates[:place], "Newcomer", *candidates[place:]])

    assert {answer: after[answer] for answer in before} == before
    assert len(set(after.values())) == len(candidates) + 1
