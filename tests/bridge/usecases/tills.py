"""A shop over a provider's real client and stand-in, and what its process may die of, for the tests of orders (M1…M5)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.account import Account, Role
from bridge.domain.payment import Line, Order, OrderStatus
from bridge.domain.pricing import Plan, Tariff
from bridge.domain.session import SessionStatus, move
from bridge.ports import CheckoutGateway, DeliveryState, Store
from bridge.usecases import calling, checkout, refunds, set_up
from bridge.usecases.checkout import Shop

from ...web.house import SETUP

PRICE = 14_900
NOW = datetime.now(UTC)


class Till:
    """A shop on a stand-in, and what is stored of it."""

    pages = ""
    """What the provider calls a checkout page."""

    def __init__(self, store: Store, gateway: CheckoutGateway, tariff: Tariff) -> None:
        self.store, self.gateway = store, gateway
        self.shop = Shop(store, gateway, tariff, "http://127.0.0.1:1")

    @property
    @abstractmethod
    def account(self) -> Any:
        """What customers and banks do at the provider."""

    async def person(self) -> str:
        """Somebody new."""
        user_id = str(uuid4())
        async with self.store.begin() as tx:
            await tx.add_account(Account(user_id, Role.CANDIDATE, NOW))
        return user_id

    async def order(self, user_id: str, plan: Plan | None = None) -> Order:
        """An order with its page."""
        if plan is not None:
            return await checkout.for_plan(self.shop, user_id, plan, NOW)
        session = await set_up.set_up(self.store, user_id, SETUP, NOW)
        async with self.store.begin() as tx:
            await tx.save_session(move(session, SessionStatus.AWAITING_PAYMENT))
        made = await checkout.for_session(self.shop, user_id, session.id, NOW)
        assert made is not None
        return made

    async def bought(self, user_id: str) -> Order:
        """An order that is paid and looked at."""
        order = await self.order(user_id)
        self.account.pay(order.checkout_ref or "")
        return await checkout.look(self.shop, order.id, NOW)

    async def take_newest(self, at: datetime) -> DeliveryState | None:
        """Do the job of the event that was kept last."""
        async with self.store.read() as tx:
            newest = (await tx.deliveries(f"pay:{self.gateway.name}"))[-1]
        return await checkout.take(self.shop, newest.id, at)

    async def found(self, order: Order) -> Order:
        """The order as it is stored."""
        async with self.store.read() as tx:
            kept = await tx.order(order.id)
        assert kept is not None
        return kept

    async def lines(self, order: Order) -> list[Line]:
        """What is booked for an order."""
        async with self.store.read() as tx:
            return await tx.lines_of_order(order.id)

    async def balance(self, user_id: str) -> int:
        """Credit."""
        async with self.store.read() as tx:
            return await tx.balance(user_id, "INR")

    async def quarantined(self) -> list[str]:
        """Ids of the orders that a person must look at."""
        async with self.store.read() as tx:
            return [order.id for order in await tx.quarantined()]


# A process that dies ----------------------------------------------------------------------------------------------------
class Crash(Exception):
    """kill -9, as far as one process can tell."""


class Broken:
    """A gateway whose process dies before or after a call reached the provider."""

    def __init__(self, inner: CheckoutGateway, name: str, *, after: bool) -> None:
        self._inner, self._name, self._after = inner, name, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._name:
            return found

        async def call(*args: Any, **options: Any) -> Any:
            if self._after:
                await found(*args, **options)
            raise Crash

        return call


class BrokenStore:
    """A store whose process dies right before its n-th transaction."""

    def __init__(self, inner: Store, nth: int) -> None:
        self._inner, self._left = inner, nth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def begin(self) -> Any:
        """The n-th transaction is lost."""
        self._left -= 1
        if self._left == 0:
            raise Crash
        return self._inner.begin()


def broken(till: Till, name: str, *, after: bool) -> Shop:
    """The shop in a process that dies around a call to the provider."""
    return replace(till.shop, gateway=Broken(till.gateway, name, after=after))  # type: ignore[arg-type]


def broken_at(till: Till, nth: int) -> Shop:
    """The shop in a process that dies right before a transaction."""
    return replace(till.shop, store=BrokenStore(till.store, nth))  # type: ignore[arg-type]


OPENING = {
    "before open": lambda till: broken(till, "open", after=False),
    "after open": lambda till: broken(till, "open", after=True),
    "before its page is kept": lambda till: broken_at(till, 2),
}
LOOKING = {
    "before facts": lambda till: broken(till, "facts", after=False),
    "after facts": lambda till: broken(till, "facts", after=True),
    "before booking": lambda till: broken_at(till, 1),
}
POINTS = [*OPENING, *LOOKING]
"""Where the process dies."""


async def die_and_go_on(till: Till, point: str) -> None:
    """M3: wherever the process dies, the order has one page, is credited once, and the reconciler finds what was paid."""
    user_id = await till.person()
    session = await set_up.set_up(till.store, user_id, SETUP, NOW)
    if point in OPENING:
        with pytest.raises(Crash):
            await checkout.for_session(OPENING[point](till), user_id, session.id, NOW)
        await checkout.reconcile(till.shop, NOW)
    order = await checkout.for_session(till.shop, user_id, session.id, NOW)
    assert order is not None
    assert [order.checkout_ref] == [page["id"] for page in till.account.all(till.pages)]
    till.account.pay(order.checkout_ref or "")
    if point in LOOKING:
        with pytest.raises(Crash):
            await checkout.look(LOOKING[point](till), order.id, NOW)
    assert [1, 0] == [await checkout.reconcile(till.shop, NOW) for _ in range(2)]
    assert PRICE == await till.balance(user_id)
    assert None is await checkout.for_session(till.shop, user_id, session.id, NOW), "paid: there is nothing more to pay"


async def die_after_refunding(till: Till) -> tuple[Order, str]:
    """M4: an order and a wish whose refund the provider made, which the process that asked for it never heard."""
    order = await till.bought(await till.person())
    async with till.store.begin() as tx:
        assert [True, False] == [await refunds.ask(tx, order, "operator:x", NOW) for _ in range(2)]
        (wish,) = await tx.refunds_of(order.id)
    with pytest.raises(Crash):
        await refunds.send(till.store, Broken(till.gateway, "refund", after=True), wish.id)  # type: ignore[arg-type]
    return order, wish.id


async def is_given_back_once(till: Till, order: Order, wish_id: str) -> None:
    """M4: however often a wish is sent, one refund stands at the provider, and nothing of the order is left as credit."""
    for _ in range(2):
        assert order.id == await refunds.send(till.store, till.gateway, wish_id)
    assert [order.amount.amount] == [refund["amount"] for refund in till.account.all("refund")]
    assert OrderStatus.REFUNDED is (await checkout.look(till.shop, order.id, NOW)).status
    assert 0 == await till.balance(order.user_id or "")


async def fail_by_our_fault(till: Till) -> tuple[Order, str]:
    """M4, R-108: a paid interview that fails by our fault under `PREPKIT_REFUND_POLICY=money`, told twice; its one wish for a refund."""
    order = await till.bought(await till.person())
    assert order.session_id is not None
    tariff = replace(till.shop.tariff, refund_to_money=True)
    _, token = await calling.start(till.store, order.user_id or "", order.session_id, "local", NOW, tariff=tariff)
    await calling.admit(till.store, order.session_id, token, NOW)
    for _ in range(2):
        await calling.finish(till.store, order.session_id, "failed_upstream", elapsed_ms=600_000, now=NOW)
    async with till.store.read() as tx:
        (wish,) = await tx.refunds_of(order.id)
    return order, wish.id
