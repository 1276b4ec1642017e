"""Readers of a call: history first, every event once and in order whatever happens, and nobody waits for a slow one (M7, R-058)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.domain.agenda import Agenda
from bridge.domain.events import InterviewEnded, Noted
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.upstream import Delivery, EngineCall
from bridge.ports import DeliveryState
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.live_feed import LiveFeed, follow
from bridge.wire.live import CAUGHT_UP, END, MISSED, WEBHOOK, LiveItem, item_of
from storage.database import Database
from storage.migrate import migrate

from ...samples import QUESTIONS, SETUP
from .test_calling import NOW

SESSION = "22222222-2222-4222-8222-222222222222"


class Call:
    """A live call's log, which publishes what it stored."""

    def __init__(self, store: Database, feed: LiveFeed, last_seq: int = 0) -> None:
        async def stored(entry: Entry) -> None:
            feed.publish(SESSION, item_of(entry.event, entry.seq))

        self.feed = feed
        self.log = CallLog(store, SESSION, Agenda(SETUP, QUESTIONS), last_seq=last_seq, on_stored=stored)
        self.running = asyncio.create_task(self.log.run())

    def note(self, n: int) -> asyncio.Future[int]:
        """One more event."""
        return self.log.append(Noted(at_ms=n, code="typed", detail=str(n)))

    async def close(self) -> None:
        """Everything is stored when this returns."""
        self.log.close()
        await self.running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one live session."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'live.db'}"
    await migrate(url)
    opened = await Database.open(url)
    async with opened.begin() as tx:
        user = await tx.single_user()
        await tx.add_session(InterviewSession(SESSION, user, SETUP, tuple(QUESTIONS), SessionStatus.IN_PROGRESS, NOW))
    yield opened
    await opened.close()


async def collect(store: Database, feed: LiveFeed, until: int, *, after: int = 0, pause: float = 0.0) -> list[LiveItem]:
    """What a reader sees up to an event; `pause` is how long it takes over each batch."""
    seen: list[LiveItem] = []
    async with asyncio.timeout(60), aclosing(follow(store, feed, SESSION, after, look_seconds=0.2)) as reader:
        async for items in reader:
            seen += items
            if pause:
                await asyncio.sleep(pause)
            if any(item.seq == until or item.kind == END for item in items):
                break
    return seen


def seqs(items: list[LiveItem]) -> list[int]:
    """Their event ids."""
    return [item.seq for item in items if item.seq is not None]


async def test_history_comes_first_and_then_what_happens(store: Database) -> None:
    """A late reader gets the whole log, is told that it has caught up, and goes on with what happens now."""
    feed = LiveFeed()
    call = Call(store, feed)
    await asyncio.gather(*(call.note(n) for n in range(1, 6)))
    async with aclosing(follow(store, feed, SESSION)) as reader:
        seen = [*(await anext(reader)), *(await anext(reader))]
        for n in range(6, 9):
            call.note(n)
        while len(seqs(seen)) < 8:
            seen += await anext(reader)
    await call.close()

    assert [1, 2, 3, 4, 5, CAUGHT_UP, 6, 7, 8] == [item.seq or item.kind for item in seen]
    assert {"detail": "3"}.items() <= seen[2].data.items()


@pytest.mark.parametrize("queue", [1, 7, 1000])
async def test_every_reader_gets_every_event_once_however_slow(store: Database, queue: int) -> None:
    """Twelve readers of different speed and start, queues down to one item, bursts: each sees 1…400 once and in order."""
    feed = LiveFeed(queue=queue)
    call = Call(store, feed)
    chance = random.Random(queue)
    starts = [0, 0, 1, 5, 30, 100, 0, 7, 0, 55, 200, 399]
    readers = [
        asyncio.create_task(collect(store, feed, 400, after=after, pause=chance.choice([0.0, 0.01, 0.05]))) for after in starts
    ]
    for n in range(1, 401):
        call.note(n)
        feed.publish(SESSION, LiveItem("partial", n))
        if chance.random() < 0.1:
            await asyncio.sleep(chance.random() / 50)
    seen = await asyncio.gather(*readers)
    await call.close()

    for after, items in zip(starts, seen, strict=True):
        assert list(range(after + 1, 401)) == seqs(items)


