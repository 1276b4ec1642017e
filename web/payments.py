"""Money behind its ports, as the settings have it: the price list, the provider, its jobs and its reconciler; nothing of it with payments off (M7).

`attach` is called once while the application is put together. Read next: `bridge.usecases.checkout`, `billing_pages`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from loguru import logger

from bridge.config import Payments, Settings
from bridge.domain.entitlement import Quote, decide, plan_of, quote
from bridge.domain.pricing import PLANS, Money, Tariff
from bridge.domain.session import InterviewSession, SessionStatus, move
from bridge.errors import UpstreamFailed
from bridge.ports import CheckoutGateway, Store, Tx
from bridge.usecases import checkout, holds, referrals, refunds
from bridge.usecases.checkout import Shop
from storage.jobs import Handler

from . import accounts
from .auth import user_id
from .keys import SETTINGS, STORE

SHOP: web.AppKey[Shop] = web.AppKey("shop", Shop)
"""Missing where no money can be paid."""
TARIFF: web.AppKey[Tariff] = web.AppKey("tariff", Tariff)
"""Missing where nothing has a price."""
RECONCILE_SECONDS = 15.0
"""From one round of the reconciler to the next: with `checkout.ROUND_SECONDS`, which the one under way and the next may both take, a payment whose
webhook never comes is seen within a minute (M2)."""
CATCH_UP_SECONDS = 6 * 3600.0
STOP_SECONDS = 2.0
"""So long a server that ends waits for a round under way."""


def gateway_of(settings: Settings, store: Store, base_url: str) -> CheckoutGateway | None:
    """Whoever takes the money. A provider's library is loaded only when it is chosen."""
    match settings.payments:
        case Payments.FAKE:
            from bridge.clients.fake_checkout import FakeCheckout  # noqa: PLC0415

            from .vapi import kept_secret  # noqa: PLC0415

            return FakeCheckout(store, kept_secret(Path(settings.data_dir) / "demo-payment-secret"), base_url)
        case Payments.STRIPE:
            from bridge.clients.stripe_checkout import StripeCheckout  # noqa: PLC0415

            secrets = tuple(part.strip() for part in settings.stripe_webhook_secret.split(",") if part.strip())
            return StripeCheckout(settings.stripe_secret_key, secrets, settings.stripe_base_url)
        case Payments.RAZORPAY:
            from bridge.clients.razorpay import RazorpayCheckout  # noqa: PLC0415

            return RazorpayCheckout(
                settings.razorpay_key_id,
                settings.razorpay_key_secret,
                settings.razorpay_webhook_secret,
                settings.razorpay_base_url,
            )
    return None


def attach(app: web.Application, settings: Settings, store: Store, base_url: str) -> dict[str, Handler]:
    """Give the application what money needs; returns the handlers of the jobs."""
    if (tariff := settings.tariff) is not None:
        app[TARIFF] = tariff
        accounts.add_section(app, accounts.Section("billing", "account_billing.html", own_money))

    async def pay_referral(payload: dict[str, Any]) -> None:
        await referrals.pay(store, tariff, payload["userId"], datetime.now(UTC))

    jobs: dict[str, Handler] = {referrals.PAY_JOB: pay_referral}
    gateway = gateway_of(settings, store, base_url)
    if settings.tariff is None or gateway is None:
        return jobs
    shop = app[SHOP] = Shop(store, gateway, settings.tariff, base_url)

    async def look(payload: dict[str, Any]) -> None:
        await checkout.take(shop, payload["deliveryId"], datetime.now(UTC))

    async def send_refund(payload: dict[str, Any]) -> None:
        order_id = await refunds.send(store, gateway, payload["refundId"])
        if order_id:
            await checkout.look(shop, order_id, datetime.now(UTC))

    looked: dict[str, int] = {}

    async def reconcile() -> None:
        if settled := await checkout.reconcile(shop, datetime.now(UTC), looked):
            logger.info("{} payments were settled by the reconciler", settled)

    async def catch_up() -> None:
        if late := await checkout.catch_up(shop, datetime.now(UTC)):
            logger.info("{} payment events were found in the provider's own lists", late)

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        # Each by itself: long lists of the provider's must not hold up a payment.
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(_for_ever(reconcile, RECONCILE_SECONDS, stop), name="payment-reconciler"),
            asyncio.create_task(_for_ever(catch_up, CATCH_UP_SECONDS, stop), name="payment-catcher"),
        ]
        yield
        # What is under way is let finish, unless the provider is slow.
        stop.set()
        await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gateway.close()

    app.cleanup_ctx.append(lifetime)
    return jobs | {checkout.LOOK_JOB: look, refunds.REFUND_JOB: send_refund}


