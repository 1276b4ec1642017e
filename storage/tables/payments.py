"""Money: orders, the append-only ledger, what pays for an interview, plans, refunds. No foreign keys where money is: what was paid outlives whom it was about (C-34)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from bridge.domain.entitlement import Source, SubscriptionStatus
from bridge.domain.holding import HoldState
from bridge.domain.payment import Account, OrderStatus
from bridge.domain.pricing import Plan

from ..columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string
from .base import metadata

orders = Table(
    "orders",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("user_id", uuid_string()),
    Column("provider", short_text(32), nullable=False),
    Column("session_id", uuid_string()),
    Column("plan", one_of(Plan, "plan")),
    Column("amount", BigInteger, nullable=False),
    Column("currency", short_text(3), nullable=False),
    Column("status", one_of(OrderStatus, "status"), nullable=False),
    Column("checkout_ref", PlainText),
    Column("checkout_url", PlainText, nullable=False),
    Column("payment_ref", PlainText),
    Column("subscription_ref", PlainText),
    Column("customer_ref", PlainText, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("paid_at", Utc),
    Column("refunded", BigInteger, nullable=False),
    Column("fee", BigInteger),
    Column("problem", PlainText, nullable=False),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("provider", "checkout_ref"),
    CheckConstraint("amount > 0", name="amount"),
    Index(None, "user_id", "created_at"),
    Index(None, "status", "created_at"),
    Index(None, "provider", "payment_ref"),
    Index(None, "provider", "subscription_ref"),
)

money_lines = Table(
    "money_lines",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("account", one_of(Account, "account"), nullable=False),
    Column("kind", short_text(32), nullable=False),
    Column("ref", PlainText, nullable=False),
    Column("user_id", uuid_string()),
    Column("amount", BigInteger, nullable=False),
    Column("currency", short_text(3), nullable=False),
    Column("at", Utc, nullable=False),
    Column("order_id", uuid_string()),
    Column("session_id", uuid_string()),
    Column("note", PlainText, nullable=False),
    UniqueConstraint("kind", "ref"),
    Index(None, "user_id", "account"),
    Index(None, "order_id"),
)
"""Only ever inserted. A balance is the sum of a person's credit lines."""

holds = Table(
    "holds",
    metadata,
    Column("session_id", uuid_string(), primary_key=True),
    Column("user_id", uuid_string()),
    Column("source", one_of(Source, "source"), nullable=False),
    Column("state", one_of(HoldState, "state"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", short_text(3), nullable=False),
    Column("month", short_text(7), nullable=False),
    Column("free_month", short_text(7)),
    Column("at", Utc, nullable=False),
    Column("settled_at", Utc),
    Column("fault", Boolean, nullable=False),
    Column("money_back", Boolean, nullable=False),
    Column("why", PlainText, nullable=False),
    UniqueConstraint("user_id", "free_month"),
    Index(None, "user_id", "month"),
)
"""`free_month` is set while the month's free interview pays, so that a second one cannot be: NULLs are never equal."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("provider", short_text(32), nullable=False),
    Column("ref", PlainText, nullable=False),
    Column("user_id", uuid_string()),
    Column("plan", one_of(Plan, "plan"), nullable=False),
    Column("status", one_of(SubscriptionStatus, "status"), nullable=False),
    Column("as_of", Utc, nullable=False),
    Column("period_end", Utc),
    Column("past_due_since", Utc),
    Column("cancels_at_end", Boolean, nullable=False),
    Column("customer_ref", PlainText, nullable=False),
    UniqueConstraint("provider", "ref"),
    Index(None, "user_id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("order_id", uuid_string(), nullable=False),
    Column("cause", short_text(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("provider_ref", PlainText),
    Column("problem", PlainText, nullable=False),
    UniqueConstraint("order_id", "cause"),
)
"""The outbox: a job sends each with its id as the idempotency key."""

reviews = Table(
    "reviews",
    metadata,
    Column("session_id", uuid_string(), primary_key=True),
    Column("user_id", uuid_string()),
    Column("month", short_text(7), nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("reviewer_id", uuid_string()),
    Column("taken_at", Utc),
    Column("done_at", Utc),
    Column("scores", Json, nullable=False),
    Column("comment", PlainText, nullable=False),
    Index(None, "done_at", "due_at"),
    Index(None, "user_id", "month"),
)
"""Interviews a person reviews; their scores stand beside the model's, never in place of them (C-58)."""

referrals = Table(
    "referrals",
    metadata,
    Column("referee_id", uuid_string(), primary_key=True),
    Column("referrer_id", uuid_string(), nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "referrer_id"),
)
"""Who brought whom; one a person, for ever."""

referral_codes = Table(
    "referral_codes",
    metadata,
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("code", short_text(16), nullable=False),
    Column("made_at", Utc, nullable=False),
    UniqueConstraint("code"),
)
"""The code by which a person brings others; no secret."""

vouchers = Table(
    "vouchers",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("code_hash", short_text(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", short_text(3), nullable=False),
    Column("uses", Integer, nullable=False),
    Column("expires_at", Utc),
    Column("created_at", Utc, nullable=False),
    Column("note", PlainText, nullable=False),
    UniqueConstraint("code_hash"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("uses > 0", name="uses"),
)
"""Codes of partner companies; a use is a line of the ledger (R-110)."""

demo_payments = Table(
    "demo_payments",
    metadata,
    Column("ref", short_text(64), primary_key=True),
    Column("order_id", uuid_string(), nullable=False),
    Column("state", Json, nullable=False),
)
"""What the demonstration's pretended provider knows (`PREPKIT_PAYMENTS=fake`)."""
