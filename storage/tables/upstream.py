"""Vendors' calls, their webhooks, and what everything cost."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Index, Table, UniqueConstraint

from bridge.domain.upstream import CostKind, RecordingState
from bridge.ports import DeliveryState

from ..columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string
from .base import metadata, session_id

engine_calls = Table(
    "engine_calls",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("engine", short_text(32), nullable=False),
    Column("call_id", PlainText, nullable=False),
    session_id(),
    Column("created_at", Utc, nullable=False),
    Column("base_ms", BigInteger, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Column("end_reason", PlainText),
    Column("duration_seconds", Float(53)),
    Column("report_at", Utc),
    Column("recording", one_of(RecordingState, "recording"), nullable=False),
    Column("settled_at", Utc),
    UniqueConstraint("engine", "call_id"),
    CheckConstraint("call_id <> ''", name="call_id"),
    Index(None, "session_id"),
    Index(None, "engine", "settled_at", "created_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("provider", short_text(32), nullable=False),
    Column("call_id", PlainText, nullable=False),
    Column("key", PlainText, nullable=False),
    Column("type", PlainText, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("state", one_of(DeliveryState, "state"), nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("call_id", "provider", "key"),
    Index(None, "provider", "state"),
)
"""`call_id` is empty for none: NULLs would never be equal, so a repeat would be stored again. It comes first because a purge has only that."""

cost_entries = Table(
    "cost_entries",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("session_id", uuid_string(), nullable=False),
    Column("ref", PlainText, nullable=False),
    Column("kind", one_of(CostKind, "kind"), nullable=False),
    Column("provider", short_text(32), nullable=False),
    Column("item", PlainText, nullable=False),
    Column("quantity", Float(53), nullable=False),
    Column("unit", short_text(32), nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Column("currency", short_text(3), nullable=False),
    Column("at", Utc, nullable=False),
    Column("inr_micros", BigInteger),
    Column("usd_inr", Float(53)),
    UniqueConstraint("session_id", "ref"),
    CheckConstraint("length(currency) = 3", name="currency"),
)
"""No foreign key on purpose: what was paid stays true when the interview goes. The id is then a number without a person (C-34)."""
