"""Stripe's real SDK against the strict stand-in: pages, facts, refunds, signatures, trouble (R-107, A6, M1…M5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import stripe

from bridge.clients.stripe_checkout import StripeCheckout
from bridge.domain.entitlement import SubscriptionStatus
from bridge.domain.payment import MovementState, Order
from bridge.domain.pricing import Money, Plan
from bridge.errors import BadSignature, InvalidInput, PrepkitError, UpstreamFailed
from bridge.ports import CheckoutAsk, Refund
from web.standins.stripe import StripeStandin, signed
from web.standins.stripe_checks import API_VERSION, CreateRefund

KEY, SECRET = "sk_test_standin", "whsec_standin"
NOW = 1_800_000_000.0


@pytest.fixture
async def stand() -> AsyncIterator[StripeStandin]:
    """A stand-in."""
    async with StripeStandin(key=KEY, webhook_secret=SECRET) as up:
        yield up


@pytest.fixture
async def shop(stand: StripeStandin) -> AsyncIterator[StripeCheckout]:
    """The client, set on it."""
    client = StripeCheckout(KEY, ("whsec_old", SECRET), stand.url)
    yield client
    await client.close()


def order(plan: Plan | None = None, **fields: Any) -> Order:
    """An order of today."""
    amount = Money(49_900 if plan else 14_900)
    return Order(str(uuid4()), "u", "stripe", amount, datetime.now(UTC), plan=plan, **fields)


def ask(wanted: Order, **fields: Any) -> CheckoutAsk:
    """Its page."""
    return CheckoutAsk(wanted, "Mock interview", "http://127.0.0.1:1/payments/1", "http://127.0.0.1:1/plans", **fields)


async def opened(shop: StripeCheckout, plan: Plan | None = None) -> Order:
    """An order with its page."""
    made = order(plan)
    return Order(**{**vars(made), "checkout_ref": (await shop.open(ask(made))).ref})


async def test_the_pinned_version_is_the_sdk_s() -> None:
    """R-107: an SDK that speaks another version of the API must be looked at before it is used."""
    assert stripe.api_version == API_VERSION


async def test_one_order_has_one_page(shop: StripeCheckout, stand: StripeStandin) -> None:
    """M3: opened again, after a lost answer too, the same order is the same page; its price, owner and time are what we said."""
    wanted = order()
    stand.failures = [0]
    first = await shop.open(ask(wanted))
    again = await shop.open(ask(wanted))
    assert first == again
    pages = stand.account.all("checkout.session")
    assert 1 == len(pages)
    assert (14_900, "inr", wanted.id, {"order": wanted.id}) == tuple(
        pages[0][name] for name in ("amount_total", "currency", "client_reference_id", "metadata")
    )
    assert "email" not in json.dumps(pages[0]["metadata"])
    async with aiohttp.ClientSession() as browser, browser.get(first.url) as page:
        assert page.status == 200


async def test_what_the_stand_in_refuses(stand: StripeStandin) -> None:
    """Stand-in: strict about keys, versions, unknown names, modes, limits and repeated keys, in Stripe's own words."""
    line = {"quantity": 1, "price_data": {"currency": "inr", "unit_amount": 14_900, "product_data": {"name": "x"}}}
    good = {"mode": "payment", "line_items": [line], "success_url": "http://127.0.0.1/a"}
    monthly = {**line, "price_data": {**line["price_data"], "recurring": {"interval": "month"}}}
    cheap = {**line, "price_data": {**line["price_data"], "unit_amount": 4_900}}
    bad: list[tuple[dict[str, Any], str | None]] = [
        ({**good, "colour": "red"}, "parameter_unknown"),
        ({**good, "payment_intent_data": {"capture": "x"}}, "parameter_unknown"),
        ({"mode": "payment", "success_url": "http://127.0.0.1/a"}, "parameter_missing"),
        ({**good, "line_items": [monthly]}, None),
        ({**good, "mode": "subscription"}, None),
        ({**good, "line_items": [cheap]}, "amount_too_small"),
        ({**good, "success_url": "not a url"}, None),
        ({**good, "expires_at": int(datetime.now(UTC).timestamp()) + 60}, None),
        ({**good, "customer": "cus_unknown"}, "resource_missing"),
        ({**good, "expand": ["colour"]}, None),
    ]
    http = stripe.AIOHTTPClient()
    client = stripe.StripeClient(KEY, base_addresses={"api": stand.url}, http_client=http)
    for params, code in bad:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.checkout.sessions.create_async(params)  # type: ignore[arg-type]
        assert code is None or code == refused.value.code, params
    await client.v1.checkout.sessions.create_async(good, {"idempotency_key": "k"})  # type: ignore[arg-type]
    with pytest.raises(stripe.IdempotencyError):
        await client.v1.checkout.sessions.create_async({**good, "client_reference_id": "1"}, {"idempotency_key": "k"})  # type: ignore[arg-type]
    other = stripe.StripeClient("sk_test_other", base_addresses={"api": stand.url}, http_client=http)
    with pytest.raises(stripe.AuthenticationError):
        await other.v1.subscriptions.retrieve_async("sub_1")
    old = stripe.StripeClient(KEY, base_addresses={"api": stand.url}, http_client=http, stripe_version="2024-04-10")
    with pytest.raises(stripe.InvalidRequestError):
        await old.v1.subscriptions.retrieve_async("sub_1")
    await http.close_async()


