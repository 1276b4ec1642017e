"""What each cost is in rupees, at the rate of its booking; lines from before have neither."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("cost_entries") as batch:
        batch.add_column(sa.Column("inr_micros", sa.BigInteger()))
        batch.add_column(sa.Column("usd_inr", sa.Float(53)))


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("cost_entries") as batch:
        batch.drop_column("usd_inr")
        batch.drop_column("inr_micros")
