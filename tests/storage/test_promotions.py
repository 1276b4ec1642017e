"""Vouchers and referrals against both databases: many at once, once each, nobody above themselves (R-109, R-110)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from bridge.domain.account import Account, Role
from bridge.domain.entitlement import Source
from bridge.domain.holding import Hold, HoldState
from bridge.domain.payment import Account as Side
from bridge.domain.payment import Line
from bridge.domain.pricing import Tariff
from bridge.domain.promotions import CODE_LETTERS, LETTERS, Voucher
from bridge.errors import Conflict, NotFound
from bridge.usecases import referrals, vouchers
from storage.database import Database

from .samples import NOW

AT_ONCE = 50
TARIFF = Tariff()


async def people(database: Database, n: int, days_old: int = 0) -> list[str]:
    """So many new accounts."""
    made = [Account(str(uuid4()), Role.CANDIDATE, NOW - timedelta(days=days_old)) for _ in range(n)]
    async with database.begin() as tx:
        for account in made:
            await tx.add_account(account)
    return [account.id for account in made]


async def voucher(database: Database, uses: int = 1, days: int | None = 90, currency: str = "INR") -> tuple[Voucher, str]:
    """A new one and its code."""
    async with database.begin() as tx:
        return await vouchers.make(tx, None, partner="Acme", amount=7_500, currency=currency, uses=uses, days=days, now=NOW)


async def redeem(database: Database, who: str, code: str) -> bool:
    """Whether it was given."""
    try:
        await vouchers.redeem(database, who, code, "INR", NOW)
    except Conflict:
        return False
    return True


async def given(database: Database, who: list[str]) -> int:
    """Credit of all of them."""
    async with database.read() as tx:
        return sum([await tx.balance(each, "INR") for each in who])


@pytest.mark.parametrize("uses", [1, 3])
async def test_of_fifty_at_once_only_so_many_get_it(database: Database, uses: int) -> None:
    """R-110: fifty people, one code: exactly as many lines of the ledger as it has uses."""
    _, code = await voucher(database, uses)
    who = await people(database, AT_ONCE)

    got = await asyncio.gather(*(redeem(database, each, code) for each in who))

    assert uses == sum(got)
    assert uses * 7_500 == await given(database, who)
    async with database.read() as tx:
        assert [uses] == [use.used for use in await tx.vouchers(limit=10)]


async def test_one_person_has_it_once(database: Database) -> None:
    """R-110: twenty clicks at once are one use, and the others' places stay."""
    _, code = await voucher(database, 5)
    (who, other) = await people(database, 2)

    got = await asyncio.gather(*(redeem(database, who, code.lower()) for _ in range(20)))

    assert (1, 7_500) == (sum(got), await given(database, [who]))
    assert await redeem(database, other, code)


async def test_what_does_not_work_says_why(database: Database) -> None:
    """R-110: unknown, of another currency, over, ended by hand; what was given before stays."""
    (who, other) = await people(database, 2)
    for code in ("nonsense", "", (await voucher(database, currency="XCR"))[1]):
        with pytest.raises(NotFound):
            await vouchers.redeem(database, who, code, "INR", NOW)
    _, old = await voucher(database, days=1)
    with pytest.raises(Conflict, match="over"):
        await vouchers.redeem(database, who, old, "INR", NOW + timedelta(days=1))
    made, code = await voucher(database, 2)
    assert await redeem(database, who, code)
    async with database.begin() as tx:
        await vouchers.end(tx, None, made.id, NOW)
    with pytest.raises(Conflict, match="over"):
        await vouchers.redeem(database, other, code, "INR", NOW)
    assert 7_500 == await given(database, [who, other])
    async with database.read() as tx:
        assert [] == await tx.vouchers(limit=0)
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await vouchers.end(tx, None, made.id, NOW)


async def test_a_partner_s_interviews_are_counted(database: Database) -> None:
    """R-110: those its people held after they used the code, and no others."""
    _, code = await voucher(database, 5)
    (who, other) = await people(database, 2)

    async def hold(whose: str, state: HoldState, hours: int) -> None:
        at = NOW + timedelta(hours=hours)
        async with database.begin() as tx:
            await tx.save_hold(Hold(str(uuid4()), whose, Source.CREDIT, state, 1, 5_000, "INR", "2026-11", at, settled_at=at))

    await hold(who, HoldState.CONSUMED, -1)
    assert await redeem(database, who, code)
    for hours in (1, 2):
        await hold(who, HoldState.CONSUMED, hours)
    await hold(who, HoldState.RELEASED, 3)
    await hold(other, HoldState.CONSUMED, 1)
    await voucher(database)
    async with database.read() as tx:
        assert [(0, 0), (1, 2)] == sorted((use.used, use.interviews) for use in await tx.vouchers(limit=10))