async def test_an_interview_from_open_to_paid_to_refunded(shop: StripeCheckout, stand: StripeStandin) -> None:
    """R-107, C-06: each state as the provider says it; the fee is its own figure; refunds and disputes carry its ids."""
    wanted = await opened(shop)
    ref = wanted.checkout_ref or ""
    facts = await shop.facts(wanted)
    assert (False, False, 14_900, "inr", wanted.id, False) == (
        facts.paid, facts.over, facts.amount, facts.currency, facts.reference, facts.livemode,
    )  # fmt: skip
    stand.account.pay(ref)
    facts = await shop.facts(wanted)
    assert (True, 298) == (facts.paid, facts.fee)
    assert ((facts.payment_ref, 14_900),) == facts.payments
    paid = Order(**{**vars(wanted), "payment_ref": facts.payment_ref})
    wish = Refund("r-1", wanted.id, "operator", 5_000, datetime.now(UTC))
    assert await shop.refund(paid, wish) == await shop.refund(paid, wish)
    made = stand.account.all("refund")
    assert [5_000] == [refund["amount"] for refund in made]
    dispute = stand.account.dispute(facts.payment_ref or "")
    moved = (await shop.facts(wanted)).movements
    assert [("refund", 5_000, MovementState.DONE), ("dispute", 9_900, MovementState.PENDING)] == [
        (m.kind, m.amount, m.state) for m in moved
    ]
    stand.account.close_dispute(dispute["id"], won=True)
    stand.account.finish_refund(made[0]["id"], ok=False)
    assert [MovementState.UNDONE] * 2 == [m.state for m in (await shop.facts(wanted)).movements]


async def test_a_payment_that_fails_late_or_never_comes(shop: StripeCheckout, stand: StripeStandin) -> None:
    """R-108: a way that takes days and fails, and a page nobody used, are over; nothing was charged."""
    late, never = await opened(shop), await opened(shop)
    stand.account.pay(late.checkout_ref or "", later=True)
    facts = await shop.facts(late)
    assert (False, False) == (facts.paid, facts.over)
    stand.account.settle(late.checkout_ref or "", ok=False)
    facts = await shop.facts(late)
    assert (False, True, "The payment did not go through. Nothing was charged.") == (facts.paid, facts.over, facts.problem)
    stand.account.expire(never.checkout_ref or "")
    facts = await shop.facts(never)
    assert (False, True) == (facts.paid, facts.over)


