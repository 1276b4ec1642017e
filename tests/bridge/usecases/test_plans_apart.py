"""Plans and their renewals that do not match what was agreed: credited nothing, renewed nothing, kept apart for a person (M5).

The running client of Stripe's real SDK against the stand-in, whose records are changed behind its back; what Razorpay says of plans, which are not
sold through it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.entitlement import plan_of
from bridge.domain.payment import Order, OrderStatus
from bridge.domain.pricing import Plan
from bridge.ports import DeliveryState
from bridge.usecases import checkout
from web.standins.razorpay import RazorpayStandin
from web.standins.stripe_account import StripeAccount, Thing

from . import test_razorpay_orders as razorpay
from .test_checkout import MONTHLY, StripeTill, sqlite_template, sqlite_url, till
from .tills import NOW, PRICE

__all__ = ["sqlite_template", "sqlite_url", "till"]

MONTH = timedelta(days=30)
GRACE = timedelta(days=3)


@dataclass(frozen=True)
class Bought:
    """A plan's order, and the provider's records behind it."""

    account: StripeAccount
    order: Order
    other: Order
    """Somebody else's, who pays for the same."""

    @property
    def page(self) -> Thing:
        """Its checkout page."""
        return self.account.things[self.order.checkout_ref or ""]

    @property
    def plan(self) -> Thing:
        """Its plan at the provider."""
        return self.account.things[self.page["subscription"]]

    @property
    def month(self) -> Thing:
        """What was paid last for it."""
        return self.account.all("invoice", subscription_of=self.page["subscription"])[0]

    @property
    def theirs(self) -> Thing:
        """The other's plan."""
        return self.account.things[self.account.things[self.other.checkout_ref or ""]["subscription"]]


def of_another(details: Thing, **names: Any) -> Thing:
    """Who a month is for, changed."""
    return {"parent": {"type": "subscription_details", "subscription_details": {**details, **names}}}


def details_of(month: Thing) -> Thing:
    """Who a month is for."""
    details: Thing = month["parent"]["subscription_details"]
    return details


PLAN_AND_MONTHS: dict[str, Callable[[Bought], Any]] = {
    "a month of another amount": lambda b: b.month.update(amount_paid=100, amount_due=100),
    "a month for nothing": lambda b: b.month.update(amount_paid=0, amount_due=0),
    "a month in another currency": lambda b: b.month.update(currency="usd"),
    "a month of the other mode": lambda b: b.month.update(livemode=True),
    "a month of another customer": lambda b: b.month.update(customer=b.theirs["customer"]),
    "a month of another order": lambda b: b.month.update(of_another(details_of(b.month), metadata={"order": b.other.id})),
    "a month of another plan": lambda b: b.month.update(of_another(details_of(b.month), subscription=b.theirs["id"])),
    "a plan in another currency": lambda b: b.plan.update(currency="usd"),
    "a plan of the other mode": lambda b: b.plan.update(livemode=True),
    "a plan of another customer": lambda b: b.plan.update(customer=b.theirs["customer"]),
    "a plan of another order": lambda b: b.plan.update(metadata={"order": b.other.id}),
}
"""What the provider's records say otherwise, at the purchase or later."""
PAGES: dict[str, Callable[[Bought], Any]] = {
    "another amount": lambda b: b.page.update(amount_total=100),
    "another currency": lambda b: b.page.update(currency="usd"),
    "the other mode": lambda b: b.page.update(livemode=True),
    "another owner": lambda b: b.page.update(client_reference_id=b.other.id),
    "no plan": lambda b: b.page.update(subscription=None),
    "another's plan": lambda b: b.page.update(subscription=b.theirs["id"]),
    # Without a trace of whose it is, the plan is known to be the other's by what is stored here.
    "another's plan, unnamed": lambda b: (
        b.page.update(subscription=b.theirs["id"], customer=b.theirs["customer"]),
        b.theirs.update(metadata={}),
        [month.update(of_another(details_of(month), metadata={})) for month in b.account.all("invoice")],
    ),
}


async def buying(till: StripeTill) -> Bought:
    """Two people pay for a plan each; the other's is taken in, this one not yet."""
    other = await till.order(await till.person(), Plan.PRO)
    till.account.pay(other.checkout_ref or "")
    other = await checkout.look(till.shop, other.id, NOW)
    assert OrderStatus.COMPLETED is other.status
    order = await till.order(await till.person(), Plan.PRO)
    till.account.pay(order.checkout_ref or "")
    return Bought(till.account, order, other)


async def bought(till: StripeTill) -> Bought:
    """Both are taken in."""
    made = await buying(till)
    await checkout.look(till.shop, made.order.id, NOW)
    return made


async def plan_at(till: StripeTill, order: Order, at: datetime) -> Plan:
    """What its owner has at a moment."""
    async with till.store.read() as tx:
        return plan_of(await tx.subscriptions(order.user_id or ""), at, GRACE.days)


