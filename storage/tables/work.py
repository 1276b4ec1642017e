"""Processes that share the work, and which of them holds which live call."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from ..columns import Utc, short_text, uuid_string
from .base import metadata

job_nodes = Table(
    "job_nodes",
    metadata,
    Column("id", short_text(128), primary_key=True),
    Column("seen_at", Utc, nullable=False),
)
"""Processes that work on jobs over PostgreSQL, and when they last said so by the database's clock (`nodes`)."""

call_holders = Table(
    "call_holders",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("node", short_text(128), nullable=False),
    Column("since", Utc, nullable=False),
)
"""The process in which an interview's leg runs. Only it may write the interview's log: whoever takes the call over becomes the holder (`holders`)."""

rate_counts = Table(
    "rate_counts",
    metadata,
    Column("key", short_text(255), primary_key=True),
    Column("n", Integer, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Index(None, "expires_at"),
)
"""Requests counted for all servers together (`counts`); keys are hashes. Unused on SQLite, where one process counts in memory."""
