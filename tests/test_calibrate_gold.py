"""Tests of coach.calibrate.gold: reading marked answers, their questions, sample and scale."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from assessment_factory import shipped_bank
from gold_factory import QUEUE, STACK, gold_plan, gold_row, gold_rows, tasks_of, write_gold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.batch.rows import RowProblem
from coach.calibrate.gold import (
    GoldRow,
    find_scale,
    match_questions,
    needs_bank,
    plan_calibration,
    read_gold,
    sample,
)
from coach.errors import InputError

HEADER = "id,question,reference,answer,score,rater_1,rater_2,label\n"


def read(path: Path, content: str | bytes) -> tuple[list[GoldRow], list[RowProblem]]:
    """Write a file and return what is read from it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_gold(path)


def test_json_lines_are_read_back(tmp_path: Path) -> None:
    """Every field of the contract arrives, and blank lines do not count as rows."""
    rows = gold_rows(4)
    path = write_gold(tmp_path / "gold.jsonl", rows)
    path.write_text(path.read_text().replace("\n", "\n\n"))

    found, problems = read_gold(path)

    assert problems == []
    fields = ("row_id", "answer", "score", "question", "reference", "rater_1", "rater_2", "label")
    assert [[getattr(row, name) for name in fields] for row in found] == [
        [getattr(row, name) for name in fields] for row in rows
    ]
    assert [r.line for r in found] == [1, 3, 5, 7]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_from_spreadsheets_are_read(tmp_path: Path, encoding: str, separator: str) -> None:
    """Byte-order marks, encodings, separators, quoted line breaks and decimal commas are as spreadsheets write them."""
    cells = ["a1", "What is it?", "Größe in Zügen.", '"first line\nsecond, ""third"""', '"3,5"', "3", "4", "ok"]
    text = HEADER.replace(",", separator) + separator.join(cells) + "\n"

    (row,), _ = read(tmp_path / "gold.csv", text.encode(encoding))

    assert (row.row_id, row.question, row.reference) == ("a1", "What is it?", "Größe in Zügen.")
    assert row.answer == 'first line\nsecond, "third"'
    assert (row.score, row.rater_1, row.rater_2, row.label, row.line) == (3.5, 3.0, 4.0, "ok", 2)


def test_the_separator_line_of_a_spreadsheet_is_understood(tmp_path: Path) -> None:
    """``sep=;`` announces the separator and is no header."""
    (row,), _ = read(tmp_path / "gold.csv", "sep=;\nanswer;score;question_id\nsome words;2;1\n")

    assert (row.question_id, row.line) == ("1", 3)


def test_column_names_are_matched_without_case_and_spaces(tmp_path: Path) -> None:
    """Usual names of data sets are known; other columns are ignored."""
    text = "Question Text,Reference Answer,Student Answer,Grade,Date\nWhat?,This is it all.,Some words,4,2020\n"

    (row,), _ = read(tmp_path / "gold.csv", text)

    assert (row.question, row.reference, row.answer, row.score) == ("What?", "This is it all.", "Some words", 4.0)
    assert row.row_id == "line-2"


