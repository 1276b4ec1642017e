"""Which process holds a live call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; interviews that are live right now have no holder, so the next start lets them be resumed."""
    op.create_table(
        "call_holders",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(128), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_call_holders"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["interview_sessions.id"], name="fk_call_holders_session_id_interview_sessions", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("call_holders")
