"""What is kept between requests is never older than it may be (R-126, C-44)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.domain.standing import ReportFacts
from web.reports import GROUP_SECONDS, Groups, Totals

from .house import House, add_user

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def facts_of(house: House, session_id: str) -> ReportFacts:
    """What is kept of an interview's report."""
    async with house.store.read() as tx:
        return next(facts for facts in await tx.facts(house.user, limit=50) if facts.session_id == session_id)


async def test_totals_are_added_up_again_when_something_changed(house: House) -> None:
    """R-126: kept while nothing changed in the person's interviews, added up again after any change."""
    made = await house.finished()
    totals = Totals()

    async def average() -> float | None:
        async with house.store.read() as tx:
            return (await totals.of(tx, house.user))[0].average

    before = await average()
    async with house.store.begin() as tx:
        await tx.save_facts(replace(await facts_of(house, made.id), overall_score=7))
    assert before == await average()
    async with house.store.begin() as tx:
        await tx.save_session(made)
    assert 7 == await average()
    assert before != 7


async def test_only_so_many_people_are_kept(house: House) -> None:
    """The one asked about longest ago is let go."""
    await house.finished()
    other = await add_user(house.store)
    totals = Totals(most=1)
    async with house.store.read() as tx:
        mine = await totals.of(tx, house.user)
        assert mine is await totals.of(tx, house.user)
        assert [] == await totals.of(tx, other)
        assert mine is not await totals.of(tx, house.user)
        totals.clear()
        assert mine == await totals.of(tx, house.user)


async def test_groups_are_looked_up_again_after_a_while(house: House) -> None:
    """C-44: another process's scores are seen after a while, this process's own at once."""
    made = await house.finished(now=datetime.now(UTC))
    facts = await facts_of(house, made.id)
    at = [0.0]
    groups = Groups(lambda: at[0])

    async def has(score: int) -> bool:
        async with house.store.read() as tx:
            return score in (await groups.of(tx, facts.type, facts.difficulty)).counts

    async def change(score: int) -> None:
        async with house.store.begin() as tx:
            await tx.save_facts(replace(facts, overall_score=score))

    await change(1)
    assert await has(1)
    await change(2)
    assert await has(1)
    at[0] = GROUP_SECONDS + 1
    assert await has(2)
    await change(3)
    assert not await has(3)
    groups.clear()
    assert await has(3)
