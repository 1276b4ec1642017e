"""What a voice vendor tells us about its call, in our own words: the one vocabulary of socket messages and webhooks (R-051…R-056, C-15).

`bridge.wire.vapi_messages` turns Vapi's wire into these; nothing behind it knows Vapi's names. Read next: `bridge.usecases.engine_calls`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .events import Speaker


@dataclass(frozen=True)
class Message:
    """Something the vendor said about a call."""


@dataclass(frozen=True)
class CallBegan(Message):
    """The call is in progress; may be said more than once."""

    at: datetime | None = None


@dataclass(frozen=True)
class CallEnded(Message):
    """The call is over; `reason` is the vendor's own word, judged by `bridge.domain.ended`."""

    reason: str
    at: datetime | None = None


@dataclass(frozen=True)
class Said(Message):
    """Words of one speaker. A partial replaces the one before; finals append."""

    speaker: Speaker
    text: str
    final: bool
    at: datetime | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Speaking(Message):
    """The vendor believes that somebody began or stopped to speak. Its order against `Said` means nothing (vapi-protocol §2.4)."""

    speaker: Speaker
    started: bool


@dataclass(frozen=True)
class Interrupted(Message):
    """The candidate spoke over the interviewer: what is queued of the interviewer must not be heard any more."""


@dataclass(frozen=True)
class ToolCall:
    """One tool call; `id` is the vendor's and is echoed exactly."""

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolsCalled(Message):
    """The interviewer asks for tools; at least one."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class Silence(Message):
    """The vendor's assistant has been slow to answer (`hang`)."""


@dataclass(frozen=True)
class HeardTurn:
    """One turn of the vendor's own transcript, in milliseconds from the call's start."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None


@dataclass(frozen=True)
class CallReport(Message):
    """The vendor's account of a finished call. Cost in millionths of `currency`; None where it was not said."""

    reason: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    cost_micros: int | None = None
    currency: str = "USD"
    cost_parts: dict[str, int] = field(default_factory=dict)
    """The vendor's own breakdown, in micros."""
    turns: tuple[HeardTurn, ...] = ()
    has_recording: bool = False
    recording_url: str | None = None
    """Only from the document's own events or a stand-in; Vapi's are fetched by call id (vapi-protocol §1.4)."""


@dataclass(frozen=True)
class Transcribed(Message):
    """A whole transcript at once, apart from a report (the document's `call.transcript`)."""

    turns: tuple[HeardTurn, ...]


@dataclass(frozen=True)
class Recorded(Message):
    """A recording is ready (the document's `call.recording`, Vapi's `call.artifact.upload`)."""

    url: str | None = None


@dataclass(frozen=True)
class Other(Message):
    """A kind we do not act on."""

    type: str


@dataclass(frozen=True)
class Delivery:
    """One webhook, normalised. `key` names it for ever: a repeat has the same one."""

    call_id: str | None
    key: str
    type: str
    """The sender's own word, for people to read."""
    messages: tuple[Message, ...]
    body: dict[str, Any]
    """What is kept of it: secrets and signed links replaced."""
    sent_at: datetime | None = None


class RecordingState(StrEnum):
    """Where the vendor's recording stands."""

    NONE = "none"
    DUE = "due"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineCall:
    """A vendor's call of a session; a session may have several (a rejoin that became a new call)."""

    id: str
    """The vendor's own id."""
    engine: str
    session_id: str
    created_at: datetime
    base_ms: int = 0
    """Where on the session's call clock it began."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    duration_seconds: float | None = None
    report_at: datetime | None = None
    """When the vendor's account arrived."""
    recording: RecordingState = RecordingState.NONE
    settled_at: datetime | None = None
    """Nothing more is expected of it: account read, cost booked, recording stored or given up."""


class CostKind(StrEnum):
    """Whether a cost was foreseen or happened."""

    ESTIMATE = "estimate"
    ACTUAL = "actual"


@dataclass(frozen=True)
class CostEntry:
    """One line of the cost ledger. (`session_id`, `ref`) is unique: a repeat books nothing."""

    session_id: str
    ref: str
    """For example `vapi:<call id>:actual`."""
    kind: CostKind
    provider: str
    item: str
    """What was used: call, transport, stt, llm, tts, tokens…"""
    quantity: float
    unit: str
    """minutes, tokens, calls."""
    amount_micros: int
    """Millionths of the currency."""
    currency: str
    at: datetime
    inr_micros: int | None = None
    """Millionths of a rupee, at the rate that held when it was booked; None for lines from before both were kept (C-08)."""
    usd_inr: float | None = None
    """That rate."""
