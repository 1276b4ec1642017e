"""Reviews by people, who brought whom, vouchers; and up to which event an order's provider has been asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("orders", sa.Column("seen", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "reviews",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("reviewer_id", sa.Uuid()),
        sa.Column("taken_at", TIME),
        sa.Column("done_at", TIME),
        sa.Column("scores", JSON, nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_done_at_due_at", "reviews", ["done_at", "due_at"])
    op.create_index("ix_reviews_user_id_month", "reviews", ["user_id", "month"])
    op.create_table(
        "referrals",
        sa.Column("referee_id", sa.Uuid(), nullable=False),
        sa.Column("referrer_id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("referee_id", name="pk_referrals"),
    )
    op.create_index("ix_referrals_referrer_id", "referrals", ["referrer_id"])
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vouchers"),
        sa.UniqueConstraint("code_hash", name="uq_vouchers_code_hash"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_vouchers_amount")),
        sa.CheckConstraint("uses > 0", name=op.f("ck_vouchers_uses")),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("vouchers", "referrals", "reviews"):
        op.drop_table(table)
    op.drop_column("orders", "seen")
