"""Sell an interview or a plan, and take in what the provider says of it: one function for webhook, return page and reconciler (R-107, C-12, M1…M5).

`look` asks the provider how an order stands now and books what follows, once; a webhook only says that it is time to look. An order is
stored before its checkout page is opened, and opened under its own id, so that a crash anywhere neither loses nor doubles one.
Read next: `bridge.domain.payment` (what follows), `holds` (what credit is used for).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from loguru import logger

from ..domain.catalog import DIFFICULTIES, TYPES
from ..domain.entitlement import Subscription, decide, due, gives_access, unrenewed
from ..domain.holding import HoldState
from ..domain.payment import Account, Facts, Line, Order, OrderStatus, judge, standing
from ..domain.pricing import PLANS, Money, Plan, Tariff
from ..domain.session import ENDED, InterviewSession, SessionStatus, move
from ..domain.upstream import Delivery
from ..errors import Conflict, NotFound, UpstreamFailed, WrongState
from ..ports import CheckoutAsk, CheckoutGateway, DeliveryState, Hint, Store, Tx
from .calling import owned
from .holds import purse

LOOK_JOB = "look-at-payment"
OPEN_HOURS = 22
"""How long an order waits for its payment; shorter than a provider remembers an idempotency key."""
IN_A_ROUND = 200
"""Open orders looked at in one round of the reconciler; where there are more, those that were not looked at for longest."""
AT_ONCE = 5
ROUND_SECONDS = 20.0
"""A provider that does not answer keeps a round no longer than this."""
EVENTS_SINCE_DAYS = 3
NO_ORDER = "There is no such payment."


@dataclass(frozen=True)
class Shop:
    """Who takes the money, what things cost, and where people come back to."""

    store: Store
    gateway: CheckoutGateway
    tariff: Tariff
    base_url: str


# Begin ------------------------------------------------------------------------------------------------------------------
async def for_session(shop: Shop, user_id: str, session_id: str, now: datetime) -> Order | None:
    """An order with an open checkout page for an interview; None when nothing has to be paid (any more). Raises NotFound, WrongState."""
    async with shop.store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.status in ENDED or session.started_at is not None:
            raise WrongState("This interview has begun or is over, so there is nothing to pay for it.")
        has = await purse(tx, user_id, shop.tariff, now)
        if decide(has, session.setup.difficulty, shop.tariff) is not None:
            await free_to_start(tx, session)
            return None
        order = await _pending(tx, user_id, now, session_id=session_id)
        if order is None:
            amount = due(has, shop.tariff.price(session.setup.difficulty))
            order = await _new(tx, shop, user_id, amount, now, session_id=session_id)
    title = f"Mock interview: {TYPES[session.setup.type].title}, {DIFFICULTIES[session.setup.difficulty].title}"
    return await _opened(shop, order, title, back=f"/interviews/{session_id}")


async def for_plan(shop: Shop, user_id: str, plan: Plan, now: datetime) -> Order:
    """An order with an open checkout page for a plan. Raises Conflict when the person has it."""
    if plan not in shop.tariff.plans:
        raise NotFound("There is no such plan.")
    async with shop.store.begin() as tx:
        await tx.lock_purse(user_id)
        held = await tx.subscriptions(user_id)
        if any(gives_access(s, now, shop.tariff.grace_days) for s in held):
            raise Conflict("You have a plan already. Change or end it under Billing.")
        order = await _pending(tx, user_id, now, plan=plan)
        if order is None:
            order = await _new(tx, shop, user_id, shop.tariff.plan_price(plan), now, plan=plan)
        known = next((s.customer_ref for s in held if s.provider == shop.gateway.name and s.customer_ref), "")
    return await _opened(shop, order, f"PrepKit {PLANS[plan].title}", back="/plans", customer_ref=known)


async def _pending(
    tx: Tx, user_id: str, now: datetime, *, session_id: str | None = None, plan: Plan | None = None
) -> Order | None:
    order = await tx.pending_order(user_id, session_id=session_id, plan=plan)
    return order if order is not None and now < order.created_at + timedelta(hours=OPEN_HOURS) else None


async def _new(
    tx: Tx, shop: Shop, user_id: str, amount: Money, now: datetime, *, session_id: str | None = None, plan: Plan | None = None
) -> Order:
    order = Order(str(uuid4()), user_id, shop.gateway.name, amount, now, session_id=session_id, plan=plan)
    await tx.add_order(order)
    return order


async def _opened(shop: Shop, order: Order, title: str, *, back: str, customer_ref: str = "") -> Order:
    if order.checkout_url:
        return order
    ask = CheckoutAsk(
        order=order,
        title=title,
        return_url=f"{shop.base_url}/payments/{order.id}",
        cancel_url=f"{shop.base_url}{back}",
        customer_ref=customer_ref,
    )
    page = await shop.gateway.open(ask)
    async with shop.store.begin() as tx:
        current = await _order(tx, order.id)
        current = replace(current, checkout_ref=page.ref, checkout_url=page.url, expires_at=page.expires_at)
        await tx.save_order(current)
    return current


async def free_to_start(tx: Tx, session: InterviewSession) -> None:
    """A session that waited for its payment may be started."""
    if session.status is SessionStatus.AWAITING_PAYMENT:
        await tx.save_session(move(session, SessionStatus.READY))


async def _order(tx: Tx, order_id: str) -> Order:
    order = await tx.order(order_id, for_update=True)
    if order is None:
        raise NotFound(NO_ORDER)
    return order


# The one apply ----------------------------------------------------------------------------------------------------------
async def look(shop: Shop, order_id: str, now: datetime, *, checkout_ref: str = "") -> Order:
    """Ask the provider how an order stands and book what follows; may be called by anybody at any time, any number of times.

    `checkout_ref` is where to look when the order does not know its page yet. Raises NotFound, UpstreamFailed.
    """
    async with shop.store.read() as tx:
        order = await tx.order(order_id)
        # What was kept by now has happened by now: the answer to come holds it, so that a burst of events asks once.
        seen = await tx.newest_delivery()
    if order is None:
        raise NotFound(NO_ORDER)
    if order.status is OrderStatus.QUARANTINED or order.provider != shop.gateway.name:
        return order
    if not (order.checkout_ref or checkout_ref):
        return await _never_opened(shop, order, now)
    facts = await shop.gateway.facts(replace(order, checkout_ref=order.checkout_ref or checkout_ref))
    ref = facts.subscription_ref or order.subscription_ref
    plan = await shop.gateway.subscription(ref, now) if order.plan and ref else None
    async with shop.store.begin() as tx:
        before = await _order(tx, order_id)
        elsewhere = await _elsewhere(tx, before, facts)
        judged = judge(before, facts, now, livemode=shop.gateway.livemode, elsewhere=elsewhere)
        for line in judged.lines:
            await _book(tx, line)
        order = standing(judged.order, await tx.lines_of_order(order_id))
        order = replace(order, seen=max(order.seen, seen))
        await tx.save_order(order)
        if order.needs_a_look and order.problem != before.problem:
            logger.error("Payment {} is in quarantine: {}", order.id, order.problem)
        if order.status is OrderStatus.QUARANTINED:
            return order
        if plan is not None and order.plan is not None and order.paid_at is not None:
            await _renew(tx, order, plan, recognised=judged.recognised)
        elif order.session_id and order.status is OrderStatus.COMPLETED:
            session = await tx.session(order.session_id, for_update=True)
            if session is not None:
                await free_to_start(tx, session)
    return order


async def _elsewhere(tx: Tx, order: Order, facts: Facts) -> bool:
    """Whether what pays for this order pays for another already."""
    ref = facts.subscription_ref
    holder = await tx.order_by(order.provider, subscription_ref=ref) if ref else None
    if holder is not None and holder.id != order.id:
        return True
    booked = [await tx.line("payment", payment) for payment, _ in facts.payments]
    return any(line is not None and line.order_id not in (None, order.id) for line in booked)


async def _renew(tx: Tx, order: Order, plan: Subscription, *, recognised: bool) -> None:
    """Keep how the order's plan stands; a month that was not paid as agreed renews nothing."""
    plan = replace(plan, user_id=order.user_id, plan=order.plan or plan.plan)
    if recognised:
        await tx.save_subscription(plan)
        return
    kept = await tx.subscription(order.provider, order.subscription_ref or "")
    if kept is not None and kept.user_id == order.user_id:
        await tx.save_subscription(unrenewed(kept, plan))


