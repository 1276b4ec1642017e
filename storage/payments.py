"""Money: orders, the append-only ledger and its balances, refunds. Read next: `holds` (what pays for an interview, plans)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from bridge.domain.entitlement import Source
from bridge.domain.holding import HoldState
from bridge.domain.payment import Account, Line, Order, OrderStatus
from bridge.domain.pricing import Money, Plan, spent_on
from bridge.domain.upstream import CostEntry
from bridge.errors import NotFound
from bridge.ports import Earned, Refund

from .columns import as_uuid
from .holds import HoldRows
from .tables import cost_entries, demo_payments, holds, interview_sessions, money_lines, orders, refunds, users

PAISE_MICROS = 10_000
"""Millionths of a rupee in a paisa."""


class PaymentRows(HoldRows):
    """The money part of a transaction."""

    # Orders -------------------------------------------------------------------------------------------------------------
    async def add_order(self, order: Order) -> None:
        """Insert."""
        await self.change(insert(orders), [_order_row(order)])

    async def order(self, order_id: str, *, for_update: bool = False) -> Order | None:
        """One order, or None."""
        known = as_uuid(order_id)
        return await self._order([orders.c.id == known], for_update=for_update) if known else None

    async def order_by(
        self, provider: str, *, checkout_ref: str = "", payment_ref: str = "", subscription_ref: str = ""
    ) -> Order | None:
        """The order with the first of the provider's ids that is known, or None."""
        o = orders.c
        for column, ref in ((o.checkout_ref, checkout_ref), (o.payment_ref, payment_ref), (o.subscription_ref, subscription_ref)):
            if ref and (found := await self._order([o.provider == provider, column == ref])):
                return found
        return None

    async def orders_of(self, user_id: str) -> list[Order]:
        """A person's, newest first."""
        statement = select(orders).where(orders.c.user_id == as_uuid(user_id)).order_by(orders.c.created_at.desc(), orders.c.id)
        return [_order(row) for row in await self.connection.execute(statement)]

    async def open_orders(self, provider: str) -> list[Order]:
        """Pending ones, newest first."""
        wanted = (orders.c.provider == provider, orders.c.status == OrderStatus.PENDING)
        statement = select(orders).where(*wanted).order_by(orders.c.created_at.desc(), orders.c.id)
        return [_order(row) for row in await self.connection.execute(statement)]

    async def pending_order(self, user_id: str, *, session_id: str | None = None, plan: Plan | None = None) -> Order | None:
        """The newest pending order for the same thing."""
        o = orders.c
        return await self._order(
            [o.user_id == as_uuid(user_id), o.status == OrderStatus.PENDING, o.session_id == session_id, o.plan == plan]
        )

    async def quarantined(self) -> list[Order]:
        """Orders a person must look at (`Order.needs_a_look`), oldest first."""
        wanted = (orders.c.status == OrderStatus.QUARANTINED) | (orders.c.paid_at.is_not(None) & (orders.c.problem != ""))
        statement = select(orders).where(wanted).order_by(orders.c.created_at)
        return [_order(row) for row in await self.connection.execute(statement)]

    async def save_order(self, order: Order) -> None:
        """Write every field. Raises NotFound."""
        result = await self.change(update(orders).where(orders.c.id == as_uuid(order.id)).values(_order_row(order)))
        if result.rowcount == 0:
            raise NotFound("There is no such payment.")

    async def order_counts(self) -> dict[str, int]:
        """How many orders have which status."""
        rows = await self.connection.execute(select(orders.c.status, func.count()).group_by(orders.c.status))
        return {row[0].value: row[1] for row in rows}

    async def _order(self, wanted: Sequence[Any], *, for_update: bool = False) -> Order | None:
        statement = select(orders).where(*wanted).order_by(orders.c.created_at.desc()).limit(1)
        row = (await self.connection.execute(statement.with_for_update() if for_update else statement)).one_or_none()
        return _order(row) if row else None

    # The money ledger ---------------------------------------------------------------------------------------------------
    async def lock_purse(self, user_id: str) -> None:
        """Hold the person's row; on SQLite a writing transaction is alone anyway."""
        await self.connection.execute(select(users.c.id).where(users.c.id == as_uuid(user_id)).with_for_update())

    async def add_line(self, line: Line) -> bool:
        """Book a line once; False when (kind, ref) is there already."""
        statement = self.insert(money_lines).values(asdict(line)).on_conflict_do_nothing(index_elements=["kind", "ref"])
        result = await self.change(statement.returning(money_lines.c.id))
        return result.scalar_one_or_none() is not None

    async def line(self, kind: str, ref: str) -> Line | None:
        """One line, or None."""
        statement = select(money_lines).where(money_lines.c.kind == kind, money_lines.c.ref == ref)
        row = (await self.connection.execute(statement)).one_or_none()
        return _line(row) if row else None

    async def lines_of_order(self, order_id: str) -> list[Line]:
        """An order's, in order of booking."""
        statement = select(money_lines).where(money_lines.c.order_id == as_uuid(order_id)).order_by(money_lines.c.id)
        return [_line(row) for row in await self.connection.execute(statement)]

    async def lines_of(self, user_id: str) -> list[Line]:
        """A person's, in order of booking."""
        statement = select(money_lines).where(money_lines.c.user_id == as_uuid(user_id)).order_by(money_lines.c.id)
        return [_line(row) for row in await self.connection.execute(statement)]

    async def balance(self, user_id: str, currency: str) -> int:
        """A person's credit."""
        m = money_lines.c
        wanted = (m.user_id == as_uuid(user_id), m.account == Account.CREDIT, m.currency == currency)
        return int(await self.connection.scalar(select(func.coalesce(func.sum(m.amount), 0)).where(*wanted)) or 0)

    async def paid_in(self, user_id: str) -> list[Money]:
        """What a person has paid and not got back, by currency."""
        m = money_lines.c
        statement = select(m.currency, func.sum(m.amount)).where(m.user_id == as_uuid(user_id), m.account == Account.CASH)
        rows = await self.connection.execute(statement.group_by(m.currency).order_by(m.currency))
        return [Money(int(amount), currency) for currency, amount in rows]

    # Refunds ------------------------------------------------------------------------------------------------------------
    async def add_refund(self, refund: Refund) -> bool:
        """Keep the wish once; False when (order, cause) is there already."""
        statement = self.insert(refunds).values(asdict(refund)).on_conflict_do_nothing(index_elements=["order_id", "cause"])
        result = await self.change(statement.returning(refunds.c.id))
        return result.scalar_one_or_none() is not None

    async def refund(self, refund_id: str) -> Refund | None:
        """One, or None."""
        row = (await self.connection.execute(select(refunds).where(refunds.c.id == as_uuid(refund_id)))).one_or_none()
        return Refund(**row._mapping) if row else None

    async def refunds_of(self, order_id: str) -> list[Refund]:
        """An order's, in order of asking."""
        statement = select(refunds).where(refunds.c.order_id == as_uuid(order_id)).order_by(refunds.c.asked_at, refunds.c.id)
        return [Refund(**row._mapping) for row in await self.connection.execute(statement)]

    async def save_refund(self, refund: Refund) -> None:
        """Write what came of it."""
        await self.change(update(refunds).where(refunds.c.id == refund.id).values(asdict(refund)))

    # Cost against price -------------------------------------------------------------------------------------------------
    async def earnings(self, *, limit: int) -> list[Earned]:
        """The newest interviews that began, with what they cost and brought; a measured cost replaces its estimate."""
        newest = await self.connection.execute(
            select(interview_sessions, holds.c.amount, holds.c.state, holds.c.source)
            .outerjoin(holds, holds.c.session_id == interview_sessions.c.id)
            .where(interview_sessions.c.started_at.is_not(None))
            .order_by(interview_sessions.c.started_at.desc())
            .limit(limit)
        )
        rows = newest.all()
        booked = await self.connection.execute(
            select(cost_entries).where(cost_entries.c.session_id.in_([row.id for row in rows]))
        )
        entries: dict[str, list[CostEntry]] = {}
        for line in booked:
            entry = CostEntry(**{name: getattr(line, name) for name in CostEntry.__dataclass_fields__})
            entries.setdefault(entry.session_id, []).append(entry)
        costs = {row.id: spent_on(entries.get(row.id, [])) for row in rows}
        rupees = {row.id: sum(spent_on(entries.get(row.id, []), self.rate.inr_micros)) for row in rows}
        return [
            Earned(
                session_id=row.id,
                at=row.started_at,
                type=row.type.value,
                difficulty=row.difficulty.value,
                engine=row.engine,
                elapsed_ms=row.elapsed_ms,
                cost_micros=costs[row.id][0],
                estimated_micros=costs[row.id][1],
                cost_paise=round(rupees[row.id] / PAISE_MICROS),
                brought=row.amount if row.state is HoldState.CONSUMED and row.source is Source.CREDIT else 0,
                source=row.source.value if row.source else "",
            )
            for row in rows
        ]

    # The demonstration's provider ---------------------------------------------------------------------------------------
    async def demo_payment(self, ref: str) -> tuple[str, dict[str, Any]] | None:
        """Order id and state that the pretended provider knows of a checkout."""
        row = (await self.connection.execute(select(demo_payments).where(demo_payments.c.ref == ref))).one_or_none()
        return (row.order_id, dict(row.state)) if row else None

    async def save_demo_payment(self, ref: str, order_id: str, state: dict[str, Any]) -> None:
        """Keep what the pretended provider knows."""
        await self.change(self.upsert(demo_payments, ["ref"]).values(ref=ref, order_id=order_id, state=state))


def _order_row(order: Order) -> dict[str, Any]:
    row = {name: getattr(order, name) for name in order.__dataclass_fields__ if name != "amount"}
    return row | {"amount": order.amount.amount, "currency": order.amount.currency}


def _order(row: Row[Any]) -> Order:
    fields = {name: getattr(row, name) for name in Order.__dataclass_fields__ if name != "amount"}
    return Order(amount=Money(row.amount, row.currency), **fields)


def _line(row: Row[Any]) -> Line:
    return Line(**{name: getattr(row, name) for name in Line.__dataclass_fields__})
