"""A batch as tables for people, one row an answer: CSV and XLSX whose cells are never run as formulas.

The rules against formulas are those of the OWASP page "CSV Injection": a cell that begins with ``=``, ``+``, ``-``,
``@``, a tab or a line end can be taken for a formula, and so can what follows a separator or a line end inside a cell
when the program splits the line in another way than we did.
"""

from __future__ import annotations

import csv
import math
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from coach.batch.rows import RowResult
from coach.errors import StorageError
from coach.files import replacing
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment

#: Numbers are written as numbers; None, NaN and infinity as an empty cell.
Cell = str | int | float | bool | None

MAX_XLSX_CELL = 32_767
MAX_XLSX_ROWS = 1_048_576
_CUT_NOTE = " … [cut here: a cell holds {limit:,} characters, the whole text has {length:,}]"

#: Includes the full-width forms, which some programs take for the plain ones.
_FORMULA_SIGNS = "=+\\-@＝＋－＠"
#: A formula may hide behind blanks, invisible characters and quotes, and after another program's separator.
_BLANKS = r"[\s\x00-\x20\"'\u00a0\u200b-\u200f\u2060\ufeff]*"
_FORMULA_START = re.compile(rf"^{_BLANKS}(?=[{_FORMULA_SIGNS}])|^(?=[\t\r\n])")
_FORMULA_INSIDE = re.compile(rf"(?P<before>[;|\t\r\n]{_BLANKS})(?=[{_FORMULA_SIGNS}])")
#: What XML cannot hold or a spreadsheet cannot show; line ends and tabs stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile(r"\r\n?")
_WIDTH, _WIDTH_OF_PROSE = 16, 60


#: How many improvements a row names.
_IMPROVEMENTS = 3

_BEFORE = (
    "Row", "Candidate", "Question", "Status", "Score", "Low", "High", "Needs review", "Review reasons",
    "Not scored because",
)  # fmt: skip
_AFTER = (
    "Missing points", "Wrong statements", "Top improvements", "Follow-up question", "Same answer as", "Answer",
    "Source", "Line", "Model", "Cost in USD",
)  # fmt: skip

_PROSE = {"Review reasons", "Not scored because", "Missing points", "Wrong statements", "Top improvements", "Answer"}


def header(titles: Sequence[str]) -> list[str]:
    """Return the names of the columns, with one column for each of these criteria."""
    return [*_BEFORE, *titles, *_AFTER]


def table_row(result: RowResult, titles: Sequence[str]) -> list[Cell]:
    """Return the cells of one row; those of criteria (percent of credit) stay empty where a question has none."""
    assessment = result.assessment
    low, high = (assessment.interval if assessment else None) or (None, None)
    score = assessment.score if assessment else None
    unscored = result.reason or (assessment.unscored_reason if assessment else None)
    review = ("yes" if assessment.needs_review else "no") if assessment and result.status == "ok" else None
    status = "failed" if result.status == "failed" else "not scored" if score is None else "scored"
    criteria = assessment.criteria if assessment else []
    credits = {c.title: None if c.credit is None else round(100 * c.credit, 1) for c in criteria}
    return [
        result.row_id, result.candidate, result.question_id, status, score, low, high, review,
        " | ".join(assessment.review_reasons) if assessment else None, unscored,
        *map(credits.get, titles),
        *_advice(assessment), result.same_as, result.answer, result.source, result.line,
        assessment.receipt.model if assessment else None, assessment.receipt.cost_usd if assessment else None,
    ]  # fmt: skip


def _advice(assessment: Assessment | None) -> tuple[Cell, ...]:
    if assessment is None or assessment.score is None:
        return None, None, None, None
    checks = assessment.check_results()
    missing = [c.statement for c in checks if c.kind == "point" and c.verdict is Verdict.NOT_MET]
    wrong = [c.statement for c in checks if c.kind == "red_flag" and c.verdict in (Verdict.MET, Verdict.PARTLY)]
    top = sorted(assessment.improvements, key=lambda item: -item.gain)[:_IMPROVEMENTS]
    return "\n".join(missing), "\n".join(wrong), "\n".join(item.advice for item in top), assessment.follow_up


