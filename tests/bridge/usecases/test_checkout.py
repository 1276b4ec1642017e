"""Orders against Stripe's real SDK and the stand-in: crashes anywhere, what does not match, what nobody tells us (M2, M3, M5, R-109)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bridge.clients.stripe_checkout import StripeCheckout
from bridge.domain.entitlement import SubscriptionStatus
from bridge.domain.payment import Account as Side
from bridge.domain.payment import Line, Order, OrderStatus
from bridge.domain.pricing import Money, Plan, Tariff
from bridge.errors import UpstreamFailed
from bridge.ports import DeliveryState, Store
from bridge.usecases import calling, checkout, set_up
from storage.database import Database
from web.standins.stripe import StripeStandin, signed
from web.standins.stripe_account import StripeAccount
from web.standins.stripe_checks import CreateRefund

from ...storage.conftest import sqlite_template, sqlite_url
from ...web.house import SETUP, tell
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

KEY, SECRET = "sk_test_standin", "whsec_standin"
MONTHLY = 49_900


class StripeTill(Till):
    """A shop on the stand-in, and deliveries to it."""

    pages = "checkout.session"

    def __init__(self, store: Store, stand: StripeStandin) -> None:
        super().__init__(store, StripeCheckout(KEY, (SECRET,), stand.url), Tariff(free_monthly=False))
        self.stand = stand

    @property
    def account(self) -> StripeAccount:
        """What customers and banks do."""
        return self.stand.account

    def signed(self, event: dict[str, Any], at: datetime) -> tuple[dict[str, str], bytes]:
        """An event as it is delivered."""
        raw = json.dumps(event).encode()
        return {"Stripe-Signature": signed(raw, SECRET, at=at.timestamp())}, raw

    async def deliver(self, event: dict[str, Any], at: datetime = NOW) -> DeliveryState | None:
        """Receive one event and do its job; None for a repeat."""
        headers, raw = self.signed(event, at)
        return await self.take_newest(at) if await checkout.receive(self.shop, headers, raw, at) else None


@pytest.fixture
async def till(sqlite_url: str) -> AsyncIterator[StripeTill]:
    """A shop on a real file."""
    database = await Database.open(sqlite_url)
    async with StripeStandin(key=KEY, webhook_secret=SECRET) as stand:
        made = StripeTill(database, stand)
        yield made
        await made.gateway.close()
    await database.close()


# M1 ---------------------------------------------------------------------------------------------------------------------
async def test_events_alone_and_in_any_order_find_their_order(till: StripeTill) -> None:
    """M1: a charge or an invoice that comes before its checkout event is applied at once, through the provider."""
    user_id = await till.person()
    order = await till.order(user_id, Plan.PRO)
    till.account.pay(order.checkout_ref or "")
    invoice = next(event for event in till.account.events if event["type"] == "invoice.paid")
    assert DeliveryState.APPLIED is await till.deliver(invoice)
    assert None is await till.deliver(invoice)
    assert OrderStatus.COMPLETED is (await till.found(order)).status


# M3 ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_at_six_points(till: StripeTill, point: str) -> None:
    """M3: wherever the process dies, the order has one checkout page, is credited once, and the reconciler finds what was paid."""
    await die_and_go_on(till, point)


async def test_a_page_that_was_paid_although_its_order_never_heard_of_it(till: StripeTill) -> None:
    """M3: the process died after the page was made; its event knows the order, and the order then knows its page."""
    user_id = await till.person()
    session = await set_up.set_up(till.store, user_id, SETUP, NOW)
    with pytest.raises(Crash):
        await checkout.for_session(broken(till, "open", after=True), user_id, session.id, NOW)
    till.account.pay(till.account.all("checkout.session")[0]["id"])
    assert DeliveryState.APPLIED is await till.deliver(till.account.events[-1])
    assert PRICE == await till.balance(user_id)


async def test_refunds_survive_a_crash(till: StripeTill) -> None:
    """M4: died after the provider took the refund, the next try is the same refund."""
    await is_given_back_once(till, *await die_after_refunding(till))


async def test_a_failed_interview_gives_the_money_back_where_that_is_the_policy(till: StripeTill) -> None:
    """M4, R-108: with `PREPKIT_REFUND_POLICY=money` a fault of ours wishes exactly one refund and leaves no credit behind."""
    await is_given_back_once(till, *await fail_by_our_fault(till))


async def test_money_back_for_an_interview_that_was_held_takes_no_credit(till: StripeTill) -> None:
    """M8: an operator gives the price of a held interview back as money: its candidate owes nothing afterwards."""
    user_id = await till.person()
    order = await till.bought(user_id)
    assert order.session_id is not None
    _, token = await calling.start(till.store, user_id, order.session_id, "local", NOW, tariff=till.shop.tariff)
    admission = await calling.admit(till.store, order.session_id, token, NOW)
    await tell(till.store, admission.session)
    await calling.finish(till.store, order.session_id, "finished", elapsed_ms=600_000, now=NOW)
    till.account.refund(CreateRefund(payment_intent=order.payment_ref or ""))
    for _ in range(2):
        assert OrderStatus.REFUNDED is (await checkout.look(till.shop, order.id, NOW)).status
    assert 0 == await till.balance(user_id)


# M5 ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["amount", "currency", "livemode", "owner"])
async def test_what_does_not_match_is_kept_apart(till: StripeTill, what: str) -> None:
    """M5: another amount, currency, mode or owner credits nothing, starts nothing, and is kept for a person; later truths change nothing."""
    user_id = await till.person()
    order = await till.order(user_id)
    page = till.account.things[order.checkout_ref or ""]
    till.account.pay(page["id"])
    page |= {"amount": {"amount_total": 100}, "currency": {"currency": "usd"}, "livemode": {"livemode": True}, "owner": {
        "client_reference_id": str(uuid4())}}[what]  # fmt: skip
    assert OrderStatus.QUARANTINED is (await checkout.look(till.shop, order.id, NOW)).status
    page |= {"amount_total": PRICE, "currency": "inr", "livemode": False, "client_reference_id": order.id}
    assert OrderStatus.QUARANTINED is (await checkout.look(till.shop, order.id, NOW)).status
    assert 0 == await till.balance(user_id)
    assert [order.id] == await till.quarantined()


async def test_events_that_do_not_match_are_kept_apart(till: StripeTill) -> None:
    """M5: an event of the other mode, one that names somebody else's order for a page, one of nobody's."""
    mine, other = await till.order(await till.person()), await till.order(await till.person())
    till.account.pay(mine.checkout_ref or "")
    event = till.account.events[-1]
    thing = event["data"]["object"]
    live = {**event, "id": "evt_live", "livemode": True}
    stolen = {**event, "id": "evt_stolen", "data": {"object": {**thing, "client_reference_id": other.id}}}
    renamed = {**event, "id": "evt_renamed", "data": {"object": {**thing, "id": "cs_test_unknown", "payment_intent": None}}}
    nobody = {**event, "id": "evt_nobody", "data": {"object": {"object": "charge", "id": "ch_1", "payment_intent": "pi_unknown"}}}
    assert [DeliveryState.FAILED] * 3 == [await till.deliver(each) for each in (live, stolen, renamed)]
    assert DeliveryState.IGNORED is await till.deliver(nobody)
    assert OrderStatus.PENDING is (await till.found(other)).status
    assert OrderStatus.PENDING is (await till.found(mine)).status
    assert DeliveryState.APPLIED is await till.deliver(event)


async def test_an_older_answer_never_replaces_a_newer_one(till: StripeTill) -> None:
    """M1: of two looks at once the one that asked first may come last; a plan that ended stays ended, a refund stays booked."""
    user_id = await till.person()
    order = await till.order(user_id, Plan.PRO)
    till.account.pay(order.checkout_ref or "")
    order = await checkout.look(till.shop, order.id, NOW)
    ref = order.subscription_ref or ""
    old = await till.gateway.subscription(ref, NOW)
    till.account.renew(ref, ok=False)
    await checkout.look(till.shop, order.id, NOW + timedelta(seconds=1))
    assert old is not None
    async with till.store.begin() as tx:
        assert not await tx.save_subscription(replace(old, user_id=user_id))
        assert SubscriptionStatus.PAST_DUE is (await tx.subscriptions(user_id))[0].status


async def test_what_the_provider_cannot_say_waits(till: StripeTill) -> None:
    """M2: while the provider is out of reach nothing is lost; afterwards the same order is settled."""
    order = await till.order(await till.person())
    till.account.pay(order.checkout_ref or "")
    till.stand.failures = [500] * 3
    with pytest.raises(UpstreamFailed):
        await checkout.look(till.shop, order.id, NOW)
    till.stand.failures = [500] * 3
    assert 0 == await checkout.reconcile(till.shop, NOW)
    assert 1 == await checkout.reconcile(till.shop, NOW)


async def test_those_who_left_their_pages_open_keep_nobody_waiting(till: StripeTill, monkeypatch: pytest.MonkeyPatch) -> None:
    """M2: with more open orders than a round may hold, the newest is looked at in the first one, and every other within its turns, once in each."""
    monkeypatch.setattr(checkout, "IN_A_ROUND", 3)
    user_id, looked = await till.person(), dict[str, int]()
    left: list[Order] = []
    for minutes in reversed(range(6)):
        session = await set_up.set_up(till.store, user_id, SETUP, NOW)
        made = await checkout.for_session(till.shop, user_id, session.id, NOW - timedelta(minutes=minutes))
        assert made is not None
        left.append(made)
    first, newest = left[0], left[-1]
    for order in (first, newest):
        till.account.pay(order.checkout_ref or "")
    till.stand.requests.clear()
    assert 1 == await checkout.reconcile(till.shop, NOW, looked)
    assert OrderStatus.COMPLETED is (await till.found(newest)).status
    assert 1 == await checkout.reconcile(till.shop, NOW, looked)
    assert OrderStatus.COMPLETED is (await till.found(first)).status
    asked = [path.rsplit("/", 1)[-1] for _, path in till.stand.requests if "/checkout/sessions/" in path]
    assert sorted(order.checkout_ref or "" for order in left) == sorted(asked), "nobody twice before everybody once"


async def test_one_order_that_cannot_be_read_keeps_nobody_waiting(till: StripeTill) -> None:
    """M2: whatever goes wrong with one order, the others of the round are settled."""
    bad, good = await till.order(await till.person()), await till.order(await till.person())
    for order in (bad, good):
        till.account.pay(order.checkout_ref or "")
    del till.account.things[bad.checkout_ref or ""]["payment_status"]
    assert 1 == await checkout.reconcile(till.shop, NOW)
    assert [OrderStatus.PENDING, OrderStatus.COMPLETED] == [(await till.found(order)).status for order in (bad, good)]


async def test_a_provider_that_does_not_answer_ends_the_round(till: StripeTill, monkeypatch: pytest.MonkeyPatch) -> None:
    """M2: a round ends after its time though nothing answered; who was asked after comes last in the next."""
    monkeypatch.setattr(checkout, "ROUND_SECONDS", 0.2)
    order, looked = await till.order(await till.person()), dict[str, int]()
    shop = replace(till.shop, gateway=Silent(till.gateway))  # type: ignore[arg-type]
    assert 0 == await checkout.reconcile(shop, NOW, looked)
    assert {order.id: 1} == looked


class Silent:
    """A gateway behind a line that is held and never answered."""

    def __init__(self, inner: StripeCheckout) -> None:
        self.name = inner.name

    async def facts(self, _: Order) -> None:
        """Never."""
        await asyncio.Event().wait()


async def test_events_nobody_delivered_are_fetched(till: StripeTill) -> None:
    """M2: a renewal whose webhook was lost is found in the provider's own list, once."""
    order = await till.order(await till.person(), Plan.PRO)
    till.account.pay(order.checkout_ref or "")
    await checkout.look(till.shop, order.id, NOW)
    assert 3 == await checkout.catch_up(till.shop, NOW)
    assert 0 == await checkout.catch_up(till.shop, NOW)


async def test_the_amount_is_the_price_less_the_credit(till: StripeTill) -> None:
    """C-12, R-109: credit from elsewhere lowers what is paid, and both together start the interview."""
    user_id = await till.person()
    async with till.store.begin() as tx:
        await tx.add_line(Line(Side.CREDIT, "referral", "r", user_id, 5_000, "INR", NOW))
    order = await till.order(user_id)
    assert Money(9_900) == order.amount
    till.account.pay(order.checkout_ref or "")
    await checkout.look(till.shop, order.id, NOW)
    assert order.session_id is not None
    await calling.start(till.store, user_id, order.session_id, "local", NOW, tariff=till.shop.tariff)
    assert 0 == await till.balance(user_id)