async def taken(till: StripeTill, order: Order) -> int:
    """What is booked as paid."""
    return sum(line.amount for line in await till.lines(order))


async def tell(till: StripeTill, kinds: set[str], order: Order) -> list[DeliveryState | None]:
    """Deliver the newest event of each kind about an order's records, the oldest first."""
    refs = {till.account.things[order.checkout_ref or ""][name] for name in ("id", "subscription")}
    about = [
        event
        for event in till.account.events
        if refs & {event["data"]["object"].get(name) for name in ("id", "subscription", "subscription_of")}
    ]
    newest = {event["type"]: event for event in about if event["type"] in kinds}
    assert kinds == newest.keys()
    return [await till.deliver(event) for event in newest.values()]


async def untouched(till: StripeTill, made: Bought) -> bool:
    """Whether the other has what they paid for, once."""
    return (MONTHLY, Plan.PRO) == (await taken(till, made.other), await plan_at(till, made.other, NOW))


BUYING = {"checkout.session.completed", "invoice.paid", "customer.subscription.created"}


@pytest.mark.parametrize("what", [*PAGES, *PLAN_AND_MONTHS])
async def test_a_plan_that_does_not_match_is_not_given(till: StripeTill, what: str) -> None:
    """M5: whatever of page, plan and first month is another's, of another mode, currency or amount: no plan, nothing booked, every event and the order kept apart, for good."""
    made = await buying(till)
    page, kept = dict(made.page), {name: dict(thing) for name, thing in till.account.things.items()}
    tampered = {**PAGES, **PLAN_AND_MONTHS}[what]
    events = list(till.account.events)
    tampered(made)
    for event in events:
        if event["data"]["object"].get("client_reference_id") == made.order.id or page["subscription"] in (
            event["data"]["object"]["id"],
            event["data"]["object"].get("subscription_of"),
        ):
            assert DeliveryState.FAILED is await till.deliver(event), event["type"]
    assert OrderStatus.QUARANTINED is (await till.found(made.order)).status
    till.account.things |= kept
    assert OrderStatus.QUARANTINED is (await checkout.look(till.shop, made.order.id, NOW)).status, "later truths change nothing"
    assert (0, Plan.FREE) == (await taken(till, made.order), await plan_at(till, made.order, NOW))
    assert [made.order.id] == await till.quarantined()
    assert await untouched(till, made)


async def test_a_plan_that_matches_is_given_and_renewed(till: StripeTill) -> None:
    """M5: the same purchase and renewal untouched: each month is booked once, the plan goes on, nothing is kept apart."""
    made = await buying(till)
    assert {DeliveryState.APPLIED} == set(await tell(till, BUYING, made.order))
    till.account.renew(made.plan["id"])
    assert {DeliveryState.APPLIED} == set(await tell(till, {"invoice.paid", "customer.subscription.updated"}, made.order))
    assert (2 * MONTHLY, Plan.PRO) == (await taken(till, made.order), await plan_at(till, made.order, NOW + MONTH + GRACE))
    assert [] == await till.quarantined()


@pytest.mark.parametrize("what", PLAN_AND_MONTHS)
async def test_a_renewal_that_does_not_match_renews_nothing(till: StripeTill, what: str) -> None:
    """M5: nothing is booked for it; the plan lasts as long as what was paid as agreed, and an unpaid month's grace; both events and the order are kept apart."""
    made = await bought(till)
    till.account.renew(made.plan["id"])
    PLAN_AND_MONTHS[what](made)
    assert {DeliveryState.FAILED} == set(await tell(till, {"invoice.paid", "customer.subscription.updated"}, made.order))
    assert OrderStatus.COMPLETED is (await till.found(made.order)).status, "what was paid as agreed stays"
    assert MONTHLY == await taken(till, made.order)
    last = NOW + MONTH + GRACE
    assert [Plan.PRO, Plan.FREE] == [
        await plan_at(till, made.order, at) for at in (last - timedelta(hours=1), last + timedelta(hours=1))
    ]
    assert [made.order.id] == await till.quarantined()
    assert await untouched(till, made)


async def test_money_back_for_a_month_that_was_not_booked_is_not_booked_either(till: StripeTill) -> None:
    """M5: a person gives the stray month back at the provider: the ledger keeps what was agreed, and once it is gone the plan goes on."""
    made = await bought(till)
    till.account.renew(made.plan["id"])
    stray = made.month
    stray.update(amount_paid=100)
    await checkout.look(till.shop, made.order.id, NOW)
    intent = stray["payments"]["data"][0]["payment"]["payment_intent"]
    till.account.dispute(intent)
    assert MONTHLY == (await taken(till, await checkout.look(till.shop, made.order.id, NOW)))
    stray["status"] = "void"
    till.account.renew(made.plan["id"])
    await checkout.look(till.shop, made.order.id, NOW)
    assert (2 * MONTHLY, []) == (await taken(till, made.order), await till.quarantined())
    assert Plan.PRO is await plan_at(till, made.order, NOW + MONTH + GRACE)