async def test_a_slow_reader_is_told_what_it_missed_and_costs_the_publisher_nothing(store: Database) -> None:
    """With nobody reading its queue, 20,000 passing items are published at once and only counted; the reader is told how many."""
    feed = LiveFeed(queue=10)
    reader = follow(store, feed, SESSION, look_seconds=5)
    assert [CAUGHT_UP] == [item.kind for item in await anext(reader)]
    began = time.perf_counter()
    for n in range(20_000):
        feed.publish(SESSION, LiveItem("levels", n))
    took = time.perf_counter() - began
    batch = await anext(reader)
    await reader.aclose()

    assert [MISSED] == [item.kind for item in batch if item.kind != "levels"]
    assert {"count": 19_990} == batch[-1].data
    assert took < 2, "0.1 ms each at the very most"
    assert 0 == feed.readers


async def test_a_reader_comes_back_to_another_process_without_gap_or_repeat(store: Database) -> None:
    """The id of an event is its place in the log, so a new feed over the same database goes on behind it."""
    first = LiveFeed()
    call = Call(store, first)
    reader = asyncio.create_task(collect(store, first, 10_000))
    for n in range(1, 31):
        await call.note(n)
    first.close()
    before = await reader
    await call.close()
    second = LiveFeed()
    again = Call(store, second, last_seq=30)
    reader = asyncio.create_task(collect(store, second, 60, after=seqs(before)[-1]))
    for n in range(31, 61):
        await again.note(n)
    after = await reader
    await again.close()

    assert list(range(1, 61)) == seqs(before) + seqs(after)


async def test_what_others_write_is_found_and_the_end_ends_the_stream(store: Database) -> None:
    """Events written beside the call (by its end, a job, another process) come without being published; then the stream ends."""
    feed = LiveFeed()
    reader = asyncio.create_task(collect(store, feed, 10_000))
    async with store.begin() as tx:
        await tx.append_events(SESSION, [(1, Noted(at_ms=1, code="muted"))], turns=[], segments=[])
    while feed.readers == 0:
        await asyncio.sleep(0.01)
    async with store.begin() as tx:
        await tx.append_events(SESSION, [(2, InterviewEnded(at_ms=2, reason="finished"))], turns=[], segments=[])
    feed.wake(SESSION)
    seen = await reader

    assert [1, 2] == seqs(seen)
    assert END == seen[-1].kind
    assert 0 == feed.readers


async def test_webhooks_about_the_call_are_on_its_timeline(store: Database) -> None:
    """M7: those that came are history before "caught up", at their time on the call's clock; a new one is told while levels never pause, and
    again when it has been applied; another call's and a payment's are not, and no text of any."""

    async def deliver(call_id: str, key: str, seconds: int, provider: str = "vapi") -> int:
        async with store.begin() as tx:
            delivery = Delivery(call_id, key, "status-update", (), {"said": "my secret"})
            row = await tx.add_delivery(provider, delivery, NOW + timedelta(seconds=seconds))
        assert row
        return row

    async with store.begin() as tx:
        await tx.add_engine_call(EngineCall("call-1", "vapi", SESSION, NOW, base_ms=60_000))
    first = await deliver("call-1", "a", 2)
    await deliver("call-2", "b", 3)
    await deliver("call-1", "c", 3, "stripe")
    async with store.begin() as tx:
        await tx.mark_delivery(first, DeliveryState.FAILED)
    feed = LiveFeed()
    call = Call(store, feed)
    await call.note(1)
    await call.close()
    seen: list[LiveItem] = []

    async def told(count: int) -> list[tuple[int, str]]:
        while len(found := [(i.data["id"], i.data["state"]) for i in seen if i.kind == WEBHOOK]) < count:
            feed.publish(SESSION, LiveItem("levels", 0))
            seen.extend(await anext(reader))
        return found

    async with asyncio.timeout(30), aclosing(follow(store, feed, SESSION, look_seconds=0.05)) as reader:
        while not any(item.kind == CAUGHT_UP for item in seen):
            seen += await anext(reader)
        assert [1, WEBHOOK, CAUGHT_UP] == [item.seq or item.kind for item in seen]
        assert 62_000 == seen[1].at_ms
        second = await deliver("call-1", "d", 5)
        await told(2)
        async with store.begin() as tx:
            await tx.mark_delivery(second, DeliveryState.APPLIED)
        found = await told(3)

    assert [(first, "failed"), (second, "stored"), (second, "applied")] == found
    assert not any("secret" in item.json for item in seen)
