"""Orders through Razorpay's real client and stand-in, the real inbox, look and database: any order of events, crashes, what does not match (M1…M5)."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bridge.clients.razorpay import RazorpayCheckout
from bridge.domain.payment import OrderStatus
from bridge.domain.pricing import Plan, Tariff
from bridge.errors import NotFound, UpstreamFailed
from bridge.ports import DeliveryState, Store
from bridge.usecases import checkout, set_up
from storage.database import Database
from web.standins.razorpay import RazorpayStandin, signed
from web.standins.razorpay_account import RazorpayAccount
from web.standins.razorpay_checks import CreateRefund

from ...storage.conftest import sqlite_template, sqlite_url
from ...web.house import SETUP
from .test_thousand_orders import late, sums
from .tills import (
    NOW,
    POINTS,
    PRICE,
    Crash,
    Till,
    broken,
    die_after_refunding,
    die_and_go_on,
    fail_by_our_fault,
    is_given_back_once,
)

__all__ = ["sqlite_template", "sqlite_url"]

KEY, KEY_SECRET, SECRET = "rzp_test_standin", "standin", "whsec_standin"


class RazorpayTill(Till):
    """A shop on the stand-in, and deliveries to it."""

    pages = "payment_link"

    def __init__(self, store: Store, stand: RazorpayStandin) -> None:
        super().__init__(store, RazorpayCheckout(KEY, KEY_SECRET, SECRET, stand.url), Tariff(free_monthly=False, plans={}))
        self.stand = stand

    @property
    def account(self) -> RazorpayAccount:
        """What customers and banks do."""
        return self.stand.account

    async def deliver(self, event: dict[str, Any], at: datetime = NOW) -> DeliveryState | None:
        """Receive one event and do its job; None for a repeat."""
        raw = json.dumps(event["body"]).encode()
        headers = signed(event["id"], raw, SECRET)
        return await self.take_newest(at) if await checkout.receive(self.shop, headers, raw, at) else None

    async def hand_in(self, events: list[dict[str, Any]], at: datetime) -> None:
        """Deliveries that come at one moment: each is authenticated, they are kept in one transaction, and their jobs run."""
        hints = []
        for event in events:
            raw = json.dumps(event["body"]).encode()
            hints.append(self.gateway.read_event(signed(event["id"], raw, SECRET), raw, at.timestamp()))
        rows = [row for row in await checkout.keep_all(self.shop, hints, at) if row is not None]
        for row in rows:
            assert await checkout.take(self.shop, row, at) in (DeliveryState.APPLIED, DeliveryState.IGNORED)


@pytest.fixture
async def till(sqlite_url: str) -> AsyncIterator[RazorpayTill]:
    """A shop on a real file."""
    database = await Database.open(sqlite_url)
    async with RazorpayStandin(key_id=KEY, key_secret=KEY_SECRET, webhook_secret=SECRET) as stand:
        made = RazorpayTill(database, stand)
        yield made
        await made.gateway.close()
    await database.close()


# M1 ---------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Life:
    """What happens to a link, how many events that makes, and what must be left of it."""

    acts: Callable[[RazorpayAccount, str], list[Callable[[], Any]]]
    events: int
    status: OrderStatus
    ledger: dict[str, int]


def contested(account: RazorpayAccount, link: str) -> list[Callable[[], Any]]:
    """Refused, paid, a refund that fails, a dispute that is won."""
    made: dict[str, str] = {}

    def keep(name: str, act: Callable[[], Any]) -> Callable[[], None]:
        return lambda: made.update({name: act()["id"]})

    return [
        lambda: account.fail(link),
        keep("pay", lambda: account.attempt(link)),
        lambda: account.capture(made["pay"]),
        keep("refund", lambda: account.refund(made["pay"], CreateRefund(amount=5_000), status="pending")),
        lambda: account.finish_refund(made["refund"], ok=False),
        keep("dispute", lambda: account.dispute(made["pay"])),
        lambda: account.close_dispute(made["dispute"], "won"),
    ]


def given_back(account: RazorpayAccount, link: str) -> list[Callable[[], Any]]:
    """Paid, then given back in two parts."""
    made: list[str] = []
    return [
        lambda: made.append(account.pay(link)["id"]),
        lambda: account.refund(made[0], CreateRefund(amount=5_000)),
        lambda: account.refund(made[0], CreateRefund()),
    ]


def too_late(account: RazorpayAccount, link: str) -> list[Callable[[], Any]]:
    """The link expires while the money is on its way, which arrives all the same."""
    made: list[str] = []
    return [
        lambda: made.append(account.attempt(link)["id"]),
        lambda: account.expire(link),
        lambda: account.capture(made[0]),
    ]


PAID = {"payment": PRICE, "credit": PRICE}
LIVES = {
    "contested": Life(
        contested,
        10,
        OrderStatus.COMPLETED,
        PAID
        | {
            "refund": -5_000, "refund_credit": -5_000, "refund_undone": 5_000, "refund_credit_undone": 5_000,
            "dispute": -PRICE, "dispute_credit": -PRICE, "dispute_undone": PRICE, "dispute_credit_undone": PRICE,
        },
    ),
    "refunded": Life(given_back, 8, OrderStatus.REFUNDED, PAID | {"refund": -PRICE, "refund_credit": -PRICE}),
    "cancelled": Life(lambda account, link: [lambda: account.fail(link), lambda: account.cancel(link)], 3, OrderStatus.FAILED, {}),
    "expired": Life(lambda account, link: [lambda: account.expire(link)], 1, OrderStatus.FAILED, {}),
    "late": Life(too_late, 4, OrderStatus.COMPLETED, PAID),
}  # fmt: skip


async def test_two_hundred_orders_through_inbox_jobs_and_ledger(till: RazorpayTill) -> None:
    """M1: 40 orders of each of five lives, each event one to ten times, shuffled among what causes them, a fifth three days late: one ledger a life."""
    for number in range(200):
        chance, life = random.Random(number), list(LIVES.values())[number % len(LIVES)]
        user_id = await till.person()
        order = await till.order(user_id)
        acts = life.acts(till.account, order.checkout_ref or "")
        began = seen = len(till.account.events)
        waiting: list[dict[str, Any]] = []
        while acts or waiting:
            if acts and (not waiting or chance.random() < 0.7):
                acts.pop(0)()
                for event in till.account.events[seen:]:
                    waiting += [event] * chance.randint(1, 10)
                seen = len(till.account.events)
                continue
            chance.shuffle(waiting)
            taken, waiting = waiting[: (n := chance.randint(1, 30))], waiting[n:]
            await till.hand_in(taken, late(chance))
        assert life.events == seen - began
        async with till.store.read() as tx:
            lines = await tx.lines_of_order(order.id)
        assert (life.status, life.ledger) == ((await till.found(order)).status, sums(lines)), number
        assert sum(amount for kind, amount in life.ledger.items() if "credit" in kind) == await till.balance(user_id)
        # What is over is not looked up again: the lists of the account would only grow.
        till.account.things.clear()
        till.account.events.clear()


async def test_an_event_alone_finds_its_order_and_counts_once(till: RazorpayTill) -> None:
    """M1: a payment that comes before its link's event is applied at once, through the provider; a repeat, and one of another shop, are nothing."""
    user_id = await till.person()
    order = await till.order(user_id)
    till.account.pay(order.checkout_ref or "")
    captured = till.account.events[1]
    assert "payment.captured" == captured["body"]["event"]
    assert DeliveryState.APPLIED is await till.deliver(captured)
    assert None is await till.deliver(captured)
    assert (OrderStatus.COMPLETED, PRICE) == ((await till.found(order)).status, await till.balance(user_id))
    for reference in ("TS1989", "", str(uuid4())):
        foreign = till.account.emit("payment_link.paid", payment_link={"id": f"plink_{reference}", "reference_id": reference})
        assert DeliveryState.IGNORED is await till.deliver(foreign)
    assert DeliveryState.IGNORED is await till.deliver(
        till.account.emit("payment.captured", payment={"id": "pay_of_another_shop"})
    )


