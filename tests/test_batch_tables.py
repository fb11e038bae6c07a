"""Tests of coach.batch.tables."""

from __future__ import annotations

import csv
import os
import re
import stat
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from assessment_factory import unscored_assessment
from batch_factory import row_result
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.batch import tables
from coach.batch.tables import MAX_XLSX_CELL, Cell, header, safe_cell, table_row, write_tables
from coach.errors import StorageError

SIGNS = "=+-@＝＋－＠"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE = st.text(st.sampled_from("=+-@\t\r\n ;,|'\"a1＝"), max_size=20)


def write(folder: Path, names: list[str], rows: Iterable[list[Cell]]) -> tuple[Path, Path]:
    """Write both tables into a folder and return their paths."""
    paths = folder / "r.csv", folder / "r.xlsx"
    write_tables(*paths, names, rows)
    return paths


def csv_rows(path: Path) -> list[list[str]]:
    """Return the rows as a program would read them that knows the encoding."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def xlsx_sheet(path: Path, name: str = "Results") -> Any:
    """Return a sheet as openpyxl reads it, formulas as formulas."""
    return openpyxl.load_workbook(path)[name]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "＝1+1", '"=1', "\ttext",
     "-5", "=HYPERLINK(\"http://x\",\"y\")", "=cmd|' /C calc'!A0"],
)  # fmt: skip
def test_what_begins_like_a_formula_is_neutralised(text: str) -> None:
    """An apostrophe goes before every beginning that a spreadsheet program could run."""
    assert safe_cell(text).startswith("'")
    assert safe_cell(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    ("text", "safe"),
    [("a;=1", "a;'=1"), ("a\n=1", "a\n'=1"), ("a\t @x", "a\t '@x"), ("a|-1", "a|'-1"), ('a;"=1', "a;\"'=1")],
)
def test_a_formula_cannot_hide_behind_another_separator(text: str, safe: str) -> None:
    """A program that splits at semicolons, tabs or line ends finds no formula inside a cell either."""
    assert safe_cell(text) == safe


@pytest.mark.parametrize("text", ["", "text", "a = b", "1-2", "a@b.org", "x, -5 degrees", "'quoted'", "a;b", "a\nb"])
def test_other_text_stays_as_it_is(text: str) -> None:
    """Signs in the middle of a text are left alone."""
    assert safe_cell(text) == text


@settings(deadline=None)
@given(HOSTILE | TEXT)
def test_no_part_of_a_safe_cell_begins_like_a_formula(text: str) -> None:
    """Wherever a program might split the text, no part begins with a sign, with or without blanks and quotes."""
    parts = re.split(r"[;|\t\r\n]", safe_cell(text))

    assert not any(part.strip(' "\u00a0\ufeff\u200b').startswith(tuple(SIGNS)) for part in parts)
    assert safe_cell(text).replace("'", "") == text.replace("'", "")


def test_csv_is_readable_by_excel_and_private(tmp_path: Path) -> None:
    """UTF-8 with a byte-order mark; numbers as numbers with their sign, None as nothing; owner's eyes only."""
    rows: list[list[Cell]] = [["é", -5], ["=1+1", 0.5], ["two\nlines", None], ["x\0y", float("nan")]]

    path, _ = write(tmp_path, ["id", "=score"], iter(rows))

    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,'=score\r\n")
    assert csv_rows(path)[1:] == [["é", "-5"], ["'=1+1", "0.5"], ["two\nlines", ""], ["xy", ""]]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(HOSTILE | TEXT, min_size=2, max_size=2), max_size=5))
def test_any_text_survives_csv(rows: list[list[str]]) -> None:
    """Every cell comes back as its safe form, without what no spreadsheet can show."""
    with tempfile.TemporaryDirectory() as folder:
        path, _ = write(Path(folder), ["a", "b"], [list(row) for row in rows])
        found = csv_rows(path)[1:]

    controls = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 133), *range(134, 160)])
    controls |= {0xFFFE: None, 0xFFFF: None}
    assert found == [[safe_cell(cell.translate(controls)) for cell in row] for row in rows]


@settings(deadline=None, max_examples=40)
@given(st.lists(HOSTILE | TEXT, min_size=1, max_size=6))
def test_no_text_becomes_a_formula_or_a_link_in_xlsx(texts: list[str]) -> None:
    """Whatever a text is, its cell is text, word for word but for line ends and control characters."""
    with tempfile.TemporaryDirectory() as folder:
        _, path = write(Path(folder), ["=header", *texts], [["first", *texts]])
        sheet = xlsx_sheet(path)
        cells = [cell for row in sheet.iter_rows() for cell in row]
        parts = zipfile.ZipFile(path)
        content = b"".join(parts.read(name) for name in parts.namelist() if "sheet" in name)
        parts.close()

    assert b"<f>" not in content
    assert b"hyperlink" not in content
    assert all(cell.data_type in ("s", "n") and cell.hyperlink is None for cell in cells)
    assert sheet["A1"].value == "=header"
    for text, cell in zip(texts, sheet[2][1:], strict=False):
        plain = re.sub(r"\r\n?", "\n", re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]", "", text))
        assert (cell.value or "").replace("x005F_", "") == plain.replace("x005F_", "")


