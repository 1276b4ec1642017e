"""What people agreed to and chose, keys of what is encrypted, archives for download, erasures and what holds them up (R-112…R-124)."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table

from ..columns import Json, PlainText, Utc, one_of, serial, short_text, uuid_string
from .base import metadata, session_id


class ExportState(StrEnum):
    """Where an archive stands."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


consents = Table(
    "consents",
    metadata,
    Column("id", serial(), primary_key=True),
    session_id(),
    Column("version", short_text(32), nullable=False),
    Column("receivers", Json, nullable=False),
    Column("training", Boolean, nullable=False),
    Column("given_at", Utc, nullable=False),
    Column("withdrawn_at", Utc),
    Index(None, "session_id"),
)
"""One row each time a candidate agreed; the newest counts."""

privacy_choices = Table(
    "privacy_choices",
    metadata,
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("training", Boolean, nullable=False),
    Column("changed_at", Utc, nullable=False),
)

data_keys = Table(
    "data_keys",
    metadata,
    Column("owner_id", uuid_string(), primary_key=True),
    Column("master_id", short_text(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_at", Utc, nullable=False),
    Index(None, "master_id"),
)
"""`owner_id` is a session's, an export's or that of a session's PDF (`storage.pdfs`). No foreign key: the row goes before anything else does, and never by itself."""

secret_ages = Table(
    "secret_ages",
    metadata,
    Column("name", short_text(64), primary_key=True),
    Column("mark", short_text(16), nullable=False),
    Column("since", Utc, nullable=False),
)
"""Since when each secret setting has had its value, by variable and mark; `mark` is 32 bits of a slow hash, enough to see a change and too little to find the value."""

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", PlainText, nullable=False),
    Column("placed_at", Utc, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", short_text(64), primary_key=True),
    Column("subject_id", uuid_string(), nullable=False),
    Column("scope", short_text(16), nullable=False),
    Column("requested_at", Utc, nullable=False),
    Column("copies", Json, nullable=False),
    Index(None, "subject_id"),
)
"""Receipts. `subject_id` is the id of what was erased: a number that leads nowhere any more."""

exports = Table(
    "exports",
    metadata,
    Column("id", uuid_string(), primary_key=True),
    Column("user_id", uuid_string(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("state", one_of(ExportState, "state"), nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("finished_at", Utc),
    Column("size", BigInteger),
    Index(None, "user_id", "made_at"),
)