# M2, M3 -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_at_six_points(till: RazorpayTill, point: str) -> None:
    """M3: wherever the process dies, the order has one link, is credited once, and the reconciler finds what was paid."""
    await die_and_go_on(till, point)


@pytest.mark.parametrize("what", ["reset after", "reset before"])
async def test_a_checkout_whose_answer_is_lost(till: RazorpayTill, what: Any) -> None:
    """M3: the line breaks while a link is made: pressed again it is the same order with one link, and paid it counts once."""
    user_id = await till.person()
    session = await set_up.set_up(till.store, user_id, SETUP, NOW)
    till.stand.failures = [None, what, 503, 503, 503]
    with pytest.raises(UpstreamFailed):
        await checkout.for_session(till.shop, user_id, session.id, NOW)
    orders = [await checkout.for_session(till.shop, user_id, session.id, NOW) for _ in range(2)]
    assert orders[0] == orders[1]
    (link,) = till.account.all("payment_link")
    till.account.pay(link["id"])
    for event in till.account.events:
        assert DeliveryState.APPLIED is await till.deliver(event)
    assert PRICE == await till.balance(user_id)


async def test_what_the_provider_cannot_say_waits(till: RazorpayTill) -> None:
    """M2: while the provider is out of reach nothing is lost; afterwards the same order is settled."""
    order = await till.order(await till.person())
    till.account.pay(order.checkout_ref or "")
    till.stand.failures = [500] * 3
    assert [0, 1] == [await checkout.reconcile(till.shop, NOW) for _ in range(2)]