async def _never_opened(shop: Shop, order: Order, now: datetime) -> Order:
    """A crash before its page was known: the page was shown to nobody, so the order can be given up once it is old."""
    if order.status is OrderStatus.PENDING and now > order.created_at + timedelta(hours=OPEN_HOURS):
        async with shop.store.begin() as tx:
            order = replace(await _order(tx, order.id), status=OrderStatus.FAILED, problem="It was never paid.")
            await tx.save_order(order)
    return order


async def _book(tx: Tx, line: Line) -> None:
    """Book a line; money given back for an interview that was held all the same takes no credit from its candidate."""
    if not await tx.add_line(line) or line.account is not Account.CREDIT or not line.session_id:
        return
    if line.kind == "refund_credit":
        used = await tx.hold(line.session_id)
        if used is not None and used.state is HoldState.CONSUMED:
            await tx.add_line(replace(line, kind="goodwill", amount=-line.amount))
    elif line.kind == "refund_credit_undone" and await tx.line("goodwill", line.ref):
        await tx.add_line(replace(line, kind="goodwill_undone", amount=-line.amount))


# Events -----------------------------------------------------------------------------------------------------------------
async def receive(shop: Shop, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
    """Keep an authenticated event and enqueue the look, in one transaction; False for a repeat. Raises BadSignature, InvalidInput."""
    return await keep(shop, shop.gateway.read_event(headers, raw, now.timestamp()), now)


async def keep(shop: Shop, hint: Hint, now: datetime) -> bool:
    """Keep an event that is known to be the provider's; False for a repeat."""
    return (await keep_all(shop, [hint], now))[0] is not None


async def keep_all(shop: Shop, hints: Sequence[Hint], now: datetime) -> list[int | None]:
    """Keep events in one transaction: a row each, None for a repeat."""
    rows = []
    async with shop.store.begin() as tx:
        for hint in hints:
            delivery = Delivery(call_id=None, key=hint.id, type=hint.type, messages=(), body=hint.body)
            row = await tx.add_delivery(f"pay:{shop.gateway.name}", delivery, now)
            if row is not None:
                await tx.enqueue(LOOK_JOB, str(row), {"deliveryId": row})
            rows.append(row)
    return rows


async def take(shop: Shop, delivery_id: int, now: datetime) -> DeliveryState | None:
    """Look at the order an event is about; None for one that was taken already. Failed means: kept for a person to look at."""
    async with shop.store.read() as tx:
        stored = await tx.delivery(delivery_id)
        if stored is None or stored.state is not DeliveryState.STORED:
            return None
        hint = shop.gateway.hint_of(stored.body)
        known = await tx.order_by(
            shop.gateway.name,
            checkout_ref=hint.checkout_ref,
            payment_ref=hint.payment_ref,
            subscription_ref=hint.subscription_ref,
        ) or (await tx.order(hint.order_id) if hint.order_id else None)
    state = await _take(shop, hint, known, delivery_id, now)
    async with shop.store.begin() as tx:
        await tx.mark_delivery(delivery_id, state)
    return state


async def _take(shop: Shop, hint: Hint, known: Order | None, delivery_id: int, now: datetime) -> DeliveryState:
    if hint.livemode != shop.gateway.livemode:
        logger.error("A payment event of the other mode (live or test) is in quarantine: {}", hint.id)
        return DeliveryState.FAILED
    if known is None and (order_id := await shop.gateway.find(hint)):
        async with shop.store.read() as tx:
            known = await tx.order(order_id)
    if known is None:
        return DeliveryState.IGNORED
    named = ((hint.checkout_ref, known.checkout_ref), (hint.customer_ref, known.customer_ref))
    if hint.order_id not in ("", known.id) or any(theirs and ours and theirs != ours for theirs, ours in named):
        logger.error("A payment event that names another order or customer than its own is in quarantine: {}", hint.id)
        return DeliveryState.FAILED
    if delivery_id > known.seen:
        known = await look(shop, known.id, now, checkout_ref=hint.checkout_ref)
    return DeliveryState.FAILED if known.needs_a_look else DeliveryState.APPLIED


# What nobody tells us ---------------------------------------------------------------------------------------------------
async def reconcile(shop: Shop, now: datetime, looked: dict[str, int] | None = None) -> int:
    """Look at open orders, as many as a round may hold; how many are settled now. One that cannot be looked at keeps no other waiting.

    `looked` is kept from round to round: an order that was never looked at comes first, the newest before all, then whose turn is longest ago.
    """
    looked = {} if looked is None else looked
    async with shop.store.read() as tx:
        waiting = await tx.open_orders(shop.gateway.name)
    turns = {order.id: looked.get(order.id, 0) for order in waiting}
    looked.clear()
    looked |= turns
    this_turn = max(turns.values(), default=0) + 1
    gate = asyncio.Semaphore(AT_ONCE)

    async def settles(order: Order) -> bool:
        async with gate:
            looked[order.id] = this_turn
            return (await look(shop, order.id, now)).status is not OrderStatus.PENDING

    chosen = sorted(waiting, key=lambda order: turns[order.id])[:IN_A_ROUND]
    ends: list[bool | BaseException] = []
    try:
        async with asyncio.timeout(ROUND_SECONDS):
            ends = await asyncio.gather(*map(settles, chosen), return_exceptions=True)
    except TimeoutError:
        logger.warning("The payment provider is too slow: not all of {} open payments could be looked at", len(chosen))
    for order, end in zip(chosen, ends, strict=False):
        if isinstance(end, UpstreamFailed):
            logger.warning("A payment could not be looked at: {}", end.reason)
        elif isinstance(end, BaseException):
            logger.opt(exception=end).error("Looking at payment {} failed and will be tried again", order.id)
    return sum(end is True for end in ends)


async def catch_up(shop: Shop, now: datetime) -> int:
    """Keep the provider's events of the last days that were never delivered; how many there were."""
    hints = await shop.gateway.events(now - timedelta(days=EVENTS_SINCE_DAYS))
    return sum(row is not None for row in await keep_all(shop, hints, now))
