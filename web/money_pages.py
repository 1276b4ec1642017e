"""`/operator/money` and what an admin does with money: cost against price, what needs a look, credit given, money given back (R-101, R-111, C-04).

A loss is shown as a loss; a price below the expected cost is warned of. Every look and act is audited. Read next: `bridge.domain.pricing`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from bridge.domain.account import Role
from bridge.domain.catalog import DIFFICULTIES
from bridge.domain.pricing import MICROS, Money, Tariff, estimate
from bridge.errors import NotFound
from bridge.ports import Earned
from bridge.usecases import holds, refunds

from . import promotions, schemas
from .api.interviews import json_body
from .auth import current, require
from .billing_pages import tariff_of
from .keys import SETTINGS, STORE
from .operator import words
from .operator.door import audited
from .operator.tabs import tabs_for
from .pages import render

NEWEST = 50
GIVEN_UP = ("failed",)


@audited("money.view", role=Role.ADMIN)
async def money(request: web.Request) -> web.Response:
    """`/operator/money`."""
    tariff, settings = tariff_of(request), request.app[SETTINGS]
    async with request.app[STORE].read() as tx:
        earned = await tx.earnings(limit=NEWEST)
        counts = await tx.order_counts()
        odd = await tx.quarantined()
        given = await tx.vouchers(limit=NEWEST)
    over = sum(counts.values()) - counts.get("pending", 0)
    good = over - sum(counts.get(name, 0) for name in (*GIVEN_UP, "quarantined"))
    rows = [_row(one, tariff) for one in earned]
    return render(
        request,
        "money.html",
        active="operator",
        tabs=tabs_for(request),
        rows=rows,
        forecasts=[_forecast(request, tariff, level) for level in DIFFICULTIES] if tariff.sells else [],
        losses=sum(1 for row in rows if row["loss"]),
        counts=counts,
        success=f"{100 * good // over} %" if over else "–",
        odd=[{"id": order.id, "amount": order.amount.text, "problem": order.problem} for order in odd],
        vouchers=[promotions.row(use, datetime.now(UTC)) for use in given],
        partners=promotions.by_partner(given),
        currency=tariff.currency,
        rate=f"₹{settings.usd_inr:g} a dollar since {settings.usd_inr_since}",
    )


def _row(one: Earned, tariff: Tariff) -> dict[str, Any]:
    dollars = (one.cost_micros + one.estimated_micros) / MICROS
    margin = one.brought - one.cost_paise
    return {
        "id": one.session_id[:8],
        "date": f"{one.at.day} {one.at:%b %Y}",
        "what": f"{words.TITLES[one.type]}, {words.LEVELS[one.difficulty]}",
        "engine": words.ENGINES[one.engine],
        "minutes": f"{one.elapsed_ms / 60_000:.1f}",
        "paid_with": one.source or "–",
        "price": Money(one.brought, tariff.currency).text,
        "cost": f"{Money(one.cost_paise).text} (${dollars:.2f})" + (" (partly estimated)" if one.estimated_micros else ""),
        "margin": Money(margin).text if tariff.sells else "–",
        "loss": tariff.sells and margin < 0,
    }


def _forecast(request: web.Request, tariff: Tariff, level: Any) -> dict[str, Any]:
    settings, profile = request.app[SETTINGS], DIFFICULTIES[level]
    models = (
        {p: getattr(settings, f"gemini_model_{p}") for p in ("questions", "live", "report")} if settings.gemini_api_key else {}
    )
    costing = estimate(
        tariff.price(level).amount,
        settings.engines[0],
        profile.default_minutes,
        models,
        datetime.now(UTC).date(),
        rate=settings.exchange_rate,
        fee=settings.fee_rule,
    )
    return {
        "title": profile.title,
        "minutes": profile.default_minutes,
        "price": Money(costing.price).text,
        "parts": {name: Money(amount).text for name, amount in costing.parts.items()},
        "cost": Money(costing.cost).text,
        "margin": Money(costing.margin).text,
        "loss": costing.margin < 0,
    }


@require(Role.ADMIN)
async def grant(request: web.Request) -> web.Response:
    """`POST /api/operator/credits`: give a person credit; the same `reference` is one gift."""
    tariff = tariff_of(request)
    wish = schemas.validate(schemas.CreditRequest, await json_body(request))
    async with request.app[STORE].begin() as tx:
        account = await tx.account_by_email(wish.email) if wish.email else await tx.account(wish.user_id or "")
        if account is None:
            raise NotFound("There is no such account.")
        ref = wish.reference or str(uuid4())
        new = await holds.grant(tx, account.id, wish.amount, tariff.currency, datetime.now(UTC), ref=ref, note=wish.note)
        if new:
            await tx.audit(
                current(request).id, "credit.granted", account.id, {"amount": wish.amount, "currency": tariff.currency}
            )
        balance = await tx.balance(account.id, tariff.currency)
    return web.json_response({"granted": new, "balance": balance, "currency": tariff.currency}, status=201 if new else 200)


@require(Role.ADMIN)
async def refund(request: web.Request) -> web.Response:
    """`POST /api/operator/payments/{paymentId}/refund`: give a payment back, once."""
    await json_body(request)
    tariff_of(request)
    async with request.app[STORE].begin() as tx:
        order = await tx.order(request.match_info["payment_id"], for_update=True)
        if order is None:
            raise NotFound("There is no such payment.")
        new = await refunds.ask(tx, order, "operator", datetime.now(UTC))
        if new:
            await tx.audit(current(request).id, "payment.refunded", order.id, {"amount": order.amount.amount})
    return web.json_response({"asked": new}, status=202)
