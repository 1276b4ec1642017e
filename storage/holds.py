"""What pays for an interview, and plans. Read next: `payments`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from bridge.domain.entitlement import FINAL, Source, Subscription
from bridge.domain.holding import Hold, HoldState

from .columns import as_uuid
from .tables import holds, subscriptions
from .transaction import TransactionPart

IN_FLIGHT = timedelta(minutes=10)


class HoldRows(TransactionPart):
    """The part of a transaction about what a person may use."""

    async def hold(self, session_id: str, *, for_update: bool = False) -> Hold | None:
        """What pays for an interview, or None."""
        statement = select(holds).where(holds.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement.with_for_update() if for_update else statement)).one_or_none()
        return _hold(row) if row else None

    async def save_hold(self, hold: Hold) -> bool:
        """Insert or replace; False when the month's free interview is taken by another."""
        free = hold.month if hold.source is Source.FREE and hold.state is not HoldState.RELEASED else None
        row = asdict(hold) | {"free_month": free}
        if free is not None:
            h = holds.c
            wanted = (h.user_id == as_uuid(hold.user_id or ""), h.free_month == free, h.session_id != hold.session_id)
            if (await self.connection.execute(select(h.session_id).where(*wanted))).first():
                return False
        # The unique constraint is what holds where two come at once; then this raises Conflict.
        await self.change(self.upsert(holds, ["session_id"]).values(row), taken="The free interview of this month is used.")
        return True

    async def held_in(self, user_id: str, month: str) -> list[Hold]:
        """A person's holds of a month that were not released."""
        wanted = (holds.c.user_id == as_uuid(user_id), holds.c.month == month, holds.c.state != HoldState.RELEASED)
        return [_hold(row) for row in await self.connection.execute(select(holds).where(*wanted))]

    async def mark_faults(self, session_ids: Sequence[str], *, fault: bool) -> None:
        """A crash of ours cut these off, or their candidates are back."""
        if session_ids:
            await self.connection.execute(update(holds).where(holds.c.session_id.in_(session_ids)).values(fault=fault))

    async def save_subscription(self, subscription: Subscription) -> bool:
        """Insert or replace; False when what is kept was asked for later, or is final."""
        s = subscriptions.c
        wanted = (s.provider == subscription.provider, s.ref == subscription.ref)
        kept = (await self.connection.execute(select(subscriptions).where(*wanted).with_for_update())).one_or_none()
        if kept is not None:
            # An answer cannot be under way for longer: what is older by more was asked before the clock was put back.
            overtaken = timedelta(0) < kept.as_of - subscription.as_of < IN_FLIGHT
            if overtaken or kept.status in FINAL:
                return False
        await self.change(self.upsert(subscriptions, ["provider", "ref"]).values(asdict(subscription)))
        return True

    async def subscriptions(self, user_id: str) -> list[Subscription]:
        """A person's, newest first."""
        statement = select(subscriptions).where(subscriptions.c.user_id == as_uuid(user_id)).order_by(subscriptions.c.id.desc())
        return [_subscription(row) for row in await self.connection.execute(statement)]

    async def subscription(self, provider: str, ref: str) -> Subscription | None:
        """One, or None."""
        wanted = (subscriptions.c.provider == provider, subscriptions.c.ref == ref)
        row = (await self.connection.execute(select(subscriptions).where(*wanted))).one_or_none()
        return _subscription(row) if row else None


def _hold(row: Row[Any]) -> Hold:
    return Hold(**{name: getattr(row, name) for name in Hold.__dataclass_fields__})


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(**{name: getattr(row, name) for name in Subscription.__dataclass_fields__})
