"""What a candidate agrees to, how long each kind of thing is kept, and what a receipt says: words and rules, no I/O (R-114…R-116, R-123, M9).

A change of the consent's words is a new version; what was agreed to is stored with its version and time, and an interview needs the newest. Read next: `usecases.consenting`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

CONSENT_VERSION = "2026-11-28"
CONSENT = (
    "My voice, or what I type, is taken in and written down, and the call is recorded on this server.",
    "It is used to hold this interview and to write my report, and for nothing else.",
    "I can take this back at any time: the interview then ends and its recording is destroyed.",
)
TRAINING = "My interviews may be used to improve this interviewer. Without this they never are. It counts for interviews that begin after I agree, and I can take it back."


@dataclass(frozen=True)
class Consent:
    """What a candidate agreed to for one interview, and when (R-116)."""

    session_id: str
    version: str
    receivers: tuple[str, ...]
    """Who was named as receiving the voice beside this server."""
    given_at: datetime
    training: bool = False
    """The candidate's choice about training at that moment (R-123)."""
    withdrawn_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it covers what a call does."""
        return self.withdrawn_at is None


class Artefact(StrEnum):
    """Kinds of things that are kept, each with a clock of its own (R-114)."""

    RECORDING = "recording"
    """Our recording and the vendors'."""
    WORDS = "words"
    """The interview itself: transcript, report, choices, documents."""
    DELIVERY = "delivery"
    """Vendors' messages that belong to no interview."""
    EXPORT = "export"
    """Archives made for download."""


@dataclass(frozen=True)
class Retention:
    """Days each kind is kept."""

    recording: int
    words: int
    export: int

    def days(self, artefact: Artefact) -> int:
        """Of one kind."""
        if artefact is Artefact.RECORDING:
            return min(self.recording, self.words)
        return self.export if artefact is Artefact.EXPORT else self.words

    def before(self, artefact: Artefact, now: datetime) -> datetime:
        """What was made before this is due."""
        return now - timedelta(days=self.days(artefact))


class CopyState(StrEnum):
    """What became of one copy of what was to be erased."""

    PENDING = "pending"
    ERASED = "erased"
    NOT_THERE = "not_there"
    """There was none."""
    FAILED = "failed"
    """Given up; says what to do."""
    KEPT = "kept"
    """Must remain, or cannot be recalled; says why."""
    HELD = "held"
    """Waits for the end of a legal hold."""


@dataclass(frozen=True)
class Copy:
    """One line of a receipt."""

    what: str
    where: str
    state: CopyState
    at: datetime | None = None
    """When it came to this state."""
    note: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of everything that was to be erased; holds nothing of a person (M9)."""

    id: str
    """Unguessable: whoever has it may read the receipt, even once nobody can sign in any more."""
    scope: str
    """`interview` or `account`."""
    requested_at: datetime
    copies: dict[str, Copy] = field(default_factory=dict)
    """By a key that names the copy, so that a repeated job writes the same line."""

    @property
    def done(self) -> bool:
        """Whether nothing is pending any more."""
        return all(copy.state not in (CopyState.PENDING, CopyState.HELD) for copy in self.copies.values())

    @property
    def state(self) -> str:
        """`pending`, `held`, `failed` or `complete`."""
        states = {copy.state for copy in self.copies.values()}
        for state in (CopyState.PENDING, CopyState.HELD, CopyState.FAILED):
            if state in states:
                return state.value
        return "complete"