def test_xlsx_cells_are_typed_and_laid_out(tmp_path: Path) -> None:
    """Numbers, booleans and text keep their type; the header is fixed and filtered; prose has a wide column."""
    _, path = write(tmp_path, ["id", "score", "ok", "Answer"], [["=1+1", -5, True, "x" * 30], ["b", 0.5, False, None]])

    sheet = xlsx_sheet(path)
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        ["=1+1", -5, True, "x" * 30],
        ["b", 0.5, False, None],
    ]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D1048576")
    assert sheet["A1"].font.bold
    assert sheet["A2"].quotePrefix
    assert sheet.column_dimensions["D"].width > 30 > sheet.column_dimensions["B"].width


@pytest.mark.parametrize("character", ["x", "😀"])
def test_a_text_beyond_the_cell_limit_is_cut_visibly(tmp_path: Path, character: str) -> None:
    """Excel's limit is kept in its own units, and the cell says that it was cut and how long the text is."""
    _, path = write(tmp_path, ["a"], [[character * 40_000], [character * 10]])

    cut, whole = (row[0].value for row in xlsx_sheet(path).iter_rows(min_row=2))
    assert len(cut.encode("utf-16-le")) // 2 <= MAX_XLSX_CELL
    assert cut.endswith("the whole text has 40,000]")
    assert cut.startswith(character * 16_000)
    assert whole == character * 10


def test_rows_beyond_the_sheet_limit_go_on_to_another_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No row is lost, and every sheet has the header."""
    monkeypatch.setattr(tables, "MAX_XLSX_ROWS", 101)

    _, path = write(tmp_path, ["n"], ([number] for number in range(200)))

    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Results", "Results 2"]
    assert [cell.value for sheet in book for cell in sheet["A"]] == ["n", *range(100), "n", *range(100, 200)]


def test_a_table_without_rows_has_its_header(tmp_path: Path) -> None:
    """No rows is a table too."""
    table, sheet = write(tmp_path, ["a"], [])

    assert csv_rows(table) == [["a"]]
    assert [cell.value for cell in xlsx_sheet(sheet)[1]] == ["a"]


def test_a_failing_row_leaves_the_old_files(tmp_path: Path) -> None:
    """When the rows fail half way, the error comes through and the old tables stay, alone."""
    for name in ("r.csv", "r.xlsx"):
        (tmp_path / name).write_text("old", encoding="utf-8")

    def rows() -> Iterator[list[Cell]]:
        yield ["x"]
        raise StorageError("the journal is damaged")

    with pytest.raises(StorageError, match="damaged"):
        write(tmp_path, ["a"], rows())

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "r.csv": "old",
        "r.xlsx": "old",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("limit", [20_000, 600_000])
def test_a_full_disk_is_a_storage_error(tmp_path: Path, limit: int) -> None:
    """A disk that fills up stops the writing with a message, and leaves no part behind."""
    code = (
        "import os, resource, sys\n"
        "from pathlib import Path\n"
        "from coach.batch import tables\n"
        "from coach.errors import StorageError\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "rows = ([os.urandom(50).hex()] for _ in range(5000))\n"
        "folder = Path(sys.argv[1])\n"
        "try:\n"
        "    tables.write_tables(folder / 'r.csv', folder / 'r.xlsx', ['a'], rows)\n"
        "except StorageError as error:\n"
        "    print(error.message)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)

    assert f"{tmp_path / 'r.xlsx'}: cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Ten times the rows need no more memory."""
    peaks = []
    for count in (300, 3000):
        tracemalloc.start()
        write(tmp_path, ["a", "b"], ([f"text {number} " * 20, number] for number in range(count)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] - peaks[0] < 300_000


def test_a_row_has_a_cell_for_every_column() -> None:
    """Score, interval, criteria, missing points and advice stand under their headings."""
    titles = ["Understanding of the concepts", "Another rubric's criterion"]
    row = dict(zip(header(titles), table_row(row_result("r1", candidate="Zoë"), titles), strict=True))

    assert (row["Row"], row["Candidate"], row["Status"]) == ("r1", "Zoë", "scored")
    assert (row["Score"], row["Low"], row["High"], row["Needs review"]) == (61.21, 52.24, 69.29, "yes")
    assert (row["Understanding of the concepts"], row["Another rubric's criterion"]) == (73.8, None)
    assert str(row["Missing points"]).count("\n") == 2
    assert str(row["Wrong statements"]).startswith("Claims")
    assert str(row["Top improvements"]).count("\n") >= 2


def test_a_row_without_a_score_says_why() -> None:
    """A failed row and an answer that must not be judged have their reason and no number."""
    failed = table_row(row_result("r1", reason="time-out"), [])
    empty = table_row(row_result("r2", assessment=unscored_assessment("The answer is empty.")), [])

    columns = header([])
    for row, status, reason in ((failed, "failed", "time-out"), (empty, "not scored", "The answer is empty.")):
        cells = dict(zip(columns, row, strict=True))
        assert (cells["Status"], cells["Score"], cells["Not scored because"]) == (status, None, reason)
        assert cells["Missing points"] is None
