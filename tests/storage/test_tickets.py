"""Socket tickets, on both databases."""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from storage.database import Database
from storage.tables import tickets

from .samples import NOW, stored

SOON = NOW + timedelta(seconds=30)


async def test_a_ticket_works_once(database: Database):
    """R-051: its purpose the first time, nothing afterwards."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_ticket("hash", made.id, purpose="resume", expires_at=SOON)

    async with database.begin() as tx:
        assert await tx.take_ticket("hash", made.id, now=NOW) == "resume"
        assert await tx.take_ticket("hash", made.id, now=NOW) is None


async def test_a_ticket_is_for_one_session_and_a_short_time(database: Database):
    """R-051: unknown, another session's and expired ones are refused alike, and stay unused."""
    made, other = await stored(database), await stored(database)
    async with database.begin() as tx:
        await tx.add_ticket("hash", made.id, purpose="start", expires_at=SOON)

    async with database.begin() as tx:
        assert await tx.take_ticket("other", made.id, now=NOW) is None
        assert await tx.take_ticket("hash", other.id, now=NOW) is None
        assert await tx.take_ticket("hash", made.id, now=SOON) is None
        assert await tx.take_ticket("hash", made.id, now=SOON - timedelta(microseconds=1)) == "start"


async def test_of_many_takers_at_once_one_gets_it(database: Database):
    """R-051: single use holds under concurrency."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_ticket("hash", made.id, purpose="start", expires_at=SOON)

    async def take() -> str | None:
        async with database.begin() as tx:
            return await tx.take_ticket("hash", made.id, now=NOW)

    assert [got for got in await asyncio.gather(*(take() for _ in range(8))) if got] == ["start"]


async def test_the_two_newest_unused_tickets_stay(database: Database):
    """R-051: older unused ones stop working; used ones and other sessions' are not counted."""
    made, other = await stored(database), await stored(database)
    async with database.begin() as tx:
        await tx.add_ticket("used", made.id, purpose="start", expires_at=SOON)
        await tx.take_ticket("used", made.id, now=NOW)
        await tx.add_ticket("theirs", other.id, purpose="start", expires_at=SOON)
        for n in range(4):
            await tx.add_ticket(f"h{n}", made.id, purpose="resume", expires_at=SOON)

    async with database.read() as tx:
        kept = (await tx.connection.scalars(select(tickets.c.token_hash).order_by(tickets.c.id))).all()
    assert kept == ["used", "theirs", "h2", "h3"]