async def test_what_happens_after_a_payment_is_found_without_a_webhook(till: RazorpayTill) -> None:
    """M2: a refund made on the provider's own pages and a lost dispute, whose webhooks are lost, are found in its lists, once."""
    user_id, other = await till.person(), await till.person()
    order, disputed = await till.bought(user_id), await till.bought(other)
    refund = till.account.refund(order.payment_ref or "", CreateRefund(), status="pending")
    till.account.dispute(disputed.payment_ref or "")

    async def caught_up() -> int:
        before = await checkout.catch_up(till.shop, NOW)
        async with till.store.read() as tx:
            for stored in await tx.deliveries("pay:razorpay"):
                await checkout.take(till.shop, stored.id, NOW)
        return before

    assert [2, 0] == [await caught_up() for _ in range(2)]
    assert OrderStatus.REFUNDED is (await till.found(order)).status
    assert OrderStatus.DISPUTED is (await till.found(disputed)).status
    assert (0, 0) == (await till.balance(user_id), await till.balance(other))
    till.account.finish_refund(refund["id"], ok=False)
    assert [1, 0] == [await caught_up() for _ in range(2)]
    assert (OrderStatus.COMPLETED, PRICE) == ((await till.found(order)).status, await till.balance(user_id))


# M4 ---------------------------------------------------------------------------------------------------------------------
async def test_refunds_survive_a_crash(till: RazorpayTill) -> None:
    """M4: died after the provider took the refund, the next try is the same refund, even once the provider has forgotten its key."""
    order, wish_id = await die_after_refunding(till)
    till.stand.once.clear()
    await is_given_back_once(till, order, wish_id)


async def test_a_failed_interview_gives_the_money_back_where_that_is_the_policy(till: RazorpayTill) -> None:
    """M4, R-108: with `PREPKIT_REFUND_POLICY=money` a fault of ours wishes exactly one refund and leaves no credit behind."""
    await is_given_back_once(till, *await fail_by_our_fault(till))


# M5 ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["taken amount", "taken currency", "asked amount", "asked currency", "owner", "paid twice"])
async def test_what_does_not_match_is_kept_apart(till: RazorpayTill, what: str) -> None:
    """M5: another amount, currency or owner credits nothing, starts nothing, and is kept for a person; later truths change nothing."""
    user_id = await till.person()
    order = await till.order(user_id)
    link = till.account.things[order.checkout_ref or ""]
    payment = till.account.pay(link["id"])
    before = {name: dict(thing) for name, thing in till.account.things.items()}
    match what:
        case "taken amount":
            payment["amount"] = 100
        case "taken currency":
            payment["currency"] = "USD"
        case "asked amount":
            link["amount"] = payment["amount"] = 100
        case "asked currency":
            link["currency"] = payment["currency"] = "USD"
        case "owner":
            link["reference_id"] = str(uuid4())
        case "paid twice":
            link["status"] = "created"
            till.account.pay(link["id"])
    assert OrderStatus.QUARANTINED is (await checkout.look(till.shop, order.id, NOW)).status
    till.account.things |= before
    assert OrderStatus.QUARANTINED is (await checkout.look(till.shop, order.id, NOW)).status
    assert 0 == await till.balance(user_id)
    assert [order.id] == await till.quarantined()


async def test_events_that_do_not_match_are_kept_apart(till: RazorpayTill) -> None:
    """M5: an event that names somebody else's order for a link, and one that names a link nobody made for an order."""
    mine, other = await till.order(await till.person()), await till.order(await till.person())
    till.account.pay(mine.checkout_ref or "")
    link = till.account.things[mine.checkout_ref or ""]
    stolen = till.account.emit("payment_link.paid", payment_link={**link, "reference_id": other.id})
    renamed = till.account.emit("payment_link.paid", payment_link={**link, "id": "plink_unknown"})
    assert [DeliveryState.FAILED] * 2 == [await till.deliver(each) for each in (stolen, renamed)]
    assert [OrderStatus.PENDING] * 2 == [(await till.found(order)).status for order in (mine, other)]
    assert DeliveryState.APPLIED is await till.deliver(till.account.events[3])


async def test_no_plan_is_sold(till: RazorpayTill) -> None:
    """R-105: a plan could neither renew nor be ended here, so there is none to buy."""
    with pytest.raises(NotFound):
        await checkout.for_plan(till.shop, await till.person(), Plan.PRO, NOW)
    assert [] == till.stand.requests


async def test_an_order_that_grows_old_can_still_be_paid_for_its_time(till: RazorpayTill) -> None:
    """R-108: opened in its last minute an order's link is still payable; a new one is made once it is given up."""
    user_id = await till.person()
    session = await set_up.set_up(till.store, user_id, SETUP, NOW)
    began = NOW - timedelta(hours=checkout.OPEN_HOURS) + timedelta(minutes=1)
    with pytest.raises(Crash):
        await checkout.for_session(broken(till, "open", after=False), user_id, session.id, began)
    order = await checkout.for_session(till.shop, user_id, session.id, NOW)
    assert order is not None
    assert order.expires_at is not None
    assert order.expires_at > NOW + timedelta(minutes=15)
    later = await checkout.for_session(till.shop, user_id, session.id, NOW + timedelta(minutes=2))
    assert later is not None
    assert order.id != later.id
