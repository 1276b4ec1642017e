"""Questions answered again: a table of which interview repeats which answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _session(column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["interview_sessions.id"], name=f"fk_session_branches_{column}_interview_sessions", ondelete="CASCADE"
    )


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "session_branches",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_session_branches"),
        _session("session_id"),
        _session("origin_id"),
    )
    op.create_index("ix_session_branches_origin_id", "session_branches", ["origin_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("session_branches")
