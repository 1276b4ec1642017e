"""Vouchers and referrals on pages and in the API: what a person sees and uses at `/billing`, what an admin makes at `/operator/money` (R-109, R-110).

Tries at codes are counted, so that guessing is hopeless long before it is slow. Read next: `bridge.usecases.vouchers`, `billing_pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from limits import parse

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.domain.pricing import Money, Tariff
from bridge.domain.promotions import VoucherUse
from bridge.errors import NotFound
from bridge.usecases import referrals, vouchers

from . import limiting, schemas
from .api.interviews import json_body, rfc3339
from .auth import current, require, user_id
from .keys import SETTINGS, STORE
from .mailing import address
from .payments import TARIFF

TRIES = parse("10/5minute")
"""Codes a person may try."""


def _tariff(request: web.Request) -> Tariff:
    """The price list. Raises NotFound where nothing has a price."""
    tariff = request.app.get(TARIFF)
    if tariff is None:
        raise NotFound("Nothing has a price on this server.")
    return tariff


def _refers(request: web.Request, tariff: Tariff) -> bool:
    """Whether bringing somebody gives anything here; in `single` mode there is nobody to bring."""
    gives = tariff.sells and (tariff.referral or tariff.referral_welcome)
    return bool(gives) and request.app[SETTINGS].auth_mode is not AuthMode.SINGLE


# A person's own -------------------------------------------------------------------------------------------------------------
async def own(request: web.Request, tariff: Tariff, now: datetime) -> dict[str, Any]:
    """What `/billing` shows of both; `referral` is None where bringing somebody gives nothing."""
    if not _refers(request, tariff):
        return {"referral": None}
    async with request.app[STORE].read() as tx:
        stands = await referrals.standing(tx, user_id(request), tariff, now)
    if stands is None:
        return {"referral": None}
    shown = "-".join(stands.code[at : at + 4] for at in range(0, len(stands.code), 4))
    return {
        "referral": {
            "code": shown,
            "link": address(request.app, f"/billing?ref={shown}"),
            "brought": stands.brought,
            "paid": stands.paid,
            "earned": stands.earned.text,
            "each": Money(tariff.referral, tariff.currency).text if tariff.referral else "",
            "welcome": Money(tariff.referral_welcome, tariff.currency).text if tariff.referral_welcome else "",
            "may_say": stands.may_say,
            "given": request.query.get("ref", "")[:64],
        }
    }


async def redeem(request: web.Request) -> web.Response:
    """`POST /api/billing/voucher` → 201: its credit, once a person."""
    code, tariff = await _code(request)
    voucher = await vouchers.redeem(request.app[STORE], user_id(request), code, tariff.currency, datetime.now(UTC))
    async with request.app[STORE].read() as tx:
        balance = await tx.balance(user_id(request), tariff.currency)
    return web.json_response({"granted": voucher.amount, "balance": balance, "currency": tariff.currency}, status=201)


async def say(request: web.Request) -> web.Response:
    """`POST /api/billing/referral` → 201: who brought this person."""
    code, tariff = await _code(request)
    if not _refers(request, tariff):
        raise NotFound("Bringing somebody gives nothing on this server.")
    await referrals.say(request.app[STORE], user_id(request), code, datetime.now(UTC))
    return web.json_response({"said": True}, status=201)


async def _code(request: web.Request) -> tuple[str, Tariff]:
    tariff = _tariff(request)
    wish = schemas.validate(schemas.CodeRequest, await json_body(request))
    await request.app[limiting.LIMITS].count(TRIES, "code", user_id(request))
    return wish.code, tariff


# An admin's -----------------------------------------------------------------------------------------------------------------
@require(Role.ADMIN)
async def make_voucher(request: web.Request) -> web.Response:
    """`POST /api/operator/vouchers` → 201 with the code, which is told this once."""
    tariff = _tariff(request)
    wish = schemas.validate(schemas.VoucherRequest, await json_body(request))
    async with request.app[STORE].begin() as tx:
        voucher, code = await vouchers.make(
            tx, current(request).id, partner=wish.partner, amount=wish.amount, currency=tariff.currency, uses=wish.uses,
            days=wish.days, now=datetime.now(UTC),
        )  # fmt: skip
    told = {"id": voucher.id, "code": code, "amount": voucher.amount, "currency": voucher.currency, "uses": voucher.uses}
    return web.json_response(told | {"expiresAt": rfc3339(voucher.expires_at)}, status=201)


@require(Role.ADMIN)
async def end_voucher(request: web.Request) -> web.Response:
    """`POST /api/operator/vouchers/{voucherId}/end`: nobody uses it any more; what was given stays."""
    await json_body(request)
    _tariff(request)
    async with request.app[STORE].begin() as tx:
        await vouchers.end(tx, current(request).id, request.match_info["voucher_id"], datetime.now(UTC))
    return web.json_response({"ended": True})


def row(use: VoucherUse, now: datetime) -> dict[str, Any]:
    """A voucher as the page about money shows it."""
    voucher, ends = use.voucher, use.voucher.expires_at
    return {
        "id": voucher.id,
        "partner": voucher.note or "–",
        "gives": Money(voucher.amount, voucher.currency).text,
        "used": use.used,
        "uses": voucher.uses,
        "interviews": use.interviews,
        "given": Money(voucher.amount * use.used, voucher.currency).text,
        "ends": f"{ends.day} {ends:%b %Y}" if ends else "–",
        "state": voucher.state(use.used, now).value,
    }


def by_partner(uses: Sequence[VoucherUse]) -> list[dict[str, Any]]:
    """The newest vouchers added up for each partner and currency, in order of name."""
    sums: dict[tuple[str, str], list[int]] = {}
    for use in uses:
        counted = sums.setdefault((use.voucher.note or "–", use.voucher.currency), [0, 0, 0, 0])
        for at, n in enumerate((1, use.used, use.interviews, use.used * use.voucher.amount)):
            counted[at] += n
    return [
        {"partner": partner, "vouchers": made, "used": used, "interviews": interviews, "given": Money(given, currency).text}
        for (partner, currency), (made, used, interviews, given) in sorted(sums.items())
    ]