def safe_cell(text: str) -> str:
    """Return the text so that no spreadsheet program runs it, or a part of it, as a formula.

    An apostrophe goes before whatever could begin a formula; all else stays. Numbers need no such care: write them
    as numbers, and a negative one keeps its sign.
    """
    start = "'" if _FORMULA_START.match(text) else ""
    return start + _FORMULA_INSIDE.sub(r"\g<before>'", text)


def write_tables(csv_path: Path, xlsx_path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write the rows, which are read once, as CSV and as an XLSX workbook; raises StorageError.

    CSV is UTF-8 with byte-order mark, so that Excel shows it right. The workbook has typed cells and a fixed header
    with a filter; a text beyond Excel's limit is cut with a note that says so, and rows beyond the limit of a sheet go
    on to another one. Both files are private to the user and appear whole or not at all.
    """
    with (
        replacing(csv_path) as new,
        new.open("w", encoding="utf-8-sig", newline="") as file,
        _workbook(xlsx_path) as workbook,
    ):
        writer = csv.writer(file)
        writer.writerow(map(_csv_cell, header))
        plain = workbook.add_format({"valign": "top"})
        # Shown as typed with an apostrophe, so that editing such a cell does not make it a formula either.
        quoted = workbook.add_format({"valign": "top", "quote_prefix": True})
        sheet, line = _add_sheet(workbook, header), 0
        for row in rows:
            writer.writerow(map(_csv_cell, row))
            line += 1
            if line == MAX_XLSX_ROWS:
                sheet, line = _add_sheet(workbook, header), 1
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    if text := _xlsx_text(cell):
                        sheet.write_string(line, column, text, quoted if _FORMULA_START.match(text) else plain)
                elif isinstance(cell, bool):
                    sheet.write_boolean(line, column, cell, plain)
                elif cell is not None and math.isfinite(cell):
                    sheet.write_number(line, column, cell, plain)


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """Give a workbook that is written to the path at the end; rows must come in order, as they are not kept."""
    import xlsxwriter  # type: ignore[import-untyped]
    from xlsxwriter.exceptions import XlsxWriterException  # type: ignore[import-untyped]

    with replacing(path) as new, tempfile.TemporaryDirectory(prefix=".xlsx-", dir=path.parent) as scratch:
        workbook = xlsxwriter.Workbook(str(new), {"constant_memory": True, "use_zip64": True, "tmpdir": scratch})
        try:
            yield workbook
            workbook.close()
        except XlsxWriterException as error:
            raise StorageError(f"{path}: cannot be written ({error})", "Free some space in its directory.") from error
        finally:
            # After a failure this closes the parts in ``scratch``; what it writes never becomes the result.
            if not workbook.fileclosed:
                with suppress(XlsxWriterException, OSError):
                    workbook.close()


def _add_sheet(workbook: Any, header: Sequence[str]) -> Any:
    number = len(workbook.worksheets()) + 1
    sheet = workbook.add_worksheet("Results" if number == 1 else f"Results {number}")
    bold = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    for column, name in enumerate(header):
        sheet.set_column(column, column, _WIDTH_OF_PROSE if name in _PROSE else _WIDTH)
        sheet.write_string(0, column, _xlsx_text(name), bold)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, MAX_XLSX_ROWS - 1, len(header) - 1)
    return sheet


def _csv_cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return safe_cell(_shown(cell))
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _shown(text: str) -> str:
    """Return the text without what a spreadsheet cannot hold; most texts are looked at and no more."""
    return text if text.isprintable() else _CONTROLS.sub("", text)


def _xlsx_text(text: str) -> str:
    text = _shown(text)
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    if len(text) <= MAX_XLSX_CELL // 2:
        return text
    # Excel counts UTF-16 units, so an emoji counts twice.
    length = len(text) + sum(1 for character in text if character > "\uffff")
    if length <= MAX_XLSX_CELL:
        return text
    note = _CUT_NOTE.format(limit=MAX_XLSX_CELL, length=len(text))
    units = text.encode("utf-16-le")[: 2 * (MAX_XLSX_CELL - len(note))]
    return units.decode("utf-16-le", "ignore") + note