async def test_a_plan_and_its_months(shop: StripeCheckout, stand: StripeStandin) -> None:
    """R-105, M6: each paid month is a payment of its own; a late renewal, a pause and an end are told; the portal is the customer's."""
    wanted = await opened(shop, Plan.PREMIUM)
    stand.account.pay(wanted.checkout_ref or "")
    ref = stand.account.all("subscription")[0]["id"]
    stand.account.renew(ref)
    facts = await shop.facts(wanted)
    assert [49_900, 49_900] == [amount for _, amount in facts.payments]
    assert (ref, True) == (facts.subscription_ref, facts.customer_ref.startswith("cus_"))
    now = datetime.now(UTC)
    plan = await shop.subscription(ref, now)
    assert plan is not None
    assert (Plan.PREMIUM, SubscriptionStatus.ACTIVE, None) == (plan.plan, plan.status, plan.past_due_since)
    stand.account.renew(ref, ok=False)
    plan = await shop.subscription(ref, now)
    assert plan is not None
    assert SubscriptionStatus.PAST_DUE is plan.status
    assert plan.past_due_since is not None
    assert plan.past_due_since > now + timedelta(days=50)
    stand.account.become(ref, status="active", pause_collection={"behavior": "void"})
    paused = await shop.subscription(ref, now)
    assert paused is not None
    assert SubscriptionStatus.PAUSED is paused.status
    assert (await shop.portal(facts.customer_ref, "http://127.0.0.1/plans")).startswith(stand.url)
    assert 2 == len((await shop.facts(wanted)).payments), "an unpaid month is no payment"


async def test_events_that_were_never_delivered(shop: StripeCheckout, stand: StripeStandin) -> None:
    """M2: all of them, oldest first, over several pages; without a name, an address or an e-mail."""
    for _ in range(120):
        stand.account.pay((await opened(shop)).checkout_ref or "")
    stand.account.events[5]["pending_webhooks"] = 0
    hints = await shop.events(datetime.now(UTC) - timedelta(days=1))
    assert [event["id"] for event in stand.account.events if event["pending_webhooks"]] == [hint.id for hint in hints]
    assert "candidate@example.org" not in json.dumps([hint.body for hint in hints])
    assert "Candidate" not in json.dumps([hint.body for hint in hints])


async def test_an_event_leads_to_its_order(shop: StripeCheckout, stand: StripeStandin) -> None:
    """M1: whatever comes first, a charge or an invoice alone too, the order can be found through its page."""
    one, plan = await opened(shop), await opened(shop, Plan.PRO)
    stand.account.pay(one.checkout_ref or "")
    stand.account.pay(plan.checkout_ref or "")
    intent = stand.account.things[one.checkout_ref or ""]["payment_intent"]
    stand.account.refund(CreateRefund(payment_intent=intent))
    for event in stand.account.events:
        raw = json.dumps(event).encode()
        hint = shop.read_event({"Stripe-Signature": signed(raw, SECRET, at=NOW)}, raw, NOW)
        assert shop.hint_of(hint.body) == hint
        found = hint.order_id or await shop.find(hint)
        wanted = plan.id if event["type"].startswith(("invoice", "customer.subscription")) else one.id
        if event["type"] == "checkout.session.completed":
            wanted = event["data"]["object"]["client_reference_id"]
        assert wanted == found, event["type"]


@pytest.mark.parametrize(
    ("statuses", "works"), [([500], True), ([503, 502], True), ([409], True), ([429], False), ([500] * 3, False)]
)
async def test_trouble_on_the_way(shop: StripeCheckout, stand: StripeStandin, statuses: list[int], works: bool) -> None:
    """Measured fact 6: 409 and 5xx are tried again under the same key, 429 is not; what is left is one error with what now."""
    stand.failures = list(statuses)
    if works:
        await shop.open(ask(order()))
    else:
        with pytest.raises(UpstreamFailed) as failed:
            await shop.open(ask(order()))
        assert "Nothing was charged" in failed.value.message
    assert len(stand.account.all("checkout.session")) == works


