"""One live call as a line of the operators' list, folded from its log, and what about it needs attention first (M7, R-153).

Reads no clock: `now` comes in. Response time is from the candidate's last word of a turn to the interviewer's first word after it, on the
call clock. Read next: `bridge.usecases.watching`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from math import ceil

from .events import (
    EngineChanged,
    Event,
    InterviewEnded,
    LegEnded,
    LegStarted,
    Noted,
    OperatorActed,
    QuestionAsked,
    Speaker,
    TurnRecorded,
)
from .session import InterviewSession, SessionStatus

QUIET_MS = 45_000
"""Nobody has said a word for so long: a candidate may think, but not for ever."""
SLOW_MS = 3_000
"""Half of the answers took longer."""


class Urgency(IntEnum):
    """How soon somebody should look."""

    NOTE = 1
    LOOK = 2
    ACT = 3


@dataclass(frozen=True)
class Concern:
    """Something about a call, in words."""

    urgency: Urgency
    text: str


def percentile(values: list[int], share: float) -> int | None:
    """The value that so large a share of them does not exceed; None without any."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass
class ResponseTimes:
    """Milliseconds from the end of each candidate's turn to the interviewer's next word."""

    found: list[int] = field(default_factory=list)
    _ended_ms: int | None = None

    def apply(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case TurnRecorded(speaker=Speaker.CANDIDATE):
                self._ended_ms = event.end_ms
            case TurnRecorded(speaker=Speaker.INTERVIEWER) if self._ended_ms is not None and event.end_ms > self._ended_ms:
                # An interviewer who was already speaking did not answer this turn.
                if event.start_ms >= self._ended_ms:
                    self.found.append(event.start_ms - self._ended_ms)
                self._ended_ms = None


@dataclass
class CallView:
    """What the log of a call says about now."""

    seq: int = 0
    at_ms: int = 0
    stored_at: datetime | None = None
    engine: str = ""
    connected: bool = False
    n: int = 0
    of: int = 0
    question: str = ""
    spoke_ms: int = 0
    """When somebody last said a word."""
    muted: bool = False
    recording_stopped: bool = False
    lost: list[str] = field(default_factory=list)
    """Engines that were lost."""
    upstream_lost: bool = False
    legs: int = 0
    listeners: int = 0
    extended_minutes: int = 0
    over: bool = False
    response: ResponseTimes = field(default_factory=ResponseTimes)

    def apply(self, seq: int, event: Event, stored_at: datetime) -> None:
        """Take one stored event in."""
        self.seq, self.stored_at = seq, stored_at
        self.at_ms = max(self.at_ms, event.at_ms)
        self.response.apply(event)
        match event:
            case LegStarted():
                self.engine, self.connected, self.legs, self.muted = event.engine, True, event.leg, False
                self.spoke_ms = max(self.spoke_ms, event.at_ms)
                self.listeners = 0
            case LegEnded():
                self.connected, self.listeners = False, 0
            case EngineChanged():
                self.engine = event.to_engine
                self.lost.append(event.from_engine)
            case QuestionAsked():
                self.n, self.of, self.question = event.n, event.of, event.text
                self.spoke_ms = max(self.spoke_ms, event.at_ms)
            case TurnRecorded():
                self.spoke_ms = max(self.spoke_ms, event.end_ms)
            case Noted():
                self._noted(event.code)
            case OperatorActed():
                self.extended_minutes += event.minutes
                self.listeners = max(0, self.listeners + {"listen": 1, "listen-end": -1}.get(event.action, 0))
            case InterviewEnded():
                self.over = True

    def _noted(self, code: str) -> None:
        if code in ("muted", "unmuted"):
            self.muted = code == "muted"
        self.recording_stopped = self.recording_stopped or code == "recording_stopped"
        self.upstream_lost = self.upstream_lost or code == "upstream_lost"

    def clock_ms(self, now: datetime) -> int:
        """The call clock by now: it runs while the candidate is connected."""
        if not self.connected or self.stored_at is None:
            return self.at_ms
        return self.at_ms + max(0, int((now - self.stored_at).total_seconds() * 1000))


def concerns(view: CallView, session: InterviewSession, now: datetime, *, reclaim_seconds: int) -> list[Concern]:
    """What an operator should know, most urgent first."""
    found: list[Concern] = []

    def add(urgency: Urgency, text: str) -> None:
        found.append(Concern(urgency, text))

    clock_ms = view.clock_ms(now)
    if session.status is SessionStatus.INTERRUPTED and session.interrupted_at is not None:
        left = max(0, reclaim_seconds - int((now - session.interrupted_at).total_seconds()))
        add(Urgency.ACT, f"The candidate is gone; {left} s left to come back")
    if view.upstream_lost:
        add(Urgency.ACT, "The voice service was lost and nothing took over")
    elif view.lost:
        add(Urgency.LOOK, f"{view.engine} took over from {', '.join(view.lost)}")
    if view.recording_stopped:
        add(Urgency.ACT, "The recording stopped: the disk is full")
    if view.connected and not view.muted and clock_ms - view.spoke_ms > QUIET_MS:
        add(Urgency.LOOK, f"Nobody has spoken for {(clock_ms - view.spoke_ms) // 1000} s")
    if (middle := percentile(view.response.found, 0.5)) is not None and middle > SLOW_MS:
        add(Urgency.LOOK, f"Slow: half of the answers take {middle / 1000:.1f} s or more")
    if clock_ms > (session.setup.duration_minutes + view.extended_minutes) * 60_000:
        add(Urgency.LOOK, "Over its time")
    if view.legs > 1:
        add(Urgency.NOTE, f"Connected {view.legs} times")
    return sorted(found, key=lambda concern: -concern.urgency)
