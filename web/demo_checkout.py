"""`/demo-checkout/{ref}`: the page of the pretended provider. What its buttons do arrives as a signed event on the webhooks' own path.

Only with `PREPKIT_PAYMENTS=fake`. Read next: `bridge.clients.fake_checkout`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bridge.clients.fake_checkout import FakeCheckout
from bridge.domain.pricing import Money
from bridge.errors import NotFound, UpstreamFailed
from bridge.usecases import checkout

from .pages import render
from .payments import SHOP

BUTTONS = {"pay": "paid", "decline": "declined", "cancel": "cancelled", "end": "ended"}


def _provider(request: web.Request) -> FakeCheckout:
    shop = request.app.get(SHOP)
    if shop is None or not isinstance(shop.gateway, FakeCheckout):
        raise web.HTTPNotFound
    return shop.gateway


async def page(request: web.Request) -> web.Response:
    """What is to be paid, and what the demonstration should do."""
    try:
        state = await _provider(request).shown(request.match_info["ref"])
    except UpstreamFailed as error:
        raise NotFound(error.message) from None
    price = Money(state["amount"], state["currency"]).text
    shown = render(request, "demo_checkout.html", state=state, price=price, ref=request.match_info["ref"])
    # Without a referrer a browser names no origin for a plain form, and whoever sends none is refused.
    shown.headers["Referrer-Policy"] = "same-origin"
    return shown


async def decide(request: web.Request) -> web.Response:
    """A button was pressed."""
    form = await request.post()
    status = BUTTONS.get(str(form.get("do", "")))
    provider = _provider(request)
    if status is None:
        raise NotFound("There is no such button.")
    ref = request.match_info["ref"]
    try:
        state = await provider.shown(ref)
        event = await provider.decide(ref, status)
    except UpstreamFailed as error:
        raise NotFound(error.message) from None
    await checkout.receive(request.app[SHOP], event.headers, event.raw, datetime.now(UTC))
    raise web.HTTPSeeOther(state["cancel_url"] if status == "cancelled" else state["return_url"])
