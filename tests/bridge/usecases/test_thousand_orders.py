"""A thousand lives of eight events against Stripe's real SDK, the stand-in, the inbox, its jobs and a real database (M1)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bridge.domain.entitlement import SubscriptionStatus
from bridge.domain.payment import Line, Order, OrderStatus
from bridge.domain.pricing import Plan
from bridge.ports import DeliveryState
from bridge.usecases import checkout
from web.standins.stripe_account import StripeAccount
from web.standins.stripe_checks import CreateRefund

from .test_checkout import MONTHLY, StripeTill, sqlite_template, sqlite_url, till
from .tills import NOW, PRICE

__all__ = ["sqlite_template", "sqlite_url", "till"]

ORDERS, LOTS, TOGETHER = 1_000, 4, 25
"""In four lots, each in a database of its own; twenty-five under way at a time, so that their events come among each other's."""
TIMES = (1, 1, 2, 3, 4, 10)
"""How often an event is delivered."""


def one_off(account: StripeAccount, page: str) -> list[Any]:
    """Eight events of an interview: paid late, a refund that fails, a dispute that is won, and one that is nothing to us."""
    made: dict[str, str] = {}

    def refund() -> None:
        wish = CreateRefund(payment_intent=account.things[page]["payment_intent"], amount=5_000)
        made["refund"] = account.refund(wish, status="pending")["id"]

    def dispute() -> None:
        made["dispute"] = account.dispute(account.things[page]["payment_intent"])["id"]

    return [
        lambda: account.pay(page, later=True),
        lambda: account.settle(page, ok=True),
        refund,
        lambda: account.finish_refund(made["refund"], ok=False),
        dispute,
        lambda: account.close_dispute(made["dispute"], won=True),
        lambda: account.emit("customer.updated", {"id": "cus_1", "object": "customer"}),
    ]


def a_plan(account: StripeAccount, page: str) -> list[Any]:
    """Eight events of a plan: bought, renewed, not renewed, ended."""

    def ref() -> str:
        return str(account.things[page]["subscription"])

    return [
        lambda: account.pay(page),
        lambda: account.renew(ref()),
        lambda: account.renew(ref(), ok=False),
        lambda: account.cancel(ref()),
    ]


WANTED = {
    None: {
        "payment": PRICE, "credit": PRICE, "refund": -5_000, "refund_credit": -5_000, "refund_undone": 5_000,
        "refund_credit_undone": 5_000, "dispute": -PRICE, "dispute_credit": -PRICE, "dispute_undone": PRICE,
        "dispute_credit_undone": PRICE,
    },
    Plan.PRO: {"payment": 2 * MONTHLY},
}  # fmt: skip


def late(chance: random.Random) -> datetime:
    """Now, or three days late."""
    return NOW + timedelta(days=3 * (chance.random() < 0.2))


def sums(lines: Iterable[Line]) -> dict[str, int]:
    """By kind."""
    added: Counter[str] = Counter()
    for line in lines:
        added[line.kind] += line.amount
    return dict(added)


class Life:
    """An order whose eight events are caused one after another and come in bursts, each one to ten times, in any order."""

    def __init__(self, number: int, order: Order, account: StripeAccount) -> None:
        self.chance = random.Random(number)
        self.order, self._account = order, account
        self._acts = (a_plan if order.plan else one_off)(account, order.checkout_ref or "")
        self._waiting: list[dict[str, Any]] = []
        self.caused = 0

    def burst(self) -> list[dict[str, Any]]:
        """What comes next; empty when all is over."""
        while self._acts and (not self._waiting or self.chance.random() < 0.7):
            before = len(self._account.events)
            self._acts.pop(0)()
            made = self._account.events[before:]
            self.caused += len(made)
            self._waiting += [event for event in made for _ in range(self.chance.choice(TIMES))]
        self.chance.shuffle(self._waiting)
        taken, self._waiting = self._waiting[: (n := self.chance.randint(1, 30))], self._waiting[n:]
        return taken


async def hand_in(till: StripeTill, bursts: dict[str, list[dict[str, Any]]], at: datetime) -> None:
    """Deliveries that come at one moment: each is authenticated, they are kept in one transaction, and the jobs of each order run."""
    came = [(of, event) for of, burst in bursts.items() for event in burst]
    random.Random(len(came)).shuffle(came)
    hints = [till.gateway.read_event(*till.signed(event, at), at.timestamp()) for _, event in came]
    rows = await checkout.keep_all(till.shop, hints, at)

    async def work(order_id: str) -> None:
        for (of, _), row in zip(came, rows, strict=True):
            if of == order_id and row is not None:
                assert await checkout.take(till.shop, row, at) in (DeliveryState.APPLIED, DeliveryState.IGNORED)

    await asyncio.gather(*(work(order_id) for order_id in bursts))


async def as_wanted(till: StripeTill, life: Life) -> None:
    """The end of one: its ledger, its standing, what its owner has."""
    order = life.order
    async with till.store.read() as tx:
        lines = await tx.lines_of_order(order.id)
        plans = await tx.subscriptions(order.user_id)
        left = await tx.balance(order.user_id, "INR")
    assert 8 == life.caused
    assert WANTED[order.plan] == sums(lines)
    assert OrderStatus.COMPLETED is (await till.found(order)).status
    assert (0 if order.plan else PRICE) == left
    assert [SubscriptionStatus.CANCELED] * bool(order.plan) == [held.status for held in plans]


@pytest.mark.parametrize("lot", range(LOTS))
async def test_a_thousand_orders_of_eight_events(till: StripeTill, lot: int) -> None:
    """M1: a thousand permutations, each event one to ten times, some three days late: one ledger a life, credited once, the plan ended."""
    numbers = range(lot * ORDERS // LOTS, (lot + 1) * ORDERS // LOTS)
    for first in numbers[::TOGETHER]:
        lives = []
        for number in range(first, first + TOGETHER):
            order = await till.order(await till.person(), Plan.PRO if number % 2 else None)
            lives.append(Life(number, order, till.account))
        chance = random.Random(first)
        while bursts := {life.order.id: burst for life in lives if (burst := life.burst())}:
            await hand_in(till, bursts, late(chance))
        for life in lives:
            await as_wanted(till, life)
        # What is over is not looked up again: the lists of the account would only grow.
        till.account.things.clear()
        till.account.events.clear()
