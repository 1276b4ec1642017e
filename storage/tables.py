"""Every table, once. The migrations are tested to build exactly this (R-160…R-172). Read next: `sessions` (rows to domain).

A session owns its questions, events, turns, segments, tickets, reports and vendors' calls: they go when it goes. The events are the
truth; turns and segments are what they add up to, kept so that pages and reports need no fold. Webhooks belong to nobody, because those
of unknown calls are kept too; costs outlive their session (C-34).
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import Speaker, TurnSource
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.domain.upstream import CostKind, RecordingState
from bridge.ports import DeliveryState

from .columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TicketPurpose(StrEnum):
    """What a socket ticket is for."""

    START = "start"
    RESUME = "resume"


def _session_id() -> Column[str]:
    return Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), nullable=False)


users = Table(
    "users",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("created_at", Utc, nullable=False),
)

interview_sessions = Table(
    "interview_sessions",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("type", one_of(InterviewType, "type"), nullable=False),
    Column("difficulty", one_of(Difficulty, "difficulty"), nullable=False),
    Column("status", one_of(SessionStatus, "status"), nullable=False),
    Column("report_status", one_of(ReportStatus, "report_status"), nullable=False),
    Column("configuration", Json, nullable=False),
    Column("engine", short_text(32), nullable=False),
    Column("call_id", PlainText),
    Column("has_recording", Boolean, nullable=False),
    Column("elapsed_ms", BigInteger, nullable=False),
    Column("end_reason", PlainText),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("interrupted_at", Utc),
    Column("ended_at", Utc),
    UniqueConstraint("engine", "call_id"),
    CheckConstraint("elapsed_ms >= 0", name="elapsed_ms"),
    Index(None, "user_id", "created_at"),
    Index(None, "user_id", "updated_at"),
    # All that sums over a person's interviews read, so that they never touch the rows.
    Index(None, "user_id", "type", "status", "elapsed_ms", "started_at"),
    Index(None, "status", "report_status"),
)

interview_questions = Table(
    "interview_questions",
    metadata,
    Column("id", serial(), primary_key=True),
    _session_id(),
    Column("position", Integer, nullable=False),
    Column("question_id", PlainText, nullable=False),
    Column("type", one_of(InterviewType, "type"), nullable=False),
    Column("difficulty", one_of(Difficulty, "difficulty"), nullable=False),
    Column("focus_area", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
    Column("spoken", PlainText, nullable=False),
    Column("motivation", PlainText, nullable=False),
    Column("rating", Integer, nullable=False),
    Column("minutes", Float(53), nullable=False),
    Column("key_points", Json, nullable=False),
    Column("follow_ups", Json, nullable=False),
    Column("model_answer", PlainText, nullable=False),
    Column("lesson", PlainText, nullable=False),
    UniqueConstraint("session_id", "position"),
    UniqueConstraint("session_id", "question_id"),
)

session_events = Table(
    "session_events",
    metadata,
    _session_id(),
    Column("seq", Integer, nullable=False),
    Column("kind", short_text(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("data", Json, nullable=False),
    Column("stored_at", Utc, nullable=False),
    PrimaryKeyConstraint("session_id", "seq"),
    CheckConstraint("seq >= 1", name="seq"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", serial(), primary_key=True),
    _session_id(),
    Column("turn_id", PlainText, nullable=False),
    Column("speaker", one_of(Speaker, "speaker"), nullable=False),
    Column("source", one_of(TurnSource, "source"), nullable=False),
    Column("text", PlainText, nullable=False),
    Column("question_id", PlainText),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    UniqueConstraint("session_id", "turn_id"),
)

transcript_segments = Table(
    "transcript_segments",
    metadata,
    _session_id(),
    Column("question_id", PlainText, nullable=False),
    Column("n", Integer, nullable=False),
    Column("question", PlainText, nullable=False),
    Column("follow_ups", Json, nullable=False),
    Column("turn_ids", Json, nullable=False),
    Column("answer", PlainText, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
    PrimaryKeyConstraint("session_id", "question_id"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", serial(), primary_key=True),
    _session_id(),
    Column("token_hash", short_text(128), nullable=False),
    Column("purpose", one_of(TicketPurpose, "purpose"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    UniqueConstraint("token_hash"),
    Index(None, "session_id"),
)

interview_reports = Table(
    "interview_reports",
    metadata,
    Column("id", short_text(64), primary_key=True),
    _session_id(),
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

share_links = Table(
    "share_links",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    _session_id(),
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
    Column("sent_at", Utc),
)
"""The outbox: who wants to be told that a report is ready; one letter a session, and its row goes with the session's words."""

engine_calls = Table(
    "engine_calls",
    metadata,
    Column("id", serial(), primary_key=True),
    Column("engine", short_text(32), nullable=False),
    Column("call_id", PlainText, nullable=False),
    _session_id(),
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
    UniqueConstraint("session_id", "ref"),
    CheckConstraint("length(currency) = 3", name="currency"),
)
"""No foreign key on purpose: what was paid stays true when the interview goes. The id is then a number without a person (C-34)."""

job_nodes = Table(
    "job_nodes",
    metadata,
    Column("id", short_text(128), primary_key=True),
    Column("seen_at", Utc, nullable=False),
)
"""Processes that work on jobs over PostgreSQL, and when they last said so by the database's clock (`nodes`)."""
