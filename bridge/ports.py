"""Everything the use cases and the call need from outside, as Protocols: the table of contents of the product's edges.

`Store`/`Tx` are implemented by `storage`, `RecordingStore` by `storage.recordings`, `Jobs` by `storage.jobs`. One act is one
`async with store.begin() as tx`; nothing slow is awaited inside it. Read next: `language_model`, the one port not here, and `usecases`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from .domain.catalog import Difficulty, InterviewType
from .domain.events import Event
from .domain.segments import Segment, Turn
from .domain.session import InterviewSession, ReportStatus, SessionStatus
from .domain.sharing import ReportMail, ShareLink
from .domain.standing import ReportFacts, Scores, TypeTotals
from .domain.upstream import CostEntry, Delivery, EngineCall


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


class Tx(Protocol):
    """One database transaction: commits when its block ends well, rolls back when it raises."""

    async def single_user(self) -> str:
        """Id of the one user of `single` mode, made at first use."""

    # Sessions -------------------------------------------------------------------------------------------------------
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

    # The log and its projections ------------------------------------------------------------------------------------
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

    # Tickets for the socket -----------------------------------------------------------------------------------------
    async def add_ticket(self, token_hash: str, session_id: str, *, purpose: str, expires_at: datetime) -> None:
        """Keep a hashed token; purpose is `start` or `resume`. Keeps the two newest unused tickets of the session."""

    async def take_ticket(self, token_hash: str, session_id: str, *, now: datetime) -> str | None:
        """Use a ticket once: its purpose, or None when unknown, used, expired or another session's."""

    # Reports --------------------------------------------------------------------------------------------------------
    async def add_report(self, report: StoredReport) -> bool:
        """Insert a version; False when this session already has one with the same content hash."""

    async def report(self, session_id: str) -> StoredReport | None:
        """The newest version."""

    # Statistics, trends, comparison ----------------------------------------------------------------------------------
    async def save_facts(self, facts: ReportFacts) -> None:
        """Keep the facts of a session's current report. Raises NotFound for an unknown session."""

    async def facts(self, user_id: str, *, limit: int, type: InterviewType | None = None) -> list[ReportFacts]:
        """The person's newest facts, newest first; those of a deleted session are gone."""

    async def facts_before(self, user_id: str, type: InterviewType, before: datetime) -> ReportFacts | None:
        """Those of the person's last scored interview of this type before the moment."""

    async def reports_without_facts(self, *, after: str, limit: int) -> list[StoredReport]:
        """Current reports whose facts are not kept, in order of session id, from the one after `after`."""

    async def changed_at(self, user_id: str) -> datetime | None:
        """When anything last changed in the person's interviews; None without any."""

    async def type_totals(self, user_id: str) -> list[TypeTotals]:
        """Sums over the interviews that were held, by type."""

    async def scores(self, type: InterviewType, difficulty: Difficulty) -> Scores:
        """Scores of everybody's interviews of one type and difficulty."""

    # Share links, letters about reports ------------------------------------------------------------------------------
    async def add_share(self, link: ShareLink, token_hash: str) -> None:
        """Keep a link. Raises Conflict for a taken token, NotFound for an unknown session."""

    async def share(self, token_hash: str) -> ShareLink | None:
        """The link with this token, whether it still works or not."""

    async def shares(self, session_id: str) -> list[ShareLink]:
        """A session's links, oldest first; revoked and expired ones too."""

    async def revoke_share(self, session_id: str, share_id: str, *, now: datetime) -> bool:
        """Close a link; False when the session has none of this id that was open."""

    async def name_of(self, user_id: str) -> str:
        """What the person is called; empty when unknown."""

    async def ask_mail(self, mail: ReportMail) -> None:
        """Keep the wish in place of an older one. Raises NotFound for an unknown session."""

    async def mail(self, session_id: str, *, for_update: bool = False) -> ReportMail | None:
        """The session's wish, or None."""

    async def drop_mail(self, session_id: str) -> None:
        """Forget the wish."""

    # Vendors' calls, their webhooks, what they cost -------------------------------------------------------------------
    async def add_engine_call(self, call: EngineCall) -> None:
        """Insert. Raises Conflict for a taken (engine, id), NotFound for an unknown session."""

    async def engine_call(self, engine: str, call_id: str, *, for_update: bool = False) -> EngineCall | None:
        """The vendor's call by its own id, or None."""

    async def engine_calls(self, session_id: str) -> list[EngineCall]:
        """Of a session, oldest first."""

    async def unsettled_calls(self, engine: str, *, before: datetime) -> list[EngineCall]:
        """Created before the moment and not settled, oldest first."""

    async def save_engine_call(self, call: EngineCall) -> None:
        """Write every mutable field. Raises NotFound."""

    async def add_delivery(self, provider: str, delivery: Delivery, received_at: datetime) -> int | None:
        """Keep a webhook before it is acknowledged: its row id, or None when (provider, call id, key) is there already."""

    async def delivery(self, delivery_id: int) -> StoredDelivery | None:
        """One of the inbox."""

    async def deliveries(
        self, provider: str, *, call_id: str | None = None, state: DeliveryState | None = None
    ) -> list[StoredDelivery]:
        """In order of arrival."""

    async def mark_delivery(self, delivery_id: int, state: DeliveryState) -> None:
        """What became of it."""

    async def add_cost(self, entry: CostEntry) -> bool:
        """Book a cost once; False when (session, ref) is there already."""

    async def costs(self, session_id: str) -> list[CostEntry]:
        """In order of booking."""

    # Purge and jobs -------------------------------------------------------------------------------------------------
    async def purge_session(self, session_id: str) -> None:
        """Remove turns, events, segments, reports, tickets, questions, the configuration's free text and the bodies of its calls'
        webhooks; keep the bare row, its vendors' calls and costs. Safe to repeat, as it must be when a webhook comes afterwards."""

    async def enqueue(self, kind: str, key: str, payload: dict[str, Any], after_seconds: float = 0) -> None:
        """Enqueue a durable job in this very transaction, to start `after_seconds` from now at the earliest.

        The same key is one job for ever: enqueued again it neither runs twice nor moves to another time.
        """