async def _for_ever(act: Callable[[], Awaitable[None]], every_seconds: float, stop: asyncio.Event) -> None:
    """Look after what nobody told us, until `stop`; what failed is tried again in the next round of the reconciler."""
    wait = RECONCILE_SECONDS
    while not await _stopped(stop, wait):
        wait = RECONCILE_SECONDS
        try:
            await act()
            wait = every_seconds
        except UpstreamFailed as error:
            logger.warning("The payment provider cannot be asked just now: {}", error.reason)
        except Exception:  # noqa: BLE001 - The task's top: one failed round must not end the reconciling.
            logger.opt(exception=True).error("A round of the payment reconciler failed and will be tried again")


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within this time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()


async def quoted(request: web.Request, session: InterviewSession) -> tuple[InterviewSession, Quote | None]:
    """What the interview costs its candidate; one that must be paid first waits for it. None where nothing has a price."""
    tariff = request.app.get(TARIFF)
    if tariff is None:
        return session, None
    now = datetime.now(UTC)
    async with request.app[STORE].begin() as tx:
        has = await holds.purse(tx, session.user_id, tariff, now)
        offer = quote(has, session.setup.difficulty, tariff, now)
        current = await tx.session(session.id, for_update=True)
        if (
            current is not None
            and current.status is SessionStatus.READY
            and decide(has, session.setup.difficulty, tariff) is None
        ):
            session = move(current, SessionStatus.AWAITING_PAYMENT)
            await tx.save_session(session)
    return session, offer


async def own_money(request: web.Request) -> dict[str, str]:
    """What the account page says of plan and credit."""
    tariff = request.app[TARIFF]
    async with request.app[STORE].read() as tx:
        has = await holds.purse(tx, user_id(request), tariff, datetime.now(UTC))
    return {"plan": PLANS[has.plan].title if tariff.plans else "", "credit": Money(has.balance, tariff.currency).text}


async def advertisement(request: web.Request, tx: Tx) -> dict[str, str] | None:
    """What fills the place for an advertisement; None for people with a plan, and where it is off (R-104). Words and a link, no code of others."""
    tariff, settings = request.app.get(TARIFF), request.app[SETTINGS]
    if not settings.ad_slot or tariff is None or not tariff.sells:
        return None
    plan = plan_of(await tx.subscriptions(user_id(request)), datetime.now(UTC), tariff.grace_days)
    return {"text": settings.ad_text, "link": settings.ad_link} if PLANS[plan].ads else None


def is_test(request: web.Request) -> bool:
    """Whether payments here move no real money."""
    shop = request.app.get(SHOP)
    return shop is not None and not shop.gateway.livemode


def mode(request: web.Request) -> Payments:
    """How an interview is paid here."""
    return request.app[SETTINGS].payments


def nav_links(request: web.Request) -> list[dict[str, str]]:
    """What the header of every page shows beside its own links."""
    tariff = request.app.get(TARIFF)
    if tariff is None:
        return []
    return [{"href": "/plans", "slug": "plans", "title": "Prices" if tariff.sells and not tariff.plans else "Plans"}]
