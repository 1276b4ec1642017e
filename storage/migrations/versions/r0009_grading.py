"""Reports judged by a model: what was paid for is kept, and how far a report is can be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "model_grades",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("prompt", sa.String(64), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "key", "run", name="pk_model_grades"),
        _session("model_grades"),
        sa.CheckConstraint("run >= 1", name=op.f("ck_model_grades_run")),
    )
    op.create_table(
        "report_progress",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("progress", JSON, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_report_progress"),
        _session("report_progress"),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("report_progress")
    op.drop_table("model_grades")


def _session(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_session_id_interview_sessions"
    return sa.ForeignKeyConstraint(["session_id"], ["interview_sessions.id"], name=name, ondelete="CASCADE")
