"""A letter about a report may bring the report as a PDF, and may be given up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the outbox must know."""
    with op.batch_alter_table("report_mails") as batch:
        batch.add_column(sa.Column("attach_pdf", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("failed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("report_mails") as batch:
        batch.drop_column("failed_at")
        batch.drop_column("attach_pdf")
