"""What pays for an interview, on real databases: held once, used up when it happened, given back otherwise (M4, M8, A16, F12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.catalog import Difficulty
from bridge.domain.entitlement import Source, Subscription, SubscriptionStatus
from bridge.domain.holding import HoldState
from bridge.domain.payment import Account, Line
from bridge.domain.pricing import Plan, Tariff
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.errors import PaymentRequired, WrongState
from bridge.usecases import calling, privacy, set_up
from storage.database import Database

from ...storage.conftest import database_url, postgres_server, postgres_template, postgres_url, sqlite_template, sqlite_url
from ...web.house import SETUP, tell

__all__ = ["database_url", "postgres_server", "postgres_template", "postgres_url", "sqlite_template", "sqlite_url"]

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PAID = Tariff(free_monthly=False)
FREE = Tariff()
MEDIUM = 14_900


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """An open database, of either kind."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def user(store: Database) -> str:
    """The one user."""
    async with store.begin() as tx:
        return await tx.single_user()


async def give(store: Database, user: str, amount: int, ref: str = "1") -> None:
    """Credit."""
    async with store.begin() as tx:
        await tx.add_line(Line(Account.CREDIT, "grant", ref, user, amount, "INR", NOW))


async def balance(store: Database, user: str) -> int:
    """What is left."""
    async with store.read() as tx:
        return await tx.balance(user, "INR")


async def made(store: Database, user: str, difficulty: Difficulty = Difficulty.MEDIUM) -> InterviewSession:
    """An interview that may be started."""
    minutes = {Difficulty.EASY: 10, Difficulty.MEDIUM: 15, Difficulty.EXPERT: 30}[difficulty]
    return await set_up.set_up(store, user, replace(SETUP, difficulty=difficulty, duration_minutes=minutes), NOW)


async def begun(store: Database, user: str, tariff: Tariff = PAID) -> InterviewSession:
    """An interview whose candidate is connected."""
    session = await made(store, user)
    _, token = await calling.start(store, user, session.id, "local", NOW, tariff=tariff)
    return (await calling.admit(store, session.id, token, NOW)).session


async def state(store: Database, session: InterviewSession) -> HoldState:
    """Of what was held."""
    async with store.read() as tx:
        hold = await tx.hold(session.id)
    assert hold is not None
    return hold.state


@pytest.mark.parametrize("free", [False, True])
async def test_one_credit_starts_one_of_fifty(store: Database, user: str, free: bool) -> None:
    """A16: fifty starts at once with what pays for one: exactly one is granted, the others are told what it costs."""
    if not free:
        await give(store, user, MEDIUM)
    sessions = [await made(store, user) for _ in range(50)]

    tariff = FREE if free else PAID
    ends = await asyncio.gather(
        *(calling.start(store, user, s.id, "local", NOW, tariff=tariff) for s in sessions), return_exceptions=True
    )

    assert 1 == sum(not isinstance(end, BaseException) for end in ends)
    assert 49 == sum(isinstance(end, PaymentRequired) for end in ends), ends
    assert await balance(store, user) == 0


async def test_what_is_refused(store: Database, user: str) -> None:
    """A16: easy's price does not start expert, nothing starts unpaid, a finished one does not start again."""
    await give(store, user, 9_900)
    expert = await made(store, user, Difficulty.EXPERT)
    with pytest.raises(PaymentRequired) as refused:
        await calling.start(store, user, expert.id, "local", NOW, tariff=PAID)
    assert {"amount": 20_000, "currency": "INR", "sessionId": expert.id} == refused.value.details

    await give(store, user, -9_900, "2")
    with pytest.raises(PaymentRequired):
        await calling.start(store, user, (await made(store, user, Difficulty.EASY)).id, "local", NOW, tariff=PAID)

    await give(store, user, MEDIUM, "3")
    session = await begun(store, user)
    await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=1000, now=NOW)
    with pytest.raises(WrongState):
        await calling.start(store, user, session.id, "local", NOW, tariff=PAID)


async def test_a_held_interview_is_used_up(store: Database, user: str) -> None:
    """C-11: three minutes and an answer use the credit up; starting again for a lost page holds nothing more."""
    await give(store, user, MEDIUM)
    session = await begun(store, user)
    await calling.start(store, user, session.id, "local", NOW, tariff=PAID)
    assert (HoldState.HELD, 0) == (await state(store, session), await balance(store, user))

    await tell(store, session)
    await calling.finish(store, session.id, "finished", elapsed_ms=3 * 60_000, now=NOW)
    await calling.finish(store, session.id, "finished", elapsed_ms=3 * 60_000, now=NOW)

    assert (HoldState.CONSUMED, 0) == (await state(store, session), await balance(store, user))


