"""What the database gives back that is no word of the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..domain.events import Event
from ..domain.session import ReportStatus, SessionStatus


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the session's log (1, 2, 3 … without gaps) and the wall time it was stored."""

    seq: int
    stored_at: datetime
    event: Event


@dataclass(frozen=True)
class HistoryRow:
    """One line of a candidate's history."""

    session_id: str
    type: str
    difficulty: str
    score: int | None
    """Overall of the current report; None without one."""
    date: datetime
    duration_seconds: int
    status: SessionStatus
    report_status: ReportStatus


@dataclass(frozen=True)
class StoredReport:
    """A version of a session's report; `body` is the public JSON of `reporting.write`."""

    id: str
    session_id: str
    version: int
    generated_at: datetime
    overall_score: int | None
    content_hash: str
    """SHA-256 of what it was made from; the same hash is never written twice for a session."""
    body: dict[str, Any]


@dataclass(frozen=True)
class KeptPdf:
    """The PDF of a session's report as it was drawn last, and what it shows."""

    session_id: str
    content: str
    """SHA-256 of all it shows but the comparison with other interviews."""
    whole: str
    """SHA-256 of all it shows."""
    drawn_at: datetime
    sealed: bytes = field(repr=False)
    """Encrypted under a key of its own."""


@dataclass(frozen=True)
class StoredGrade:
    """A model's answer for a report, kept until the interview's words go."""

    key: str
    """SHA-256 of what was asked, and of which asking it is part."""
    run: int
    """1, 2 … of the same question asked several times."""
    model: str
    prompt: str
    body: dict[str, Any]
    at: datetime


class DeliveryState(StrEnum):
    """What became of a webhook."""

    STORED = "stored"
    APPLIED = "applied"
    IGNORED = "ignored"
    """Of no call we know, or of a kind we do not act on."""
    FAILED = "failed"


@dataclass(frozen=True)
class StoredDelivery:
    """A webhook in the inbox."""

    id: int
    provider: str
    key: str
    call_id: str | None
    type: str
    received_at: datetime
    sent_at: datetime | None
    state: DeliveryState
    body: dict[str, Any]