def test_a_question_without_reference_names_a_question_of_the_bank(tmp_path: Path) -> None:
    """Only question and reference together bring a question of their own."""
    (row,), _ = read(tmp_path / "gold.jsonl", '{"question": "What is DICOM?", "answer": "A standard", "score": 1}\n')

    assert (row.question_id, row.question) == ("What is DICOM?", None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"answer": "a", "question_id": "1"}', "the object has no score; its keys are 'answer', 'question_id'"),
        ('{"answer": "a", "score": null, "question_id": "1"}', "the row has no score"),
        ('{"score": 1, "question_id": "1"}', "the object has no answer; its keys are 'score', 'question_id'"),
        ('{"answer": "a", "score": 1}', "the row has neither question_id nor question and reference"),
        ('{"answer": "a", "score": "good", "question_id": "1"}', "score is not a number: 'good'"),
        ('{"answer": "a", "score": true, "question_id": "1"}', "score is true or false, not text"),
        ('{"answer": "a", "score": NaN, "question_id": "1"}', "score is not a mark: nan"),
        ('{"answer": "a", "score": 1e300, "question_id": "1"}', "score is not a mark: 1e+300"),
        ('{"answer": "a", "score": 1, "rater_2": "x", "question_id": "1"}', "rater_2 is not a number: 'x'"),
        ('{"answer": ["a"], "score": 1, "question_id": "1"}', "answer is a list, not text"),
        ('{"answer": "a", ', "not valid JSON: Expecting property name enclosed in double quotes (column 16)"),
        ('["a"]', "the line is JSON, but not an object"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    """The rows around a broken one are read, and its problem names file and line."""
    good = '{"answer": "fine words", "score": 2, "question_id": "1"}'

    rows, (problem,) = read(tmp_path / "gold.jsonl", f"{good}\n{line}\n{good}\n")

    assert problem == RowProblem(str(tmp_path / "gold.jsonl"), 2, message)
    assert [row.line for row in rows] == [1, 3]


def test_broken_table_rows_are_told(tmp_path: Path) -> None:
    """A row that is too wide, too short, or whose quote never ends costs that row alone."""
    text = 'answer,score,question_id\na,1,1,more\nb\n"c,1,1\nd,2,1\n'

    (good,), (wide, short, quote) = read(tmp_path / "gold.csv", text)

    assert "the row has 4 cells where the header has 3" in wide.message
    assert short.message == "the row ends before the column 'score'"
    assert "quote is opened" in quote.message
    assert (good.answer, good.line) == ("d", 5)


def test_an_empty_answer_is_a_marked_answer(tmp_path: Path) -> None:
    """People mark empty answers too; whether to judge them is not the reader's business."""
    (row,), _ = read(tmp_path / "gold.jsonl", '{"answer": null, "score": 0, "question_id": 3}\n')

    assert (row.answer, row.question_id) == ("", "3")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gold.jsonl", "", "the file is empty"),
        ("gold.csv", "\n \n", "the file is empty"),
        ("gold.jsonl", '{"a": 1}\n', "no line has answer and score; found the keys 'a'"),
        ("gold.csv", "text,points\nx,1\n", "no column is known; found in its first row: 'text', 'points'"),
        ("gold.csv", HEADER, "no marked answer can be used"),
        ("gold.csv", HEADER + "1,What?,,x,good\n", "line 2: score is not a number: 'good'"),
        ("gold.json", '[{"answer": "a"}]', "not JSON lines"),
        ("gold.ods", "x", ".ods files cannot be read"),
    ],
)
def test_a_file_without_a_usable_row_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    """The error names the file and what was found, and the hint shows what a row needs."""
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(InputError) as raised:
        read_gold(path)

    assert str(path) in raised.value.message
    assert message in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are told, without a traceback."""
    with pytest.raises(InputError, match=r"no such file|not a regular file"):
        read_gold(tmp_path / name)


def test_a_workbook_of_marks_is_read(tmp_path: Path) -> None:
    """A trainer's workbook gives the same rows as its CSV: below a title, numbers as numbers, dates beside them."""
    path = tmp_path / "marks.xlsx"
    book = openpyxl.Workbook()
    for cells in (
        ["Marks of the spring course"],
        [],
        ["No", "Question ID", "Answer", "Mark", "Rater 1", "Rater 2", "ID"],
        [1, 3, "Least privilege.\nAudit trail.", 3.5, 3, 4, "007"],
        [2, "dicom-standard", "A standard for images.", 5, 5, None, 8.0],
        [3, "dicom-standard", "x", "good", None, None, 9],
    ):
        book.active.append(cells)
    book.save(path)

    rows, (problem,) = read_gold(path)

    assert [(r.row_id, r.question_id, r.answer, r.score, r.rater_1, r.rater_2, r.line) for r in rows] == [
        ("007", "3", "Least privilege.\nAudit trail.", 3.5, 3.0, 4.0, 4),
        ("8", "dicom-standard", "A standard for images.", 5.0, 5.0, None, 5),
    ]
    assert (problem.line, problem.message) == (6, "score is not a number: 'good'")


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["answer", "score", "question_id", "question", "reference", "rater_1"]), VALUES
        ),
        max_size=5,
    )
)
def test_every_object_is_a_row_or_a_problem(tmp_path: Path, objects: list[dict[str, object]]) -> None:
    """Whatever the values, no line is lost and none raises."""
    good = {"answer": "a", "score": 1, "question_id": "1"}
    lines = "".join(json.dumps(data) + "\n" for data in [good, *objects])

    rows, problems = read(tmp_path / "any.jsonl", lines)

    assert sorted([*(row.line for row in rows), *(problem.line for problem in problems)]) == list(
        range(1, len(objects) + 2)
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """A file of another kind ends in an InputError or in problems, never in a traceback."""
    try:
        rows, _ = read(tmp_path / "any", content)
    except InputError:
        return
    assert all(isinstance(row, GoldRow) for row in rows)


def bank_row(number: int, question_id: str) -> GoldRow:
    """Return a row that names a question of the bank."""
    return gold_row(number, 3.0, question=(None, None), question_id=question_id)  # type: ignore[arg-type]


def test_inline_questions_share_one_question() -> None:
    """Rows with the same question and reference are judged as answers to the same question, in one bank."""
    tasks, problems = match_questions([gold_row(1, 3), gold_row(2, 4, QUEUE), gold_row(3, 5)], None)

    assert problems == []
    assert tasks[0].question is tasks[2].question
    assert tasks[0].question.text == STACK[0]
    assert tasks[0].bank is tasks[1].bank
    assert len(tasks[0].bank.questions) == 2


@pytest.mark.parametrize("name", ["dicom-standard", "DICOM Standard", "1", "Question 1"])
def test_bank_questions_are_found_by_id_number_or_text(name: str) -> None:
    """What a file calls a question may be its id or number, as in the other commands."""
    (task,), problems = match_questions([bank_row(1, name)], shipped_bank())

    assert problems == []
    assert (task.question.id, task.bank) == ("dicom-standard", shipped_bank())


def test_an_unknown_question_is_a_problem_of_its_row_alone() -> None:
    """The message names the nearest ids; the other rows stay usable."""
    tasks, (problem,) = match_questions([bank_row(1, "dicom-standart"), gold_row(2, 4)], shipped_bank())

    assert len(tasks) == 1
    assert (problem.source, problem.line) == ("gold.jsonl", 2)
    assert "there is no question 'dicom-standart'" in problem.message
    assert "dicom-standard" in problem.message


def test_an_inline_question_wins_over_its_id() -> None:
    """A data set's own question number must not be taken for a question of the bank."""
    row = gold_row(1, 3, question_id="1")

    (task,), _ = match_questions([row], shipped_bank())
    assert task.question.text == STACK[0]
    assert not needs_bank([row])
    assert needs_bank([row, bank_row(2, "1")])


def test_an_unusable_reference_is_a_problem_of_its_rows() -> None:
    """A question that cannot be made does not stop the others."""
    tasks, problems = match_questions([gold_row(1, 3, ("What?", " ")), gold_row(2, 3)], None)

    assert len(tasks) == 1
    assert [p.message for p in problems] == ["the reference answer is empty. Give at least one sentence."]


def sampled(rows: list[GoldRow], limit: int, seed: int) -> list[GoldRow]:
    """Return the rows of a sample."""
    return [task.row for task in sample(tasks_of(rows), limit, seed)]


def test_a_sample_takes_the_same_number_of_each_question() -> None:
    """Twelve of forty answers to four questions are three of each, in the order of the file."""
    rows = gold_rows(40)

    chosen = sampled(rows, 12, seed=3)

    assert set(Counter(row.question for row in chosen).values()) == {3}
    assert [row.line for row in chosen] == sorted(row.line for row in chosen)
    assert chosen == sampled(rows, 12, seed=3)
    assert chosen != sampled(rows, 12, seed=4)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 40), st.integers(0, 3))
