"""`prepkit voucher …`: straight in the database, whether a server runs or not. Everything is noted as done by nobody."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.config import Settings
from bridge.domain.pricing import Money, Tariff
from bridge.errors import Conflict
from bridge.usecases import vouchers

from .user import opened

NEWEST = 100


def _tariff(settings: Settings) -> Tariff:
    if settings.tariff is None:
        raise Conflict("Nothing has a price on this server: set PREPKIT_PAYMENTS first.")
    return settings.tariff


async def add(settings: Settings, amount: int, uses: int, days: int | None, partner: str) -> None:
    """Print a new voucher's code, alone."""
    currency = _tariff(settings).currency
    async with opened(settings) as database, database.begin() as tx:
        _, code = await vouchers.make(
            tx, None, partner=partner, amount=amount, currency=currency, uses=uses, days=days, now=datetime.now(UTC)
        )
    print(code)


async def show(settings: Settings) -> None:
    """Each: id, partner, what it gives, uses, state."""
    now = datetime.now(UTC)
    async with opened(settings) as database, database.read() as tx:
        found = await tx.vouchers(limit=NEWEST)
    for use in found:
        voucher = use.voucher
        gives, state = Money(voucher.amount, voucher.currency).text, voucher.state(use.used, now).value
        print(f"{voucher.id}  {voucher.note or '–':<24} {gives:>12}  used {use.used} of {voucher.uses}  {state}")


async def end(settings: Settings, voucher_id: str) -> None:
    """Let nobody use it any more. Raises NotFound."""
    async with opened(settings) as database, database.begin() as tx:
        await vouchers.end(tx, None, voucher_id, datetime.now(UTC))
    print("Nobody can use it any more.")
