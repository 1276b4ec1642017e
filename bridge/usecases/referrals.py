"""Credit for bringing somebody: said once by who was brought, paid when their first paid interview was held (R-109).

"Paid" means with money of their own, for the interview or for a plan: gifts and vouchers bring nobody anything. The interview's end enqueues
the job in its own transaction, so the end needs no price list and the credit is never lost; the ledger pays each person who was brought once
for ever. Read next: `bridge.domain.promotions`, `holds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..domain.entitlement import Source
from ..domain.holding import Hold, HoldState
from ..domain.payment import Account, Line
from ..domain.pricing import Money, Tariff
from ..domain.promotions import NEW_FOR, Referral, normal_code
from ..errors import Conflict, NotFound
from ..ports import Store, Tx

PAY_JOB = "pay-referral"
UNKNOWN = "There is no such code. Check it with whoever gave it to you."
SELF = "This is your own code: give it to somebody else."
KNOWN = "You have said already who brought you."
TOO_LATE = "A code can be used by new people only, before their first payment."
LOOP = "You brought this person here yourself, so they cannot have brought you."


@dataclass(frozen=True)
class Standing:
    """What a person's code has come to."""

    code: str
    brought: int
    paid: int
    """How many of these have brought credit."""
    earned: Money
    may_say: bool
    """Whether the person may still say who brought them."""


async def standing(tx: Tx, user_id: str, tariff: Tariff, now: datetime) -> Standing | None:
    """Of one person; None for somebody without a code, who was erased."""
    code = await tx.referral_code(user_id)
    if code is None:
        return None
    lines = [line for line in await tx.lines_of(user_id) if line.kind == "referral" and line.currency == tariff.currency]
    brought = await tx.brought_by(user_id)
    earned = Money(sum(line.amount for line in lines), tariff.currency)
    return Standing(code, len(brought), len(lines), earned, await _is_new(tx, user_id, now))


async def _is_new(tx: Tx, user_id: str, now: datetime) -> bool:
    account = await tx.account(user_id)
    new = account is not None and now < account.created_at + NEW_FOR
    return new and await tx.referral(user_id) is None and not await tx.paid_in(user_id)


async def say(store: Store, user_id: str, code: str, now: datetime) -> None:
    """Keep who brought this person. Raises NotFound, Conflict in words."""
    async with store.begin() as tx:
        await tx.lock_referrals()
        referrer = await tx.person_of_code(normal_code(code))
        account = await tx.account(referrer) if referrer else None
        if account is None or account.disabled_at is not None:
            raise NotFound(UNKNOWN)
        if account.id == user_id:
            raise Conflict(SELF)
        if await tx.referral(user_id) is not None:
            raise Conflict(KNOWN)
        if not await _is_new(tx, user_id, now):
            raise Conflict(TOO_LATE)
        await _check_no_loop(tx, user_id, account.id)
        await tx.add_referral(Referral(user_id, account.id, now))


async def _check_no_loop(tx: Tx, user_id: str, referrer_id: str) -> None:
    """Nobody may be above themselves: everybody was brought by one at most, so the way up ends."""
    above = await tx.referral(referrer_id)
    while above is not None:
        if above.referrer_id == user_id:
            raise Conflict(LOOP)
        above = await tx.referral(above.referrer_id)


async def held(tx: Tx, hold: Hold) -> None:
    """An interview was really held: have the credit paid if it is due. Inside the transaction that ends the interview."""
    paid = hold.state is HoldState.CONSUMED and hold.source in (Source.CREDIT, Source.PLAN)
    if paid and hold.user_id and await tx.referral(hold.user_id) is not None:
        await tx.enqueue(PAY_JOB, hold.ref, {"userId": hold.user_id})


async def pay(store: Store, tariff: Tariff | None, user_id: str, now: datetime) -> bool:
    """The job: credit for both, once for ever; False where nothing is due (yet)."""
    if tariff is None or not (tariff.referral or tariff.referral_welcome):
        return False
    async with store.begin() as tx:
        referral = await tx.referral(user_id)
        if referral is None or not any(money.amount > 0 for money in await tx.paid_in(user_id)):
            return False
        new = False
        for kind, whose, amount in (
            ("referral", referral.referrer_id, tariff.referral),
            ("referral_welcome", referral.referee_id, tariff.referral_welcome),
        ):
            account = await tx.account(whose) if amount else None
            if account is not None and account.disabled_at is None:
                line = Line(Account.CREDIT, kind, referral.referee_id, whose, amount, tariff.currency, now)
                new = await tx.add_line(line) or new
        return new