async def test_a_plan_that_ended_ends_though_its_month_does_not_match(till: StripeTill) -> None:
    """M5, M6: what gives nothing needs no check: cancelled is cancelled."""
    made = await bought(till)
    till.account.renew(made.plan["id"])
    made.month.update(currency="usd")
    till.account.cancel(made.plan["id"])
    await checkout.look(till.shop, made.order.id, NOW)
    assert Plan.FREE is await plan_at(till, made.order, NOW)


@pytest.mark.parametrize("kind", ["invoice.paid", "customer.subscription.updated", "checkout.session.completed"])
@pytest.mark.parametrize("what", ["the other mode", "another order", "another customer"])
async def test_an_event_of_a_plan_that_names_somebody_else_is_kept_apart(till: StripeTill, kind: str, what: str) -> None:
    """M5: signed, and of the other mode, another's order or another customer: credited 0, kept as failed; nobody's plan changes."""
    made = await bought(till)
    till.account.renew(made.plan["id"])
    before = len(till.stand.requests)
    event = next(e for e in reversed(till.account.events) if e["type"] == kind)
    thing = {**made.page} if kind.startswith("checkout") else {**event["data"]["object"]}
    match what, kind:
        case "the other mode", _:
            event = {**event, "livemode": True}
        case "another order", "invoice.paid":
            thing |= of_another(details_of(thing), metadata={"order": made.other.id})
        case "another order", "checkout.session.completed":
            thing["client_reference_id"] = made.other.id
        case "another order", _:
            thing["metadata"] = {"order": made.other.id}
        case _:
            thing["customer"] = made.theirs["customer"]
    assert DeliveryState.FAILED is await till.deliver({**event, "id": f"evt_{uuid4().hex}", "data": {"object": thing}})
    assert before == len(till.stand.requests), "nobody is asked for it"
    assert MONTHLY == await taken(till, made.order)
    assert await untouched(till, made)


async def test_a_plan_of_nobody_here_is_nothing_to_us(till: StripeTill) -> None:
    """M5: a plan that the same account sells elsewhere: its paid month is ignored, and nobody is given anything."""
    made = await bought(till)
    stranger = {**made.month, "id": "in_x", "subscription_of": "sub_x", "customer": "cus_x"}
    stranger |= of_another({}, subscription="sub_x", metadata={})
    assert DeliveryState.IGNORED is await till.deliver(till.account.emit("invoice.paid", stranger))
    assert (MONTHLY, []) == (await taken(till, made.order), await till.quarantined())


# Razorpay ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
async def links(sqlite_url: str) -> AsyncIterator[razorpay.RazorpayTill]:
    """A shop that sells interviews through Razorpay, and no plans."""
    database = await razorpay.Database.open(sqlite_url)
    async with RazorpayStandin(key_id=razorpay.KEY, key_secret=razorpay.KEY_SECRET, webhook_secret=razorpay.SECRET) as stand:
        made = razorpay.RazorpayTill(database, stand)
        yield made
        await made.gateway.close()
    await database.close()


@pytest.mark.parametrize("kind", ["subscription.charged", "subscription.activated", "invoice.paid", "order.paid"])
@pytest.mark.parametrize("whose", ["nobody's", "another's", "another's, of another amount"])
async def test_razorpay_s_plans_give_nothing(links: razorpay.RazorpayTill, kind: str, whose: str) -> None:
    """M5: signed events of a subscription, with nobody's payment or one that belongs to somebody's interview: no plan, no credit beside what was paid for; the odd one is kept apart."""
    user_id = await links.person()
    order = await links.order(user_id)
    payment = links.account.pay(order.checkout_ref or "")
    odd = whose.endswith("amount")
    if odd:
        payment["amount"] = 100
    paid = {**payment, "id": "pay_nobody"} if whose == "nobody's" else payment
    plan = {"id": "sub_x", "entity": "subscription", "status": "active", "plan_id": "plan_x", "notes": {"order": order.id}}
    state = await links.deliver(links.account.emit(kind, subscription=plan, payment=paid))
    wanted = {"nobody's": DeliveryState.IGNORED, "another's": DeliveryState.APPLIED}
    assert wanted.get(whose, DeliveryState.FAILED) is state
    assert {"nobody's": 0, "another's": PRICE}.get(whose, 0) == await links.balance(user_id)
    assert [order.id] * odd == await links.quarantined()
    async with links.store.read() as tx:
        assert [] == await tx.subscriptions(user_id)
