"""The statements on the table of attempts.

Imported only inside functions, because SQLAlchemy is slow to load.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, select

from coach.errors import StorageError
from coach.history.records import Attempt, AttemptRecord
from coach.history.tables import attempts


def add(connection: Connection, record: AttemptRecord) -> int:
    """Insert one attempt and return its number."""
    values = {
        "question_id": record.question_id,
        "bank_title": record.bank_title,
        "model": record.model,
        "created_at": record.created_at,
        "score": record.score,
        "answer_sha256": record.assessment.answer_sha256,
        "answer": record.answer,
        "assessment": json.loads(record.assessment.model_dump_json(by_alias=True)),
    }
    key = connection.execute(insert(attempts).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def is_saved(connection: Connection, record: AttemptRecord) -> bool:
    """Return whether the same answer to the same question was saved at the same moment."""
    same = and_(
        attempts.c.question_id == record.question_id,
        attempts.c.created_at == record.created_at,
        attempts.c.answer == record.answer,
    )
    return connection.scalar(select(attempts.c.id).where(same)) is not None


def read(connection: Connection, question_id: str | None, bank_title: str | None, limit: int | None) -> list[Attempt]:
    """Return the newest attempts, oldest first; raises StorageError for one that this version cannot read."""
    newest = _chosen(question_id, bank_title).order_by(attempts.c.created_at.desc(), attempts.c.id.desc()).limit(limit)
    return [_attempt(row) for row in reversed(connection.execute(newest).all())]


def raw_lines(connection: Connection, question_id: str | None, bank_title: str | None) -> Iterator[str]:
    """Yield every attempt as a line of JSON, oldest first, as stored (not validated: an export never fails on one)."""
    rows = connection.execute(_chosen(question_id, bank_title).order_by(attempts.c.created_at, attempts.c.id))
    for row in rows:
        document = _document(row)
        document["created_at"] = row.created_at.isoformat().replace("+00:00", "Z")
        yield json.dumps(document, ensure_ascii=False) + "\n"


def remove(connection: Connection, ids: Collection[int] | None, question_id: str | None, bank_title: str | None) -> int:
    """Delete the attempts that all given conditions hold for (every attempt when none is given); return how many."""
    return connection.execute(delete(attempts).where(*_conditions(ids, question_id, bank_title))).rowcount


def count(connection: Connection, ids: Collection[int] | None, question_id: str | None, bank_title: str | None) -> int:
    """Return how many attempts ``remove`` with the same conditions would delete."""
    chosen = select(func.count()).select_from(attempts).where(*_conditions(ids, question_id, bank_title))
    return connection.scalar(chosen) or 0


def _chosen(question_id: str | None, bank_title: str | None) -> Select[Any]:
    return select(attempts).where(*_conditions(None, question_id, bank_title))


def _conditions(
    ids: Collection[int] | None, question_id: str | None, bank_title: str | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if ids is not None:
        conditions.append(attempts.c.id.in_(ids))
    if question_id is not None:
        conditions.append(attempts.c.question_id == question_id)
    if bank_title is not None:
        conditions.append(attempts.c.bank_title == bank_title)
    return conditions


def _document(row: Row[Any]) -> dict[str, Any]:
    return {
        "schema": "coach/attempt@1",
        "id": row.id,
        "question_id": row.question_id,
        "bank_title": row.bank_title,
        "created_at": row.created_at,
        "answer": row.answer,
        "assessment": row.assessment,
    }


def _attempt(row: Row[Any]) -> Attempt:
    try:
        return Attempt.model_validate(_document(row))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StorageError(
            f"attempt {row.id} of the history cannot be read by this version: {where}: {first['msg']}",
            "Update the coach; `coach history --export FILE` still gives all attempts as they were saved.",
        ) from None
