"""The cost ledger, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.domain.pricing import ExchangeRate
from bridge.domain.upstream import CostKind
from bridge.errors import NotFound
from storage.database import Database

from .samples import NOW, cost, kept, stored


async def test_a_cost_comes_back_as_it_was_booked(database: Database):
    """R-165: every field, in order of booking; amounts beyond 32 bits and corrections to the last millionth."""
    made, other = await stored(database), await stored(database)
    booked = [
        cost(made.id, "vapi:call-1:estimate", kind=CostKind.ESTIMATE, at=NOW + timedelta(minutes=9)),
        cost(made.id, "gemini:report", provider="gemini", item="tokens 日本", quantity=0.1, unit="tokens", amount_micros=1),
        cost(made.id, "a", currency="INR", amount_micros=2**62, quantity=1e15),
        cost(made.id, "b", amount_micros=-3),
    ]
    async with database.begin() as tx:
        for entry in booked:
            assert await tx.add_cost(entry) is True
        assert await tx.add_cost(cost(other.id, "b")) is True

    async with database.read() as tx:
        assert [kept(entry) for entry in booked] == await tx.costs(made.id)
        assert [kept(entry) for entry in booked] == await tx.costs(made.id.upper())
        for nobody in (str(uuid4()), "", "\0"):
            assert await tx.costs(nobody) == []


async def test_a_cost_is_booked_once(database: Database):
    """R-165: a repeat books nothing and changes nothing, also when both come at the same moment, also by another spelling of the id."""
    made = await stored(database)

    async def book(n: int) -> bool:
        async with database.begin() as tx:
            return await tx.add_cost(cost(made.id if n % 2 else made.id.upper(), amount_micros=n))

    outcomes = await asyncio.gather(*(book(n) for n in range(8)))

    assert sorted(outcomes) == [False] * 7 + [True]
    async with database.read() as tx:
        assert [kept(cost(made.id, amount_micros=outcomes.index(True)))] == await tx.costs(made.id)


async def test_both_currencies_are_kept(database: Database):
    """C-08: dollars and rupees on each row at the rate of its day; another rate from tomorrow on changes none of them."""
    made = await stored(database, started_at=NOW)
    async with database.begin() as tx:
        await tx.add_cost(cost(made.id, "vapi:1:call", item="call", amount_micros=2_000_000))
    database.rate = ExchangeRate(90.0)
    async with database.begin() as tx:
        await tx.add_cost(cost(made.id, "vapi:2:call", item="call", amount_micros=1_000_000))
        await tx.add_cost(cost(made.id, "gateway:3:fee", currency="INR", amount_micros=4_570_000))
    async with database.read() as tx:
        assert [(166_000_000, 83.0), (90_000_000, 90.0), (4_570_000, 90.0)] == [
            (entry.inr_micros, entry.usd_inr) for entry in await tx.costs(made.id)
        ]
        (earned,) = await tx.earnings(limit=10)
    assert 26_057 == earned.cost_paise
    async with database.begin() as tx:
        await tx.connection.execute(text("UPDATE cost_entries SET inr_micros = NULL, usd_inr = NULL"))
    async with database.read() as tx:
        (earned,) = await tx.earnings(limit=10)
    assert 27_457 == earned.cost_paise, "lines from before are taken at the rate of now"


async def test_costs_outlive_their_session(database: Database):
    """C-34: what was paid stays, amount and ids, when the session's row itself goes."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_cost(cost(made.id))
        await tx.connection.execute(text("DELETE FROM interview_sessions"))

    async with database.begin() as tx:
        assert [kept(cost(made.id))] == await tx.costs(made.id)
        assert await tx.add_cost(cost(made.id)) is False
        assert await tx.add_cost(cost(made.id, "late")) is True


async def test_a_cost_of_nothing_is_refused(database: Database):
    """R-165: what can be no session's id."""
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.add_cost(cost("not-an-id"))


@pytest.mark.parametrize("currency", ["", "US", "USDT", "dollars"])
async def test_a_currency_has_three_letters(database: Database, currency: str):
    """R-171: both databases refuse anything else; SQLite knows no lengths by itself."""
    made = await stored(database)
    with pytest.raises(DBAPIError):
        async with database.begin() as tx:
            await tx.add_cost(replace(cost(made.id), currency=currency))


async def test_a_kind_the_code_does_not_know_is_refused(database: Database):
    """R-171: the database's check is the domain's enum, no more and no less."""
    made = await stored(database)
    async with database.begin() as tx:
        for kind in CostKind:
            assert await tx.add_cost(cost(made.id, kind, kind=kind)) is True

    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.connection.execute(text("UPDATE cost_entries SET kind = 'nonsense'"))
