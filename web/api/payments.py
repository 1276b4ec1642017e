"""`/api/payments…`: open a checkout page, ask how a payment stands, manage a plan (R-098, C-12).

The body names what is bought and never what it costs. Read next: `bridge.usecases.checkout`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.payment import Order, OrderStatus
from bridge.errors import Conflict, InvalidInput, NotFound, UpstreamFailed
from bridge.usecases import checkout
from bridge.usecases.checkout import Shop

from .. import schemas
from ..auth import user_id
from ..keys import STORE
from ..payments import SHOP
from .interviews import dump, json_body, rfc3339

LOOK_SECONDS = 4.0
"""How long a person waits for the provider before the page shows what is known."""


def shop_of(request: web.Request) -> Shop:
    """Who takes the money. Raises NotFound where nobody does."""
    shop = request.app.get(SHOP)
    if shop is None:
        raise NotFound("Nothing can be paid on this server.")
    return shop


async def create(request: web.Request) -> web.Response:
    """`POST /api/payments/create`: an order and its checkout page; `checkoutUrl` is null when there is nothing to pay."""
    wish = schemas.validate(schemas.PaymentRequest, await json_body(request))
    shop, now = shop_of(request), datetime.now(UTC)
    if (wish.session_id is None) == (wish.plan is None):
        raise InvalidInput("Name either an interview (sessionId) or a plan.")
    if wish.session_id is not None:
        order = await checkout.for_session(shop, user_id(request), wish.session_id, now)
    else:
        assert wish.plan is not None  # noqa: S101 - one of the two is given
        order = await checkout.for_plan(shop, user_id(request), wish.plan, now)
    return web.json_response(
        dump(schemas.PaymentResponse(payment_id=order.id if order else None, checkout_url=order.checkout_url if order else None))
    )


async def show(request: web.Request) -> web.Response:
    """`GET /api/payments/{paymentId}`: how it stands, asked at the provider."""
    return web.json_response(order_json(await looked(request)))


async def portal(request: web.Request) -> web.Response:
    """`POST /api/payments/portal`: the provider's page where a plan is changed or ended."""
    await json_body(request)
    shop = shop_of(request)
    async with request.app[STORE].read() as tx:
        held = await tx.subscriptions(user_id(request))
    known = next((plan.customer_ref for plan in held if plan.provider == shop.gateway.name and plan.customer_ref), "")
    if not known:
        raise Conflict("You have no plan here that could be changed.")
    return web.json_response({"url": await shop.gateway.portal(known, f"{shop.base_url}/plans")})


async def looked(request: web.Request) -> Order:
    """The person's own order, as the provider has it now, or as it was last known while the provider cannot be asked."""
    shop = shop_of(request)
    async with request.app[STORE].read() as tx:
        order = await tx.order(request.match_info["payment_id"])
    if order is None or order.user_id != user_id(request):
        raise NotFound("There is no such payment.")
    if order.status is not OrderStatus.PENDING:
        return order
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await checkout.look(shop, order.id, datetime.now(UTC))
    except (UpstreamFailed, TimeoutError):
        return order


def order_json(order: Order) -> dict[str, Any]:
    """A payment as clients see it."""
    return {
        "paymentId": order.id,
        "status": order.status.value,
        "amount": order.amount.amount,
        "currency": order.amount.currency,
        "refunded": order.refunded,
        "sessionId": order.session_id,
        "plan": order.plan.value if order.plan else None,
        "transactionId": order.payment_ref,
        "provider": order.provider,
        "createdAt": rfc3339(order.created_at),
        "paidAt": rfc3339(order.paid_at),
        "message": order.problem or None,
    }