# Who brought whom -----------------------------------------------------------------------------------------------------------
async def stands(database: Database, who: str) -> referrals.Standing:
    """What their code has come to."""
    async with database.read() as tx:
        found = await referrals.standing(tx, who, TARIFF, NOW)
    assert found is not None
    return found


async def code_of(database: Database, who: str) -> str:
    """Their code."""
    return (await stands(database, who)).code


async def says(database: Database, who: str, brought_by: str) -> bool:
    """Whether it was kept."""
    try:
        await referrals.say(database, who, await code_of(database, brought_by), NOW)
    except Conflict:
        return False
    return True


async def pays(database: Database, who: str, amount: int = 14_900) -> None:
    """Money of their own."""
    async with database.begin() as tx:
        await tx.add_line(Line(Side.CASH, "payment", str(uuid4()), who, amount, "INR", NOW))


async def test_a_code_is_made_with_its_account(database: Database) -> None:
    """R-109, A3: looking stores nothing, because everybody has a code of their own from the first moment; who is unknown or erased has none."""
    (who, other) = await people(database, 2)
    async with database.begin() as tx:
        only = await tx.single_user()
    codes = [await code_of(database, each) for each in (who, other, only)]
    assert [(CODE_LETTERS, set())] * 3 == [(len(code), set(code) - set(LETTERS)) for code in codes]
    assert 3 == len(set(codes))
    assert codes[0] == await code_of(database, who)
    async with database.begin() as tx:
        await tx.erase_account(who)
    async with database.read() as tx:
        assert [None, None] == [await referrals.standing(tx, each, TARIFF, NOW) for each in (who, str(uuid4()))]


async def test_nobody_is_above_themselves(database: Database) -> None:
    """R-109: one's own code, a second one, a loop of two and a loop of four said at once are refused."""
    a, b, c, d = await people(database, 4)
    assert not await says(database, a, a)
    assert await says(database, b, a)
    assert not await says(database, b, c)
    assert not await says(database, a, b)
    async with database.read() as tx:
        assert [b] == [each.referee_id for each in await tx.brought_by(a)]

    ring = await people(database, 4)
    codes = [await code_of(database, each) for each in ring]

    async def said(at: int) -> bool:
        try:
            await referrals.say(database, ring[at], codes[at - 1], NOW)
        except Conflict:
            return False
        return True

    assert 3 == sum(await asyncio.gather(*(said(at) for at in range(4))))
    assert await says(database, d, c)


async def test_only_new_people_may_say(database: Database) -> None:
    """R-109: not after thirty days, not after the first payment, not with a code of nobody's."""
    (referrer,), (old,), (new,) = await people(database, 1), await people(database, 1, days_old=30), await people(database, 1)
    assert not await says(database, old, referrer)
    await pays(database, new)
    assert not await says(database, new, referrer)
    with pytest.raises(NotFound):
        await referrals.say(database, old, "0000-0000-0000", NOW)


async def test_credit_comes_once_and_only_for_money(database: Database) -> None:
    """R-109: ₹50 each once the person who was brought has paid; the job may run at once and again; nothing for a gift or for money given back."""
    referrer, referee = await people(database, 2)
    assert await says(database, referee, referrer)
    async with database.begin() as tx:
        await tx.add_line(Line(Side.CREDIT, "grant", "g", referee, 50_000, "INR", NOW))
    assert not await referrals.pay(database, TARIFF, referee, NOW)
    await pays(database, referee)
    await pays(database, referee, -14_900)
    assert not await referrals.pay(database, TARIFF, referee, NOW)
    await pays(database, referee)

    got = await asyncio.gather(*(referrals.pay(database, TARIFF, referee, NOW) for _ in range(10)))

    assert 1 == sum(got)
    assert 5_000 == await given(database, [referrer])
    assert 55_000 == await given(database, [referee])
    end = await stands(database, referrer)
    assert (1, 1, "₹50") == (end.brought, end.paid, end.earned.text)
    assert not await referrals.pay(database, None, referee, NOW)
    assert not await referrals.pay(database, Tariff(referral=0, referral_welcome=0), referee, NOW)
