"""A transaction's part about vendors' calls, their webhooks and what they cost."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.upstream import CostEntry, Delivery, EngineCall
from .rows import DeliveryState, StoredDelivery


class UpstreamTx(Protocol):
    """What came from vendors."""

    # Vendors' calls, their webhooks, what they cost ---------------------------------------------------------------------
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

    async def newest_delivery(self) -> int:
        """The highest row id there is; 0 without any."""

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
