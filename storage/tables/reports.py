"""Reports, what is kept of them for statistics, links to them and letters about them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, false

from bridge.domain.catalog import Difficulty, InterviewType

from ..columns import Json, PlainText, Utc, one_of, short_text, uuid_string
from .base import metadata, session_id

interview_reports = Table(
    "interview_reports",
    metadata,
    Column("id", short_text(64), primary_key=True),
    session_id(),
    Column("version", Integer, nullable=False),
    Column("generated_at", Utc, nullable=False),
    Column("overall_score", Integer),
    Column("content_hash", short_text(128), nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("session_id", "version"),
    UniqueConstraint("session_id", "content_hash"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("overall_score BETWEEN 0 AND 100", name="overall_score"),
)

report_facts = Table(
    "report_facts",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", uuid_string(), nullable=False),
    Column("report_id", short_text(64), nullable=False),
    Column("type", one_of(InterviewType, "type"), nullable=False),
    Column("difficulty", one_of(Difficulty, "difficulty"), nullable=False),
    Column("at", Utc, nullable=False),
    Column("overall_score", Integer),
    Column("facts", Json, nullable=False),
    CheckConstraint("overall_score BETWEEN 0 AND 100", name="overall_score"),
    Index(None, "user_id", "at"),
    Index(None, "user_id", "type", "overall_score"),
    Index(None, "type", "difficulty", "overall_score", "user_id"),
)
"""What is kept of each current report for statistics and comparison; can be made again from the reports, and goes when its session is deleted."""

report_pdfs = Table(
    "report_pdfs",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("content", short_text(64), nullable=False),
    Column("whole", short_text(64), nullable=False),
    Column("drawn_at", Utc, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""The PDF that was drawn last of each report, sealed with a key of its own; can be drawn again from the report, and goes with the session's words."""

share_links = Table(
    "share_links",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    session_id(),
    Column("token_hash", short_text(128), nullable=False),
    Column("hide_name", Boolean, nullable=False),
    Column("hide_transcript", Boolean, nullable=False),
    Column("hide_audio", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    UniqueConstraint("token_hash"),
    Index(None, "session_id"),
)

report_mails = Table(
    "report_mails",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("address", PlainText, nullable=False),
    Column("requested_at", Utc, nullable=False),
    Column("attach_pdf", Boolean, nullable=False, server_default=false()),
    Column("sent_at", Utc),
    Column("failed_at", Utc),
)
"""The outbox: who wants to be told that a report is ready; one letter a session, and its row goes with the session's words."""