def test_samples_are_fair_and_nested(questions: list[str], limit: int, seed: int) -> None:
    """A sample is as large as wanted, gives no question two answers more than another that has more, and grows."""
    rows = [gold_row(number, 1, (name, name)) for number, name in enumerate(questions)]

    chosen = sampled(rows, limit, seed)

    assert len(chosen) == min(limit, len(rows))
    taken, have = Counter(row.question for row in chosen), Counter(questions)
    unfinished = [taken[name] for name in have if taken[name] < have[name]]
    assert all(count <= min(unfinished, default=99) + 1 for count in taken.values())
    assert {row.line for row in chosen} <= {row.line for row in sampled(rows, limit + 1, seed)}


def test_rows_of_one_question_do_not_depend_on_the_others() -> None:
    """Kept scores stay useful when a file gets more questions: the same answers are taken first."""
    own = [gold_row(number, 1, STACK) for number in range(10)]
    more = [*own, *(gold_row(number, 1, QUEUE) for number in range(10, 20))]

    alone = {row.line for row in sampled(own, 4, seed=0)}
    assert {row.line for row in sampled(more, 8, seed=0) if row.question == STACK[0]} == alone


def test_the_plan_says_what_is_used() -> None:
    """The summary counts rows, unusable ones and questions, and the scale comes from all rows, not from the sample."""
    rows = [*gold_rows(8), gold_row(20, 1, ("What?", " "))]

    plan = gold_plan(rows, limit=4, seed=7)

    summary = plan.summary
    assert (summary.rows, summary.unreadable, summary.used, summary.questions) == (9, 1, 4, 4)
    assert (summary.limit, summary.seed, summary.scale_given) == (4, 7, False)
    assert summary.scale == gold_plan(rows).summary.scale
    assert len(plan.tasks) == 4


