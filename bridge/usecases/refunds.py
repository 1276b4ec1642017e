"""Give money back: the wish is a row, a job sends it with the row's id as the idempotency key, so it is sent exactly once (M4, R-108).

Read next: `checkout`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from ..domain.payment import Order, OrderStatus
from ..domain.session import InterviewSession
from ..errors import Conflict
from ..ports import CheckoutGateway, Refund, Store, Tx

REFUND_JOB = "send-refund"


async def ask(tx: Tx, order: Order, cause: str, now: datetime, amount: int | None = None) -> bool:
    """Wish an order's money back, in whole unless an amount is given; False when it is wished already for this cause."""
    if order.status is not OrderStatus.COMPLETED:
        raise Conflict(f"This payment is {order.status.value}; there is nothing to give back.")
    left = order.amount.amount - order.refunded
    wish = Refund(str(uuid4()), order.id, cause, min(amount or left, left), now)
    if wish.amount <= 0:
        raise Conflict("All of this payment has been given back.")
    if not await tx.add_refund(wish):
        return False
    await tx.enqueue(REFUND_JOB, wish.id, {"refundId": wish.id})
    return True


async def paid_for(tx: Tx, session: InterviewSession) -> list[Order]:
    """Completed payments for this interview by itself; none where it was free, of a plan, paid with credit, or given back."""
    orders = await tx.orders_of(session.user_id)
    return [order for order in orders if order.session_id == session.id and order.status is OrderStatus.COMPLETED]


async def ask_for_session(tx: Tx, session: InterviewSession, now: datetime) -> None:
    """Wish back what was paid for a session that failed by our fault; nothing where it was paid with credit from elsewhere."""
    for order in await paid_for(tx, session):
        await ask(tx, order, f"fault:{session.id}", now)


async def send(store: Store, gateway: CheckoutGateway, refund_id: str) -> str | None:
    """Send a refund to its provider; the id of its order. A repeat is the same refund at the provider."""
    async with store.read() as tx:
        wish = await tx.refund(refund_id)
        order = await tx.order(wish.order_id) if wish else None
    if wish is None or order is None:
        return None
    if wish.provider_ref is None:
        ref = await gateway.refund(order, wish)
        async with store.begin() as tx:
            await tx.save_refund(replace(wish, provider_ref=ref))
    return order.id
