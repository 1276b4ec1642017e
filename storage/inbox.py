"""Webhooks as they came: one row each before the sender gets its 200, however often and in whatever order they come (R-057, C-25).

Storing is one statement, so that of many that come at once exactly one is new. Read next: `ledger`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from bridge.domain.upstream import Delivery
from bridge.ports import DeliveryState, StoredDelivery

from .tables import webhook_deliveries
from .transaction import TransactionPart

_NO_CALL = ""
_KEY = ("call_id", "provider", "key")


class InboxRows(TransactionPart):
    """The webhook part of a transaction."""

    async def add_delivery(self, provider: str, delivery: Delivery, received_at: datetime) -> int | None:
        """Keep a webhook: its row id, or None when (provider, call id, key) is there already, whatever the rest of it says."""
        row = {
            "provider": provider,
            "call_id": delivery.call_id or _NO_CALL,
            "key": delivery.key,
            "type": delivery.type,
            "received_at": received_at,
            "sent_at": delivery.sent_at,
            "state": DeliveryState.STORED,
            "body": delivery.body,
        }
        statement = self.insert(webhook_deliveries).values(row).on_conflict_do_nothing(index_elements=_KEY)
        result = await self.change(statement.returning(webhook_deliveries.c.id))
        new: int | None = result.scalar_one_or_none()
        return new

    async def newest_delivery(self) -> int:
        """The highest row id there is; 0 without any."""
        return int(await self.connection.scalar(select(func.coalesce(func.max(webhook_deliveries.c.id), 0))) or 0)

    async def delivery(self, delivery_id: int) -> StoredDelivery | None:
        """One of the inbox."""
        statement = select(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id)
        row = (await self.connection.execute(statement)).one_or_none()
        return delivery_of(row) if row is not None else None

    async def deliveries(
        self, provider: str, *, call_id: str | None = None, state: DeliveryState | None = None
    ) -> list[StoredDelivery]:
        """In order of arrival; of every call and state unless one is named."""
        d = webhook_deliveries.c
        wanted = [d.provider == provider]
        wanted += [d.call_id == call_id] if call_id is not None else []
        wanted += [d.state == state] if state is not None else []
        # By row: the wall clock may have been put back in between.
        rows = await self.connection.execute(select(webhook_deliveries).where(*wanted).order_by(d.id))
        return [delivery_of(row) for row in rows]

    async def mark_delivery(self, delivery_id: int, state: DeliveryState) -> None:
        """What became of it. Applied is final: a second worker that came to another end does not undo it."""
        d = webhook_deliveries.c
        await self.connection.execute(
            update(webhook_deliveries).where(d.id == delivery_id, d.state != DeliveryState.APPLIED).values(state=state)
        )


def delivery_of(row: Row[Any]) -> StoredDelivery:
    """A row of the inbox."""
    return StoredDelivery(
        id=row.id,
        provider=row.provider,
        key=row.key,
        call_id=row.call_id or None,
        type=row.type,
        received_at=row.received_at,
        sent_at=row.sent_at,
        state=row.state,
        body=row.body,
    )
