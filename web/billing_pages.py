"""`/plans`, `/billing`, `/payments/{id}`: what it costs, what was paid, and after a checkout: was I charged, and what now?

Without prices there are no such pages. Read next: `payments`, `api.payments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.config import Payments
from bridge.domain.catalog import DIFFICULTIES
from bridge.domain.entitlement import Purse, gives_access
from bridge.domain.payment import Account, Line, Order, OrderStatus
from bridge.domain.pricing import PLANS, Money, Plan, Tariff
from bridge.usecases import holds

from . import payments, promotions
from .api.payments import looked
from .auth import user_id
from .keys import STORE
from .pages import render
from .payments import SHOP, TARIFF

LINE_TITLES = {
    "credit": "Paid in",
    "grant": "From this server's operator",
    "referral": "For bringing somebody here",
    "referral_welcome": "For coming by somebody's code",
    "voucher": "Voucher",
    "hold": "Set aside for an interview",
    "release": "Given back: the interview was not held",
    "refund_credit": "Paid back as money",
    "refund_credit_undone": "Could not be paid back as money",
    "dispute_credit": "Claimed back at your bank",
    "dispute_credit_undone": "Claim at your bank ended",
    "goodwill": "Kept by you after a refund",
    "goodwill_undone": "Refund did not reach you after all",
}


@dataclass(frozen=True)
class Words:
    """What an order's status means for whoever paid."""

    title: str
    charged: str
    next: str
    tone: str


def words_of(order: Order) -> Words:
    """Was I charged, and what now?"""
    amount = order.amount.text
    what = "Your plan is active from now on." if order.plan else "Your interview can start."
    looks = f"gives back what was wrong. Quote {order.id[:8]} if you ask about it."
    match order.status:
        case OrderStatus.COMPLETED if order.needs_a_look:
            return Words(
                "Paid, and being checked",
                f"{amount} was charged as agreed. Something that came later does not match it.",
                f"A person looks at it and {looks}",
                "warn",
            )
        case OrderStatus.COMPLETED:
            return Words("Paid", f"{amount} was charged once.", what, "good")
        case OrderStatus.PENDING:
            return Words(
                "Waiting for the payment",
                "Nothing is known to be charged yet.",
                "This page looks again by itself. You can close it: once the payment arrives, it counts, even if you are away. "
                "Paying again is not necessary.",
                "warn",
            )
        case OrderStatus.FAILED:
            return Words(
                "Not paid", order.problem or "The payment was not made. Nothing was charged.", "You can try again.", "bad"
            )
        case OrderStatus.REFUNDED:
            back = Money(order.refunded, order.amount.currency).text
            return Words(
                "Refunded", f"{back} goes back the way you paid.", "Banks take up to seven working days to show it.", "good"
            )
        case OrderStatus.DISPUTED:
            return Words(
                "Claimed back at your bank",
                f"{amount} was charged, and your bank has been asked for it.",
                "Your bank decides.",
                "warn",
            )
        case OrderStatus.QUARANTINED:
            return Words(
                "Being checked",
                "Your payment may have been charged, but it does not match what was asked for.",
                f"A person looks at it and {looks}",
                "bad",
            )


def tariff_of(request: web.Request) -> Tariff:
    """The price list. Raises HTTPNotFound where nothing has a price."""
    tariff = request.app.get(TARIFF)
    if tariff is None:
        raise web.HTTPNotFound
    return tariff


async def plans(request: web.Request) -> web.Response:
    """`/plans`."""
    tariff, now = tariff_of(request), datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        has = await holds.purse(tx, user_id(request), tariff, now)
    return render(
        request,
        "plans.html",
        active="plans",
        plans=[_plan(plan, tariff, has) for plan in Plan if plan is Plan.FREE or plan in tariff.plans]
        if tariff.sells and tariff.plans
        else [],
        levels=[
            {"title": profile.title, "minutes": f"{profile.min_minutes}–{profile.max_minutes}", "price": tariff.price(level).text}
            for level, profile in DIFFICULTIES.items()
        ],
        has=has,
        balance=Money(has.balance, tariff.currency).text,
        tariff=tariff,
        can_pay=SHOP in request.app,
        test_mode=payments.is_test(request),
        demo_money=payments.mode(request) is Payments.FAKE,
    )


def _plan(plan: Plan, tariff: Tariff, has: Purse) -> dict[str, Any]:
    points = list(PLANS[plan].points)
    if plan is Plan.FREE and not tariff.free_monthly:
        points[0] = "Pay for each interview"
    elif plan is not Plan.FREE:
        points.append(f"Fair use: {tariff.fair_use} interviews a calendar month")
    return {
        "slug": plan.value,
        "title": PLANS[plan].title,
        "price": tariff.plan_price(plan).text if plan in tariff.plans else "₹0",
        "points": points,
        "current": has.plan is plan,
        "offered": plan is not Plan.FREE and has.plan is Plan.FREE,
    }


async def billing(request: web.Request) -> web.Response:
    """`/billing`: plan, credit, receipts."""
    tariff, now = tariff_of(request), datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        has = await holds.purse(tx, user_id(request), tariff, now)
        orders = await tx.orders_of(user_id(request))
        lines = await tx.lines_of(user_id(request))
        held = await tx.subscriptions(user_id(request))
    running = next((plan for plan in held if gives_access(plan, now, tariff.grace_days)), None)
    return render(
        request,
        "billing.html",
        active="plans",
        has=has,
        tariff=tariff,
        plan_title=PLANS[has.plan].title,
        single=tariff.sells and not tariff.plans and has.plan is Plan.FREE,
        balance=Money(has.balance, tariff.currency).text,
        subscription=running,
        overdue=running is not None and running.past_due_since is not None,
        period_end=_day(running.period_end) if running and running.period_end else "",
        receipts=[_receipt(order) for order in orders],
        lines=[_line(line) for line in reversed(lines) if line.account is Account.CREDIT and line.amount],
        can_pay=SHOP in request.app,
        test_mode=payments.is_test(request),
        **await promotions.own(request, tariff, now),
    )


def _receipt(order: Order) -> dict[str, Any]:
    words = words_of(order)
    return {
        "id": order.id,
        "number": order.id[:8].upper(),
        "date": _day(order.paid_at or order.created_at),
        "what": f"{PLANS[order.plan].title} plan" if order.plan else "Mock interview",
        "amount": order.amount.text,
        "title": words.title,
        "tone": words.tone,
        "transaction": order.payment_ref or "",
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "date": _day(line.at),
        "title": LINE_TITLES.get(line.kind, line.kind),
        "note": line.note,
        "amount": ("+" if line.amount > 0 else "") + Money(line.amount, line.currency).text,
    }


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


async def payment(request: web.Request) -> web.Response:
    """`/payments/{id}`: where a checkout page sends people back to; asks the provider itself, so it need not wait for a webhook."""
    tariff_of(request)
    order = await looked(request)
    words = words_of(order)
    return render(
        request,
        "payment.html",
        active="plans",
        order=order,
        words=words,
        amount=order.amount.text,
        what=f"{PLANS[order.plan].title} plan, one month" if order.plan else "One mock interview",
        waiting=order.status is OrderStatus.PENDING,
        test_mode=payments.is_test(request),
    )