FAULTS = ["failed_upstream", "crash", "lost_by_us", "early", "unanswered", "never_joined", "deleted"]


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("free", [False, True])
async def test_what_did_not_happen_comes_back_by_itself(store: Database, user: str, what: str, free: bool) -> None:
    """M4, M8, F1, F2, F14: whatever failed on our side, ended within three minutes or had no answer gives back all, once, in the same transaction."""
    if not free:
        await give(store, user, MEDIUM)
    tariff, later = FREE if free else PAID, NOW + timedelta(minutes=10)
    if what in ("never_joined", "deleted"):
        session = await made(store, user)
        await calling.start(store, user, session.id, "local", NOW, tariff=tariff)
    else:
        session = await begun(store, user, tariff)
    if what not in ("never_joined", "deleted", "unanswered", "early"):
        await tell(store, session, over=False)
    match what:
        case "failed_upstream":
            await calling.finish(store, session.id, "failed_upstream", elapsed_ms=600_000, now=later)
        case "crash":
            await calling.recover(store, NOW, starting=True)
            await calling.sweep(store, later)
        case "lost_by_us":
            await calling.leave(store, session.id, elapsed_ms=600_000, now=NOW, fault=True)
            await calling.sweep(store, later)
        case "early":
            await tell(store, session)
            await calling.finish(store, session.id, "ended_by_candidate", elapsed_ms=100_000, now=later)
        case "unanswered":
            await calling.finish(store, session.id, "time", elapsed_ms=900_000, now=later)
        case "never_joined":
            await calling.sweep(store, later)
        case "deleted":
            await privacy.delete_session(store, user, session.id, later)
    await calling.sweep(store, later + timedelta(minutes=10))

    assert HoldState.RELEASED is await state(store, session)
    assert (0 if free else MEDIUM) == await balance(store, user)
    again = await made(store, user)
    await calling.start(store, user, again.id, "local", later, tariff=tariff)


async def test_a_candidate_who_comes_back_pays(store: Database, user: str) -> None:
    """M8: a crash of ours is forgiven only to those who could not go on; who comes back and finishes has had the interview."""
    await give(store, user, MEDIUM)
    session = await begun(store, user)
    await tell(store, session, over=False)
    await calling.recover(store, NOW, starting=True)
    _, token = await calling.start(store, user, session.id, "local", NOW, tariff=PAID)
    await calling.admit(store, session.id, token, NOW)
    await calling.leave(store, session.id, elapsed_ms=600_000, now=NOW)
    await calling.sweep(store, NOW + timedelta(minutes=10))

    assert HoldState.CONSUMED is await state(store, session)


async def test_a_freed_start_that_is_used_after_all_is_held_again(store: Database, user: str) -> None:
    """A16: the sweeper frees a start that nobody joined; its token opens the interview only while its credit is still there."""
    await give(store, user, MEDIUM)
    session, late = await made(store, user), NOW + timedelta(seconds=10)
    async with store.begin() as tx:
        old = await tx.session(session.id)
        assert old is not None
    _, token = await calling.start(store, user, session.id, "local", NOW, tariff=PAID)
    await calling.sweep(store, NOW + timedelta(minutes=6))
    assert await balance(store, user) == MEDIUM
    admitted = await calling.admit(store, session.id, token, late)
    assert (SessionStatus.IN_PROGRESS, 0) == (admitted.session.status, await balance(store, user))
    async with store.read() as tx:
        held = await tx.hold(session.id)
        assert held is not None
        assert ([-MEDIUM, MEDIUM, -MEDIUM], 2) == ([line.amount for line in await tx.lines_of(user) if line.session_id], held.n)


async def test_the_free_interview_is_one_a_calendar_month(store: Database, user: str) -> None:
    """R-104, F12: by UTC months; the second of a month has a price, and a clock put back grants none."""
    first, second, third = [await made(store, user) for _ in range(3)]
    end = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    await calling.start(store, user, first.id, "local", end, tariff=FREE)
    with pytest.raises(PaymentRequired):
        await calling.start(store, user, second.id, "local", end, tariff=FREE)
    await calling.start(store, user, second.id, "local", end + timedelta(seconds=1), tariff=FREE)
    for moment in (end, end + timedelta(days=1)):
        with pytest.raises(PaymentRequired):
            await calling.start(store, user, third.id, "local", moment, tariff=FREE)


async def test_a_plan_has_its_fair_use(store: Database, user: str) -> None:
    """R-105, C-09: a plan pays for so many a month, also when they start at once; what failed by our fault is not counted."""
    tariff = Tariff(free_monthly=False, fair_use=3)
    async with store.begin() as tx:
        await tx.save_subscription(Subscription("stripe", "sub_1", user, Plan.PRO, SubscriptionStatus.ACTIVE, NOW))
    sessions = [await made(store, user) for _ in range(8)]
    ends = await asyncio.gather(
        *(calling.start(store, user, s.id, "local", NOW, tariff=tariff) for s in sessions), return_exceptions=True
    )
    assert 3 == sum(not isinstance(end, BaseException) for end in ends)

    started = next(s for s, end in zip(sessions, ends, strict=True) if not isinstance(end, BaseException))
    await calling.finish(store, started.id, "failed_upstream", elapsed_ms=0, now=NOW)
    await calling.start(store, user, (await made(store, user)).id, "local", NOW, tariff=tariff)
    async with store.read() as tx:
        held = await tx.held_in(user, "2026-11")
    assert {Source.PLAN} == {hold.source for hold in held}
    assert 3 == len(held)


async def test_without_prices_nothing_is_held(store: Database, user: str) -> None:
    """M7: with payments off an interview begins and ends without a row about money."""
    session = await made(store, user)
    await calling.start(store, user, session.id, "local", NOW)
    await calling.finish(store, session.id, "finished", elapsed_ms=0, now=NOW)
    async with store.read() as tx:
        assert await tx.hold(session.id) is None
        assert [] == await tx.lines_of(user)
