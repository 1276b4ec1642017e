"""What candidates think of their interviews, and when this server was up (R-135, R-152)."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table

from ..columns import PlainText, Utc, short_text, uuid_string
from .base import metadata

feedback = Table(
    "feedback",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("rating", Integer, nullable=False),
    Column("comment", PlainText, nullable=False),
    Column("at", Utc, nullable=False),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    Index(None, "at"),
)
"""One a session; a new one replaces it. The comment goes with the session's words, the rating too."""

uptime_spans = Table(
    "uptime_spans",
    metadata,
    Column("process", short_text(64), primary_key=True),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Index(None, "until"),
)
"""One row a run of a process, moved on while it answers: what lies in no span was an outage."""
