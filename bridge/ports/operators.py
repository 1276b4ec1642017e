"""A transaction's part for operators: feedback, what the figures are computed from, searching sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..domain.figures import Facts, Feedback
from .rows import DeliveryState, StoredDelivery


@dataclass(frozen=True)
class SessionQuery:
    """What an operator looks for; None means any."""

    status: str | None = None
    type: str | None = None
    engine: str | None = None
    report_status: str | None = None
    id_prefix: str = ""
    since: datetime | None = None
    before: datetime | None = None
    rating_up_to: int | None = None
    page: int = 1
    limit: int = 50


@dataclass(frozen=True)
class FoundSession:
    """One line of what was found; nothing anybody said is in it."""

    id: str
    type: str
    difficulty: str
    status: str
    engine: str
    end_reason: str | None
    created_at: datetime
    elapsed_ms: int
    report_status: str
    score: int | None
    rating: int | None


@dataclass(frozen=True)
class CallWebhook:
    """A webhook about a call, without what it says."""

    id: int
    provider: str
    type: str
    state: DeliveryState
    at_ms: int
    """When it came, on the call's clock."""


class OperatorTx(Protocol):
    """For operators."""

    async def save_feedback(self, feedback: Feedback) -> None:
        """Keep a session's feedback in place of an older one. Raises NotFound."""

    async def feedback(self, session_id: str) -> Feedback | None:
        """A session's."""

    async def newest_feedback(self, *, limit: int) -> list[Feedback]:
        """Of everybody, newest first."""

    async def figure_facts(self, since: datetime, now: datetime) -> Facts:
        """What the success metrics are computed from."""

    async def find_sessions(self, query: SessionQuery) -> tuple[list[FoundSession], int]:
        """Newest first, deleted ones left out; the total beside the page."""

    async def find_deliveries(self, *, state: DeliveryState | None, before: int | None, limit: int) -> list[StoredDelivery]:
        """Webhooks of every provider, newest first, from the one before row `before`."""

    async def call_webhooks(self, session_id: str, *, after: int) -> list[CallWebhook]:
        """Webhooks about the session's calls behind row `after`, in order of arrival."""

    async def redo_delivery(self, delivery_id: int) -> bool:
        """Mark a delivery that failed, or that was ignored, as waiting once more; False for any other."""

    async def keep_up(self, process: str, since: datetime, until: datetime) -> None:
        """This run of a process has answered up to `until`."""
