"""Vouchers of partner companies: made by an admin, used once by each person, as many people as they are for (R-110).

A use is a line of the ledger, unique by voucher and person, booked while the voucher's row is held: of fifty who come at once to a code for
one, one has it. Read next: `bridge.domain.promotions`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from ..domain.payment import Account, Line
from ..domain.promotions import Voucher, VoucherState, make_code, normal_code
from ..errors import Conflict, NotFound
from ..ports import Store, Tx
from .calling import hash_token

UNKNOWN = "There is no such voucher. Check the code."
OVER = "This voucher is over."
USED_UP = "This voucher has been used as often as it could be."
TWICE = "You have used this voucher already."


async def make(
    tx: Tx, actor_id: str | None, *, partner: str, amount: int, currency: str, uses: int, days: int | None, now: datetime
) -> tuple[Voucher, str]:
    """A new one and its code, which is told this once. `amount` is what each use gives; None `days` never end."""
    code = make_code()
    ends = now + timedelta(days=days) if days else None
    voucher = Voucher(str(uuid4()), amount, currency, uses, now, ends, partner.strip())
    await tx.add_voucher(voucher, hash_token(normal_code(code)))
    await tx.audit(actor_id, "voucher.make", voucher.id, {"amount": amount, "currency": currency, "uses": uses})
    return voucher, code


async def end(tx: Tx, actor_id: str | None, voucher_id: str, now: datetime) -> None:
    """Let nobody use it any more; what was given stays. Raises NotFound."""
    if not await tx.end_voucher(voucher_id, now):
        raise NotFound("There is no such voucher that could still be used.")
    await tx.audit(actor_id, "voucher.end", voucher_id)


async def redeem(store: Store, user_id: str, code: str, currency: str, now: datetime) -> Voucher:
    """Its credit for this person, once. Raises NotFound, Conflict in words."""
    async with store.begin() as tx:
        voucher = await tx.voucher_of(hash_token(normal_code(code)))
        if voucher is None or voucher.currency != currency:
            raise NotFound(UNKNOWN)
        ref = f"{voucher.id}:{user_id}"
        if await tx.line("voucher", ref) is not None:
            raise Conflict(TWICE)
        state = voucher.state(await tx.voucher_uses(voucher.id), now)
        if state is not VoucherState.OPEN:
            raise Conflict(OVER if state is VoucherState.OVER else USED_UP)
        await tx.add_line(Line(Account.CREDIT, "voucher", ref, user_id, voucher.amount, currency, now, note=voucher.note))
        return voucher