async def test_a_page_elsewhere_is_not_opened(stand: StripeStandin) -> None:
    """Contract 3: only Stripe's own hosts, or the stand-in's."""
    client = StripeCheckout(KEY, (SECRET,), stand.url)
    for url in ("https://evil.example/pay", "https://checkout.stripe.com.evil.example/", "http://checkout.stripe.com/x"):
        with pytest.raises(UpstreamFailed):
            client._page(url)
    assert client._page("https://checkout.stripe.com/c/pay/1")
    await client.close()
    nowhere = StripeCheckout(KEY, (SECRET,), "http://127.0.0.1:9")
    with pytest.raises(UpstreamFailed):
        await nowhere.subscription("sub_1", datetime.now(UTC))
    await nowhere.close()


BODY = json.dumps({"id": "evt_1", "type": "x", "livemode": False, "data": {"object": {}}}).encode()
GOOD = signed(BODY, SECRET, at=NOW)
LISTED = b"[1, 2]"
DIGITS = "9" * 5_000
FORGED: dict[str, tuple[bytes, str]] = {
    "no header": (BODY, ""),
    "no time": (BODY, GOOD.split(",")[1]),
    "no signature": (BODY, GOOD.split(",", maxsplit=1)[0]),
    "another secret": (BODY, signed(BODY, "whsec_other", at=NOW)),
    "empty secret": (BODY, signed(BODY, "", at=NOW)),
    "another body": (BODY.replace(b"evt_1", b"evt_2"), GOOD),
    "other scheme": (BODY, GOOD.replace("v1=", "v0=")),
    "non-ascii signature": (BODY, GOOD.split(",", maxsplit=1)[0] + ",v1=é"),
    "surrogates": (BODY, GOOD.split(",", maxsplit=1)[0] + ",v1=\udcff"),
    "non-utf-8 body": (b"\xff\xfe", signed(b"\xff\xfe", SECRET, at=NOW)),
    "5,000-digit time": (BODY, f"t={DIGITS},v1=00"),
    "words for a time": (BODY, GOOD.replace("t=", "t=now")),
    "old": (BODY, signed(BODY, SECRET, at=NOW - 301)),
    "future": (BODY, signed(BODY, SECRET, at=NOW + 301)),
    "signed list": (LISTED, signed(LISTED, SECRET, at=NOW)),
    "signed nonsense": (b"{", signed(b"{", SECRET, at=NOW)),
    "signed NaN": (b'{"id": NaN}', signed(b'{"id": NaN}', SECRET, at=NOW)),
    "signed depth": (b"[" * 100_000, signed(b"[" * 100_000, SECRET, at=NOW)),
    "signed without an id": (b"{}", signed(b"{}", SECRET, at=NOW)),
}


@pytest.mark.parametrize("name", FORGED)
async def test_what_is_surely_not_stripe_s(shop: StripeCheckout, name: str) -> None:
    """A6: every forged, broken, old or future event is one of two errors and never a 500; no secret, no door."""
    raw, header = FORGED[name]
    with pytest.raises((BadSignature, InvalidInput)) as refused:
        shop.read_event({"Stripe-Signature": header} if header else {}, raw, NOW)
    assert isinstance(refused.value, PrepkitError)
    closed = StripeCheckout(KEY, (), "http://127.0.0.1:9")
    with pytest.raises(BadSignature):
        closed.read_event({"Stripe-Signature": signed(raw, "", at=NOW)}, raw, NOW)
    await closed.close()


@pytest.mark.parametrize(
    "header", [GOOD, GOOD + ",v1=00", "v0=1," + GOOD, signed(BODY, "whsec_old", at=NOW), signed(BODY, SECRET, at=NOW + 299)]
)
async def test_what_is_stripe_s(shop: StripeCheckout, header: str) -> None:
    """A6: while secrets are exchanged both count, and so does one good signature of several."""
    assert "evt_1" == shop.read_event({"Stripe-Signature": header}, BODY, NOW).id
