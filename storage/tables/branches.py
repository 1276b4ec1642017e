"""Questions answered again: which interview repeats which answer."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from ..columns import PlainText, uuid_string
from .base import metadata

session_branches = Table(
    "session_branches",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("origin_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), nullable=False),
    Column("question_id", PlainText, nullable=False),
    Index(None, "origin_id"),
)