class Store(Protocol):
    """The database."""

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """A read-write transaction (BEGIN IMMEDIATE on SQLite)."""

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """A read-only snapshot that never waits for a writer."""

    async def ping(self) -> None:
        """Raise when the database cannot be written or is not at the newest migration."""


class RecordingStore(Protocol):
    """Audio files by session id: two-channel PCM16 16 kHz WAV, candidate left, interviewer right."""

    def open(self, session_id: str) -> RecordingFile:
        """Open for appending, created when missing; repairs the header after a crash."""

    def path(self, session_id: str) -> Path | None:
        """The finished or growing file, or None."""

    def keep_vendor(self, session_id: str, call_id: str, file: Path, media_type: str) -> None:
        """Take over a voice vendor's own recording of one of the session's calls; a repeat replaces it."""

    def delete(self, session_id: str) -> bool:
        """Remove it and the vendors'; True when there was one."""


@dataclass(frozen=True)
class VendorAccount:
    """What a voice vendor says of one of its calls when asked."""

    live: bool
    complete: bool
    """Ended, and what it holds will not grow any more."""
    delivery: Delivery
    """The same as its webhook would have been, under the same key."""


class VoiceVendor(Protocol):
    """A voice vendor's interface for calls that are over. Each raises UpstreamFailed."""

    async def account(self, call_id: str) -> VendorAccount:
        """Ask after a call."""

    async def hang_up(self, call_id: str) -> None:
        """End a call nobody is in any more."""

    async def recording(self, call_id: str, to: Path) -> str:
        """Fetch its recording into a file; the media type."""


class RecordingFile(Protocol):
    """A growing recording."""

    @property
    def duration_ms(self) -> int:
        """Milliseconds stored so far."""

    def append(self, frames: bytes) -> None:
        """Append interleaved 16-bit stereo frames (4 bytes each)."""

    def close(self) -> None:
        """Make the header true and close."""


class Jobs(Protocol):
    """Durable background work; survives kill -9, runs each key once to success."""

    async def start(self) -> None:
        """Recover what was running and begin to work."""

    async def stop(self) -> None:
        """Finish or park what runs, within a bound."""
