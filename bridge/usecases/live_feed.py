"""Who watches a call: publishing never waits, each reader has a bounded queue, a slow one is told what it missed (M7).

Events of the log are never lost to a reader: what did not fit its queue is read from the log again, by `seq`. Only passing items are
dropped, and counted. Nothing here is shared between processes: a reader of a call that another process holds looks at the log now and
then. Read next: `bridge.wire.live`, `pipeline.watch`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ..domain.events import Event
from ..domain.session import SessionStatus
from ..ports import Store
from ..wire.live import CAUGHT_UP, END, MISSED, LiveItem, is_end, item_of
from .webhooks_seen import WebhooksSeen

QUEUE = 1_000
"""Items a reader may be behind by before it loses passing ones and is sent back to the log."""
PAGE = 500
"""Events read from the log at once."""
LOOK_SECONDS = 2.0
"""A reader who hears nothing looks at the log so often: for what other processes and jobs wrote."""
GATHER_SECONDS = 0.1
"""News of so long goes out together, so that a thousand events a second are ten writes."""


@dataclass
class Batch:
    """What a subscription gathered."""

    items: list[LiveItem]
    missed: int
    behind: bool
    """Events are in the log that are not among the items."""


class Subscription:
    """One reader's queue."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[LiveItem] = deque()
        self._missed = 0
        self._behind = False
        self._news = asyncio.Event()

    def put(self, item: LiveItem) -> None:
        """Never waits: what does not fit is counted, or left to be read from the log."""
        if len(self._items) < self._size:
            self._items.append(item)
        elif item.seq is None:
            self._missed += 1
        else:
            self._behind = True
        self._news.set()

    def wake(self) -> None:
        """The log may have grown."""
        self._behind = True
        self._news.set()

    async def take(self, seconds: float) -> Batch:
        """Everything since the last time, as soon as there is something; after `seconds` an empty batch that is behind."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        timed_out = not self._news.is_set()
        batch = Batch(list(self._items), self._missed, self._behind or timed_out)
        self._items.clear()
        self._missed, self._behind = 0, False
        self._news.clear()
        return batch


class LiveFeed:
    """The readers of every call in this process."""

    def __init__(self, *, queue: int = QUEUE) -> None:
        self._queue = queue
        self._readers: dict[str, set[Subscription]] = defaultdict(set)
        self.closed = False
        self.published = 0
        self.on_event: Callable[[Event], None] | None = None
        """Counts stored events; must be quick and must not fail."""

    def stored(self, session_id: str, seq: int, event: Event) -> None:
        """An event of the call's log is durable."""
        if self.on_event is not None:
            self.on_event(event)
        self.publish(session_id, item_of(event, seq))

    def publish(self, session_id: str, item: LiveItem) -> None:
        """Hand an item to every reader of the call. Never waits and never fails."""
        self.published += 1
        for reader in self._readers.get(session_id, ()):
            reader.put(item)

    def wake(self, session_id: str) -> None:
        """Something was written to the call's log beside the call itself."""
        for reader in self._readers.get(session_id, ()):
            reader.wake()

    def watched(self, session_id: str) -> bool:
        """Whether anybody reads: what costs something to make need not be made otherwise."""
        return session_id in self._readers

    @property
    def readers(self) -> int:
        """Of all calls."""
        return sum(len(readers) for readers in self._readers.values())

    @contextmanager
    def subscribe(self, session_id: str) -> Iterator[Subscription]:
        """Read along while the block runs."""
        subscription = Subscription(self._queue)
        self._readers[session_id].add(subscription)
        try:
            yield subscription
        finally:
            self._readers[session_id].discard(subscription)
            if not self._readers[session_id]:
                del self._readers[session_id]

    def close(self) -> None:
        """Let every reader go: the process stops, and they come back with the last id they saw."""
        self.closed = True
        for readers in self._readers.values():
            for reader in readers:
                reader.wake()


async def follow(
    store: Store, feed: LiveFeed, session_id: str, after: int = 0, *, look_seconds: float = LOOK_SECONDS
) -> AsyncGenerator[list[LiveItem], None]:
    """The call's log from behind `after`, then what happens, in order, each `seq` exactly once; ends with the interview or the feed.

    The webhooks about it come beside that. An empty list says that nothing has happened for a while. To be closed (`aclosing`) by whoever leaves early.
    """
    with feed.subscribe(session_id) as subscription:
        last, behind, history, over = after, True, True, False
        webhooks, looked = WebhooksSeen(session_id), 0.0
        while not feed.closed:
            read_on = behind
            if behind:
                items = await _read(store, session_id, last)
                behind = len(items) == PAGE
                if items:
                    last = items[-1].seq or last
                    over = over or any(map(is_end, items))
                    yield items
                if behind:
                    continue
            if read_on or time.monotonic() - looked >= look_seconds:
                looked = time.monotonic()
                if told := await webhooks.news(store):
                    yield told
            if read_on:
                if over or await _is_gone(store, session_id):
                    yield [LiveItem(END, 0)]
                    return
                if history:
                    history = False
                    yield [LiveItem(CAUGHT_UP, 0)]
            batch = await subscription.take(look_seconds)
            fresh, last, gap = _next(batch, last)
            behind = batch.behind or gap
            if batch.missed:
                fresh.append(LiveItem(MISSED, 0, {"count": batch.missed}))
            if any(map(is_end, fresh)):
                over = behind = True
            yield fresh
            if fresh:
                await asyncio.sleep(GATHER_SECONDS)


def _next(batch: Batch, last: int) -> tuple[list[LiveItem], int, bool]:
    """What follows on `last`, the newest place then, and whether one is missing in between."""
    fresh: list[LiveItem] = []
    for item in batch.items:
        if item.seq is None or item.seq == last + 1:
            fresh.append(item)
            last = item.seq or last
        elif item.seq > last:
            return fresh, last, True
    return fresh, last, False


async def _read(store: Store, session_id: str, after: int) -> list[LiveItem]:
    async with store.read() as tx:
        return [item_of(stored.event, stored.seq) for stored in await tx.events(session_id, after=after, limit=PAGE)]


async def _is_gone(store: Store, session_id: str) -> bool:
    """Whether an interview is over though its log does not say so: cancelled before it began, or deleted."""
    async with store.read() as tx:
        session = await tx.session(session_id)
    return session is None or session.status in (SessionStatus.CANCELLED, SessionStatus.DELETED)
