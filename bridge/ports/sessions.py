"""A transaction's part about interviews: who holds them, their log and tickets, their purge, and jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from ..domain.events import Event
from ..domain.segments import Segment, Turn
from ..domain.session import InterviewSession, SessionStatus
from .rows import HistoryRow, StoredEvent


class SessionTx(Protocol):
    """Interviews."""

    # Sessions -----------------------------------------------------------------------------------------------------------
    async def add_session(self, session: InterviewSession) -> None:
        """Insert the session with its questions."""

    async def session(self, session_id: str, *, for_update: bool = False) -> InterviewSession | None:
        """The session whatever its owner or status (deleted included), questions in order; None when unknown or no UUID."""

    async def save_session(self, session: InterviewSession) -> None:
        """Write the mutable columns: status, call and time fields, engine, report status, recording flag."""

    async def history(
        self, user_id: str, *, page: int, limit: int, type: str | None = None, difficulty: str | None = None
    ) -> tuple[list[HistoryRow], int]:
        """Newest first, deleted ones left out; the total beside the page."""

    async def finish_set_up(self, session: InterviewSession) -> None:
        """Write the questions, the configuration and the mutable columns of a session stored without questions. Raises NotFound."""

    async def recent_question_ids(self, user_id: str, type: str, *, sessions: int) -> frozenset[str]:
        """Question ids of the user's last started `sessions` interviews of this type (R-037)."""

    async def recent_question_texts(self, user_id: str, type: str, *, sessions: int) -> list[str]:
        """Their texts, for telling a new question from an old one in other words."""

    async def sessions_with(self, statuses: Collection[SessionStatus]) -> list[InterviewSession]:
        """Every session in one of the statuses."""

    async def ended_without_report(self) -> list[str]:
        """Ids of completed and partial sessions that have neither a report nor a failed one (the safety net)."""

    async def kept_since(self, before: datetime, *, limit: int) -> list[str]:
        """Ids of sessions made before the moment that are neither live nor deleted, oldest first (R-114)."""

    # The log and its projections ----------------------------------------------------------------------------------------
    async def append_events(
        self, session_id: str, events: Sequence[tuple[int, Event]], *, turns: Sequence[Turn], segments: Sequence[Segment]
    ) -> None:
        """Append (seq, event) rows and upsert the turns and segments they changed. Raises Conflict on a taken seq."""

    async def events(self, session_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        """The log in order of seq."""

    async def turns(self, session_id: str) -> list[Turn]:
        """In order of start_ms, then of first storing."""

    async def segments(self, session_id: str) -> list[Segment]:
        """In order of n."""

    # Which process holds a call -------------------------------------------------------------------------------------
    async def hold_call(self, session_id: str) -> None:
        """Make this process the holder of the session's live call, whoever was it before: only it may append to the log."""

    async def release_call(self, session_id: str) -> bool:
        """Let go of it; False when another process has taken it over."""

    async def held_elsewhere(self, session_id: str) -> str | None:
        """Another process that lives and holds the call, or None."""

    async def calls_held(self) -> frozenset[str]:
        """Session ids of the calls that this or another living process holds."""

    async def forget_own_calls(self) -> None:
        """At the start: free what an earlier process of the same id held."""

    # Tickets for the socket ---------------------------------------------------------------------------------------------
    async def add_ticket(self, token_hash: str, session_id: str, *, purpose: str, expires_at: datetime) -> None:
        """Keep a hashed token; purpose is `start` or `resume`. Keeps the two newest unused tickets of the session."""

    async def take_ticket(self, token_hash: str, session_id: str, *, now: datetime) -> str | None:
        """Use a ticket once: its purpose, or None when unknown, used, expired or another session's."""

    # Purge and jobs -----------------------------------------------------------------------------------------------------
    async def purge_session(self, session_id: str) -> None:
        """Remove turns, events, segments, reports, tickets, questions, the configuration's free text and the bodies of its calls'
        webhooks; keep the bare row, its vendors' calls and costs. Safe to repeat, as it must be when a webhook comes afterwards."""

    async def enqueue(self, kind: str, key: str, payload: dict[str, Any], after_seconds: float = 0) -> None:
        """Enqueue a durable job in this very transaction, to start `after_seconds` from now at the earliest.

        The same key is one job for ever: enqueued again it neither runs twice nor moves to another time.
        """
