"""One booked interview from set-up to report: its statuses, the one transition table, its record (C-29, C-30, C-60).

`move` is the only way to change a status; the diagram in the docs is drawn from `TRANSITIONS`. Read next: `events`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ..errors import WrongState
from .questions import Question
from .setup import InterviewSetup


class SessionStatus(StrEnum):
    """Where an interview session stands."""

    SETUP = "setup"
    """Questions are being prepared."""
    READY = "ready"
    """May be started."""
    AWAITING_PAYMENT = "awaiting_payment"
    INITIATED = "initiated"
    """A token was handed out; nobody has connected yet."""
    IN_PROGRESS = "in_progress"
    """A candidate is connected."""
    INTERRUPTED = "interrupted"
    """The candidate's connection is gone; may be resumed within the reclaim window."""
    COMPLETED = "completed"
    """Ended with every question reached, or by the clock."""
    PARTIAL = "partial"
    """Ended early, something was answered."""
    FAILED = "failed"
    """Ended with nothing answered, or by our fault."""
    CANCELLED = "cancelled"
    """Given up before it began."""
    DELETED = "deleted"
    """Hidden; a job purges what is left."""


S = SessionStatus
ENDED = frozenset({S.COMPLETED, S.PARTIAL, S.FAILED, S.CANCELLED, S.DELETED})
LIVE = frozenset({S.INITIATED, S.IN_PROGRESS, S.INTERRUPTED})

TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    S.SETUP: frozenset({S.READY, S.AWAITING_PAYMENT, S.FAILED, S.CANCELLED, S.DELETED}),
    S.AWAITING_PAYMENT: frozenset({S.READY, S.CANCELLED, S.DELETED}),
    S.READY: frozenset({S.INITIATED, S.AWAITING_PAYMENT, S.CANCELLED, S.DELETED}),
    S.INITIATED: frozenset({S.INITIATED, S.IN_PROGRESS, S.READY, S.FAILED, S.CANCELLED, S.DELETED}),
    S.IN_PROGRESS: frozenset({S.IN_PROGRESS, S.INTERRUPTED, S.COMPLETED, S.PARTIAL, S.FAILED, S.DELETED}),
    S.INTERRUPTED: frozenset({S.IN_PROGRESS, S.INTERRUPTED, S.COMPLETED, S.PARTIAL, S.FAILED, S.DELETED}),
    S.COMPLETED: frozenset({S.DELETED}),
    S.PARTIAL: frozenset({S.DELETED}),
    S.FAILED: frozenset({S.DELETED}),
    S.CANCELLED: frozenset({S.DELETED}),
    S.DELETED: frozenset(),
}

PHASES: dict[SessionStatus, str] = {
    S.SETUP: "setup",
    S.READY: "setup",
    S.AWAITING_PAYMENT: "setup",
    S.INITIATED: "in_progress",
    S.IN_PROGRESS: "in_progress",
    S.INTERRUPTED: "in_progress",
    S.COMPLETED: "completed",
    S.PARTIAL: "completed",
    S.FAILED: "failed",
    S.CANCELLED: "failed",
    S.DELETED: "failed",
}
"""The product document's four words for each status."""


class ReportStatus(StrEnum):
    """Where the report stands (C-60)."""

    NONE = "none"
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    STALE = "stale"
    """A newer transcript exists; a new version is due."""


@dataclass(frozen=True)
class InterviewSession:
    """The session's record. Times are aware UTC datetimes; `elapsed_ms` is the call clock, stopped while nobody is there."""

    id: str
    user_id: str
    setup: InterviewSetup
    questions: tuple[Question, ...]
    status: SessionStatus
    created_at: datetime
    engine: str = "local"
    call_id: str | None = None
    started_at: datetime | None = None
    interrupted_at: datetime | None = None
    """When the candidate's connection was last lost; None while connected."""
    ended_at: datetime | None = None
    end_reason: str | None = None
    elapsed_ms: int = 0
    report_status: ReportStatus = ReportStatus.NONE
    has_recording: bool = False

    @property
    def phase(self) -> str:
        """The document's word for the status."""
        return PHASES[self.status]


def move(session: InterviewSession, to: SessionStatus) -> InterviewSession:
    """The session in its new status. Raises WrongState, naming both, where the table has no such step."""
    if to not in TRANSITIONS[session.status]:
        raise WrongState(f"This interview is {session.status.value}; it cannot become {to.value}.")
    return replace(session, status=to)
