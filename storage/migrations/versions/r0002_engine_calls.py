"""Vendors' calls, the inbox of their webhooks and the ledger of what they cost."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "engine_calls",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("engine", WORD, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("base_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("end_reason", sa.Text()),
        sa.Column("duration_seconds", sa.Float(53)),
        sa.Column("report_at", TIME),
        sa.Column("recording", WORD, nullable=False),
        sa.Column("settled_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_engine_calls"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["interview_sessions.id"],
            name="fk_engine_calls_session_id_interview_sessions",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("engine", "call_id", name="uq_engine_calls_engine_call_id"),
        sa.CheckConstraint("call_id <> ''", name=op.f("ck_engine_calls_call_id")),
        _one_of("engine_calls", "recording", ("none", "due", "stored", "failed")),
    )
    op.create_index("ix_engine_calls_session_id", "engine_calls", ["session_id"])
    op.create_index(
        "ix_engine_calls_engine_settled_at_created_at", "engine_calls", ["engine", "settled_at", "created_at"]
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("call_id", "provider", "key", name="uq_webhook_deliveries_call_id_provider_key"),
        _one_of("webhook_deliveries", "state", ("stored", "applied", "ignored", "failed")),
    )
    op.create_index("ix_webhook_deliveries_provider_state", "webhook_deliveries", ["provider", "state"])
    op.create_table(
        "cost_entries",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Float(53), nullable=False),
        sa.Column("unit", WORD, nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cost_entries"),
        sa.UniqueConstraint("session_id", "ref", name="uq_cost_entries_session_id_ref"),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_cost_entries_currency")),
        _one_of("cost_entries", "kind", ("estimate", "actual")),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("cost_entries", "webhook_deliveries", "engine_calls"):
        op.drop_table(table)


def _one_of(table: str, column: str, values: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))
