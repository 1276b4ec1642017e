"""Money: orders, the append-only ledger, what pays for an interview, plans, refunds."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TABLES = ("orders", "money_lines", "holds", "subscriptions", "refunds", "demo_payments")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("plan", WORD),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("checkout_ref", sa.Text()),
        sa.Column("checkout_url", sa.Text(), nullable=False),
        sa.Column("payment_ref", sa.Text()),
        sa.Column("subscription_ref", sa.Text()),
        sa.Column("customer_ref", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("paid_at", TIME),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("provider", "checkout_ref", name="uq_orders_provider_checkout_ref"),
        _one_of("orders", "plan", ("free", "pro", "premium")),
        _one_of("orders", "status", ("pending", "completed", "failed", "refunded", "disputed", "quarantined")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_orders_amount")),
    )
    op.create_index("ix_orders_provider_payment_ref", "orders", ["provider", "payment_ref"])
    op.create_index("ix_orders_provider_subscription_ref", "orders", ["provider", "subscription_ref"])
    op.create_index("ix_orders_status_created_at", "orders", ["status", "created_at"])
    op.create_index("ix_orders_user_id_created_at", "orders", ["user_id", "created_at"])
    op.create_table(
        "money_lines",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_money_lines"),
        sa.UniqueConstraint("kind", "ref", name="uq_money_lines_kind_ref"),
        _one_of("money_lines", "account", ("cash", "credit")),
    )
    op.create_index("ix_money_lines_order_id", "money_lines", ["order_id"])
    op.create_index("ix_money_lines_user_id_account", "money_lines", ["user_id", "account"])
    op.create_table(
        "holds",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("source", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("free_month", sa.String(7)),
        sa.Column("at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.Column("fault", sa.Boolean(), nullable=False),
        sa.Column("money_back", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_holds"),
        sa.UniqueConstraint("user_id", "free_month", name="uq_holds_user_id_free_month"),
        _one_of("holds", "source", ("free", "plan", "credit")),
        _one_of("holds", "state", ("held", "consumed", "released")),
    )
    op.create_index("ix_holds_user_id_month", "holds", ["user_id", "month"])
    op.create_table(
        "subscriptions",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("plan", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("period_end", TIME),
        sa.Column("past_due_since", TIME),
        sa.Column("cancels_at_end", sa.Boolean(), nullable=False),
        sa.Column("customer_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("provider", "ref", name="uq_subscriptions_provider_ref"),
        _one_of("subscriptions", "plan", ("free", "pro", "premium")),
        _one_of("subscriptions", "status", ("active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired")),
    )
    op.create_index("ix_subscriptions_user_id", "subscriptions", ["user_id"])
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("provider_ref", sa.Text()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("order_id", "cause", name="uq_refunds_order_id_cause"),
    )
    op.create_table(
        "demo_payments",
        sa.Column("ref", sa.String(64), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_demo_payments"),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in TABLES:
        op.drop_table(table)


def _one_of(table: str, column: str, values: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))
