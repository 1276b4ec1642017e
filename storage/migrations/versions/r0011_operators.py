"""What candidates think of their interviews, and when this server was up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "feedback",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_feedback"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["interview_sessions.id"], name="fk_feedback_session_id_interview_sessions", ondelete="CASCADE"
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_feedback_rating")),
    )
    op.create_index("ix_feedback_at", "feedback", ["at"])
    op.create_table(
        "uptime_spans",
        sa.Column("process", sa.String(64), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_uptime_spans"),
    )
    op.create_index("ix_uptime_spans_until", "uptime_spans", ["until"])


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("uptime_spans")
    op.drop_table("feedback")