def test_a_plan_without_a_known_question_is_refused() -> None:
    """The first reason is told with its line, and how to name another bank."""
    with pytest.raises(InputError, match=r"gold\.jsonl, line 2: there is no question 'nothing'") as raised:
        plan_calibration([bank_row(1, "nothing")], [], shipped_bank(), name="gold.jsonl")

    assert "--bank" in raised.value.hint


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([0, 1], (0, 1, 1)),
        ([0, 0.5, 1], (0, 1, 0.5)),
        ([0.25, 0.8], (0, 1, 0.05 * 2)),
        ([1, 2, 3, 4], (1, 4, 1)),
        ([1, 5], (1, 5, 1)),
        ([0, 5], (0, 5, 1)),
        ([0, 2.5, 5, 4.5], (0, 5, 0.5)),
        ([0, 2.125, 4.75], (0, 5, 1)),
        ([1, 2.5, 4], (0, 4, 0.5)),
        ([3, 11], (0, 12, 1)),
        ([55, 61, 88], (0, 100, 10)),
        ([0, 7, 143], (0, 143, 14.3)),
        ([0, 100], (0, 100, 100)),
        ([-1, 0, 1], (-1, 1, 1)),
        ([0, 0], (0, 1, 1)),
        ([0.1, 0.2, 0.1 + 0.2], (0, 1, 0.1)),
    ],
)
def test_the_scale_is_found_in_the_marks(marks: Sequence[float], expected: tuple[float, float, float]) -> None:
    """Ends and step follow the documented rule for whole, half, averaged and percentage marks."""
    scale = find_scale(marks)

    assert (scale.low, scale.high, scale.step) == pytest.approx(expected)


def test_a_given_scale_is_kept() -> None:
    """--scale decides when the best mark was never given."""
    scale = find_scale([1, 2, 3], (1, 6))

    assert (scale.low, scale.high, scale.step) == (1, 6, 1)


@pytest.mark.parametrize("given", [(5.0, 0.0), (2.0, 2.0), (0.0, float("nan")), (float("-inf"), 5.0)])
def test_a_scale_must_rise(given: tuple[float, float]) -> None:
    """Ends that are equal, turned round or no numbers are refused."""
    with pytest.raises(InputError, match="a scale cannot go from"):
        find_scale([2.0], given)


def test_marks_outside_a_given_scale_are_refused() -> None:
    """A wrong --scale is told instead of making every figure wrong."""
    with pytest.raises(InputError, match="marks from 1 to 7 do not fit a scale from 0 to 5"):
        find_scale([1, 7], (0, 5))


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20))
def test_every_scale_holds_its_marks(marks: list[float]) -> None:
    """Whatever the marks, the scale found holds them all and has at least one step."""
    scale = find_scale(marks)

    assert scale.low <= min(marks)
    assert max(marks) <= scale.high
    assert 0 < scale.step <= scale.high - scale.low


def test_raters_marks_count() -> None:
    """A rater may have used an end of the scale that the averaged score never reaches."""
    plan = gold_plan([gold_row(1, 3.5, rater_1=2.0, rater_2=5.0), gold_row(2, 4.0)])

    assert plan.summary.scale.high == 5
