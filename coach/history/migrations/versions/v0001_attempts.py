"""The table of attempts, to which rows are only added.

A migration that was released is never edited: the next change is a new file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE_TRIGGER = """
CREATE TRIGGER attempts_are_append_only BEFORE UPDATE ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION attempts_are_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'attempts are append-only'; END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER attempts_are_append_only BEFORE UPDATE ON attempts
FOR EACH ROW EXECUTE FUNCTION attempts_are_append_only()
"""


def upgrade() -> None:
    """Create the table, its index and the trigger that refuses changes."""
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("question_id", sa.String(60), nullable=False),
        sa.Column("bank_title", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("answer_sha256", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("assessment", sa.JSON(), nullable=False),
        # A number that was deleted is never given again, so that "attempt 7" always means the same text.
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_by_question", "attempts", ["question_id", "created_at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE_TRIGGER)
    else:
        op.execute(_POSTGRESQL_FUNCTION)
        op.execute(_POSTGRESQL_TRIGGER)
