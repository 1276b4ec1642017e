"""Reports in the making: a model's answers that were paid for, and how far a report is."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table

from ..columns import Json, Utc, short_text, uuid_string
from .base import metadata

model_grades = Table(
    "model_grades",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("key", short_text(64), primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("model", short_text(128), nullable=False),
    Column("prompt", short_text(64), nullable=False),
    Column("body", Json, nullable=False),
    Column("at", Utc, nullable=False),
    CheckConstraint("run >= 1", name="run"),
)
"""Kept so that a report which is started again does not pay twice, and a late transcript only for the answers it changes."""

report_progress = Table(
    "report_progress",
    metadata,
    Column("session_id", uuid_string(), ForeignKey("interview_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("progress", Json, nullable=False),
)
"""How far a report in the making is; its row goes when the report is there."""
