"""Stripe itself, in its sandbox: what the stand-in is made after. Only with `STRIPE_SANDBOX_KEY` (a test key); nothing of it is a card's or a person's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import stripe

from bridge.clients.stripe_checkout import StripeCheckout
from bridge.domain.payment import MovementState, Order
from bridge.domain.pricing import Money
from bridge.ports import CheckoutAsk, Refund

KEY = os.environ.get("STRIPE_SANDBOX_KEY", "")
API = "https://api.stripe.com"
PRICE = 14_900

pytestmark = pytest.mark.skipif(
    not KEY.startswith(("sk_test_", "rk_test_")), reason="needs STRIPE_SANDBOX_KEY, the test key of a Stripe account"
)


@pytest.fixture
async def shop() -> AsyncIterator[StripeCheckout]:
    """The client on the real API."""
    client = StripeCheckout(KEY, (), API)
    yield client
    await client.close()


@pytest.fixture
async def account() -> AsyncIterator[stripe.StripeClient]:
    """What the account's owner and its customers do."""
    http = stripe.AIOHTTPClient()
    yield stripe.StripeClient(KEY, http_client=http, max_network_retries=2)
    await http.close_async()


def made() -> Order:
    """An order of today."""
    return Order(str(uuid4()), "u", "stripe", Money(PRICE), datetime.now(UTC))


async def test_a_page_is_opened_once_and_says_what_we_said(shop: StripeCheckout, account: stripe.StripeClient) -> None:
    """M3, M5, R-107: one page an order, its owner, amount, currency and mode as we sent them; expired, it is over and nothing was paid."""
    wanted = made()
    ask = CheckoutAsk(wanted, "Mock interview", "https://prepkit.example/payments/1", "https://prepkit.example/plans")
    page = await shop.open(ask)
    assert page == await shop.open(ask)
    assert page.url.startswith("https://")
    order = replace(wanted, checkout_ref=page.ref)
    facts = await shop.facts(order)
    assert (False, False, PRICE, "inr", wanted.id, False) == (
        facts.paid, facts.over, facts.amount, facts.currency, facts.reference, facts.livemode,
    )  # fmt: skip
    await account.v1.checkout.sessions.expire_async(page.ref)
    facts = await shop.facts(order)
    assert (False, True, ()) == (facts.paid, facts.over, facts.payments)


async def test_a_refund_is_made_once(shop: StripeCheckout, account: stripe.StripeClient) -> None:
    """M4: asked for twice under one wish it is one refund of that amount, which the account's list shows; the rest can be given back after it."""
    intent = await account.v1.payment_intents.create_async(
        {
            "amount": PRICE,
            "currency": "inr",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "description": "Mock interview",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert "succeeded" == intent.status
    order = replace(made(), payment_ref=intent.id)
    part, rest, nothing = (
        Refund(str(uuid4()), order.id, "operator", n, datetime.now(UTC)) for n in (5_000, PRICE - 5_000, 1_000)
    )
    assert await shop.refund(order, part) == await shop.refund(order, part)
    await shop.refund(order, rest)
    assert "already" == await shop.refund(order, nothing)
    moved = await shop._movements(intent.id)
    assert [5_000, PRICE - 5_000] == sorted(movement.amount for movement in moved)
    assert {MovementState.UNDONE}.isdisjoint(movement.state for movement in moved)


async def test_its_events_are_read(shop: StripeCheckout) -> None:
    """M2: the list that is asked for what was never delivered takes our filter, and each of its events can be read."""
    for hint in await shop.events(datetime.now(UTC).replace(hour=0, minute=0)):
        assert hint.id.startswith("evt_")
        assert not hint.livemode
