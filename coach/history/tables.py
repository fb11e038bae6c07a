"""The table of attempts as the newest migration leaves it.

Imported only inside functions, because SQLAlchemy is slow to load.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, DateTime, Dialect, Float, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, always UTC and aware in Python; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value as the database keeps it."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored value as an aware time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("question_id", String(60), nullable=False),
    Column("bank_title", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("score", Float),
    Column("answer_sha256", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("assessment", JSON, nullable=False),
    Index("attempts_by_question", "question_id", "created_at"),
)
