"""Carrying over an output directory of an older version: a journal of JSON lines, jobs, and files beside them.

Nothing of it is changed, so that it can be looked at, or gone on with by the older version.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from coach.batch.store import KEEP_RESULT
from coach.errors import StorageError

#: What a batch of an older version always has.
JOURNAL = "journal.jsonl"
_JOBS, _ROWS, _PROBLEMS, _SPEED = "jobs.json", "rows.bin", "unreadable.jsonl", "speed.json"
_SCHEMA = "coach/journal@1"
_SEEN = """INSERT INTO newest (row_id, key, question_id, candidate, answer, source, line)
    VALUES (:row_id, :key, :question_id, :candidate, :answer, :source, :line)
    ON CONFLICT (row_id) DO UPDATE SET key = excluded.key, question_id = excluded.question_id,
    candidate = excluded.candidate, answer = excluded.answer, source = excluded.source, line = excluded.line"""
_SENT = "INSERT INTO sent VALUES (:custom_id, :job, :key, :same, :row_id, :question_id, :answer)"
_JOINS = """INSERT INTO rows (row_id, key, same, leads, rank, question_id, candidate, answer, source, line)
    VALUES (:row_id, :key, :same, :leads, 0, :question_id, :candidate, :answer, :source, :line)
    ON CONFLICT (row_id) DO UPDATE SET key = excluded.key, same = excluded.same, leads = excluded.leads,
    question_id = excluded.question_id, answer = excluded.answer, source = excluded.source, line = excluded.line"""


def carry_over(directory: Path, database: sqlite3.Connection) -> int:
    """Copy what is there into the tables of a new store; return how many lines of the journal cannot be read.

    Those rows are judged again. Raises StorageError when the journal or the list of jobs is none.
    """
    if not (directory / JOURNAL).is_file():
        return 0
    try:
        damaged = _carry_journal(directory, database)
        _carry_jobs(directory, database)
        for problem in _lines(directory / _PROBLEMS):
            if problem is not None:
                database.execute("INSERT INTO problems VALUES (:source, :line, :message)", problem)
        if not (directory / _ROWS).is_file():
            # The last run stopped early: there may be more rows than the journal has seen.
            database.execute("INSERT INTO facts VALUES ('rows_unknown', 'yes')")
        if (directory / _SPEED).is_file():
            speed = (directory / _SPEED).read_text(encoding="utf-8")
            database.execute("INSERT INTO facts VALUES ('speed', ?)", (speed,))
    except (OSError, KeyError, TypeError, ValueError, sqlite3.ProgrammingError) as error:
        raise StorageError(
            f"{directory}: what an older version of the coach left there cannot be read ({error!r})",
            "Choose another directory for --out, or --restart to keep it aside and judge everything anew.",
        ) from error
    return damaged


def _carry_journal(directory: Path, database: sqlite3.Connection) -> int:
    """Keep every result, and as rows of the batch the newest record of each row that its inputs held last."""
    database.execute(
        "CREATE TEMP TABLE newest (seen INTEGER PRIMARY KEY, row_id TEXT UNIQUE, key TEXT, question_id TEXT,"
        " candidate TEXT, answer TEXT, source TEXT, line INTEGER)"
    )
    database.execute("CREATE INDEX temp.newest_by_source ON newest (source, seen)")
    damaged = 0
    known = False
    for record in _lines(directory / JOURNAL):
        if record is not None and "schema" in record:
            known = record["schema"] == _SCHEMA
        if record is None or "key" not in record:
            damaged += record is None
            continue
        known = True
        assessment = record["assessment"]
        kept = {
            "same": "",
            "score": assessment and assessment["score"],
            "needs_review": assessment and assessment["needs_review"],
            "assessment": assessment and json.dumps(assessment, ensure_ascii=False),
        }
        database.execute(KEEP_RESULT, {**record, **kept})
        database.execute(_SEEN, record)
    if not known and damaged:
        raise ValueError(f"{JOURNAL} is no journal")
    _take_out(directory / _ROWS, database)
    database.execute(
        "INSERT INTO rows (row_id, key, same, leads, rank, question_id, candidate, answer, source, line)"
        " SELECT row_id, key, key, 1, 0, question_id, candidate, answer, source, line FROM newest"
        " ORDER BY (SELECT min(seen) FROM newest n WHERE n.source = newest.source), line, seen"
    )
    database.execute("DROP TABLE newest")
    return damaged


def _take_out(path: Path, database: sqlite3.Connection) -> None:
    """Take out the rows that the inputs did not hold any more; without the list of them all stay."""
    if not path.is_file():
        return
    content = path.read_bytes()
    hashes = {content[start : start + 16] for start in range(0, len(content), 16)}

    def gone(row_id: str) -> bool:
        return hashlib.blake2b(row_id.encode(), digest_size=16).digest() not in hashes

    database.create_function("gone", 1, gone)
    database.execute("DELETE FROM newest WHERE gone(row_id)")


def _carry_jobs(directory: Path, database: sqlite3.Connection) -> None:
    """Keep the jobs, and what was sent in those whose results were not collected; their rows join the batch."""
    if not (directory / _JOBS).is_file():
        return
    for job in json.loads((directory / _JOBS).read_bytes())["jobs"]:
        database.execute("INSERT INTO jobs VALUES (?, ?)", (job["number"], json.dumps(job)))
        if job["state"] == "collected":
            continue
        for sent in _lines(directory / "jobs" / f"{job['number']:04d}.rows.jsonl"):
            if sent is None:
                raise ValueError(f"the rows of job {job['number']} are damaged")
            values = {**sent, "job": job["number"], "leads": sent["custom_id"] is not None}
            if values["leads"]:
                database.execute(_SENT, values)
            database.execute(_JOINS, values)


def _lines(path: Path) -> Iterator[dict[str, Any] | None]:
    """Yield the JSON object of each line, None for one that cannot be read; what a crash tore at the end is no line."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                parsed = from_json(line)
            except ValueError:
                parsed = None
            if isinstance(parsed, dict):
                yield parsed
            elif line.endswith(b"\n"):
                yield None
