"""PDFs of reports that were drawn, sealed; older reports have theirs drawn when it is first asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "report_pdfs",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("whole", sa.String(64), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_report_pdfs"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["interview_sessions.id"], name="fk_report_pdfs_session_id_interview_sessions", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Drop it; the keys that are left open nothing."""
    op.drop_table("report_pdfs")
