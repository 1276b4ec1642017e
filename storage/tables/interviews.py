"""An interview and its log: who holds it, its questions, what happened, what that adds up to, and the tickets to its socket (R-160…R-172)."""

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
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import Speaker, TurnSource
from bridge.domain.session import ReportStatus, SessionStatus

from ..columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string
from .base import metadata, session_id


class TicketPurpose(StrEnum):
    """What a socket ticket is for."""

    START = "start"
    RESUME = "resume"


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
    session_id(),
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
    session_id(),
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
    session_id(),
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
    session_id(),
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
    session_id(),
    Column("token_hash", short_text(128), nullable=False),
    Column("purpose", one_of(TicketPurpose, "purpose"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    UniqueConstraint("token_hash"),
    Index(None, "session_id"),
)
