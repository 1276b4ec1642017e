"""What pays for one interview: held at its start, used up once it really happened, given back by itself otherwise (C-11, M8, M4).

An interview really happened when it ran for three minutes and a question was answered, and did not end by our or a vendor's fault. What
was delivered before a fault is not charged. Read next: `bridge.usecases.holds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .entitlement import Source
from .session import InterviewSession, SessionStatus

MINIMUM_MS = 3 * 60_000
"""Below this nothing is charged, whoever ended it."""
MINIMUM_ANSWERED = 1
OUR_FAULT = frozenset({"failed_upstream", "failed", "drained"})
"""Reasons of an end that are never the candidate's."""


class HoldState(StrEnum):
    """Where it stands; only a released one may be held again."""

    HELD = "held"
    CONSUMED = "consumed"
    RELEASED = "released"


@dataclass(frozen=True)
class Hold:
    """What pays for an interview; one row each. `n` counts how often it was held."""

    session_id: str
    user_id: str | None
    source: Source
    state: HoldState
    n: int
    amount: int
    currency: str
    month: str
    at: datetime
    settled_at: datetime | None = None
    fault: bool = False
    """A crash of ours cut it off and nobody has come back since."""
    money_back: bool = False
    """A release by our fault gives back the money and not the credit."""
    why: str = ""

    @property
    def ref(self) -> str:
        """Its name in the ledger."""
        return f"{self.session_id}:{self.n}"


@dataclass(frozen=True)
class Settled:
    """How a hold ends."""

    state: HoldState
    why: str
    our_fault: bool = False


def settle(session: InterviewSession, answered: int, *, fault: bool = False) -> Settled:
    """What an ended (or freed, or deleted) interview does to its hold."""
    reason = session.end_reason or ""
    if session.started_at is None:
        return Settled(HoldState.RELEASED, "It never began.", our_fault=session.status is SessionStatus.FAILED)
    if reason in OUR_FAULT or (fault and reason in ("abandoned", "")):
        return Settled(HoldState.RELEASED, "It ended by a fault that was not yours.", our_fault=True)
    if session.elapsed_ms < MINIMUM_MS:
        return Settled(HoldState.RELEASED, "It ended within the first three minutes.")
    if answered < MINIMUM_ANSWERED:
        return Settled(HoldState.RELEASED, "No question was answered.")
    return Settled(HoldState.CONSUMED, "It was held.")
