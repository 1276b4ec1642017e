"""The call's append-only log: one ordered writer that stores before anything is acknowledged (M1).

`append` folds the event in memory at once and returns a future that is done when the event is durable; whatever has gathered while a
transaction was under way goes into the next one. Read next: `conducting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from ..domain.agenda import Agenda
from ..domain.events import Event, TurnRecorded
from ..domain.segments import Segment, Turn, turn_of
from ..ports import Store, Tx
from .patience import patiently


@dataclass(frozen=True)
class Entry:
    """A stored event and the segments it changed."""

    seq: int
    event: Event
    segments: tuple[Segment, ...]


OnStored = Callable[[Entry], Awaitable[None]]


class CallLog:
    """Writer of one call's events. `run` must be running for appended events to become durable."""

    def __init__(self, store: Store, session_id: str, agenda: Agenda, *, last_seq: int, on_stored: OnStored) -> None:
        self._store = store
        self._session_id = session_id
        self._agenda = agenda
        self._seq = last_seq
        self._on_stored = on_stored
        self._failed = False
        self._queue: asyncio.Queue[tuple[Entry, asyncio.Future[int]] | None] = asyncio.Queue()

    @property
    def last_seq(self) -> int:
        """Place of the newest event, stored or waiting."""
        return self._seq

    def append(self, event: Event) -> asyncio.Future[int]:
        """Take an event; the future gives its seq once it is durable, or the store's error."""
        before = dict(self._agenda.transcript.segments)
        self._agenda.apply(event)
        after = self._agenda.transcript.segments
        changed = tuple(segment for key, segment in after.items() if before.get(key) != segment)
        self._seq += 1
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting for it: the error then surfaces from `run`.
        stored.add_done_callback(lambda f: f.cancelled() or f.exception())
        self._queue.put_nowait((Entry(self._seq, event, changed), stored))
        return stored

    def close(self) -> None:
        """Let `run` end once everything appended so far is durable."""
        self._queue.put_nowait(None)

    async def run(self) -> None:
        """Store batches until closed, waiting for a database that is away. Any other error of the store ends it, fails what waits, and is raised."""
        closing = False
        while not closing:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            closing = None in batch
            entries = [item for item in batch if item is not None]
            if not entries:
                continue
            try:
                await patiently(self._store, partial(self._write, [entry for entry, _ in entries]))
            except BaseException as error:
                for _, stored in entries:
                    if not stored.done():
                        stored.set_exception(error if isinstance(error, Exception) else ConnectionAbortedError())
                raise
            for entry, stored in entries:
                if not stored.done():
                    stored.set_result(entry.seq)
                await self._on_stored(entry)

    async def _is_stored(self, tx: Tx, entries: list[Entry]) -> bool:
        """Whether an attempt whose answer was lost had stored them after all; looked at only after one that failed."""
        if not self._failed:
            return False
        there = await tx.events(self._session_id, after=entries[0].seq - 1, limit=len(entries))
        return [(stored.seq, stored.event) for stored in there] == [(entry.seq, entry.event) for entry in entries]

    async def _write(self, entries: list[Entry]) -> None:
        try:
            await self._store_entries(entries)
        except Exception:  # whatever it was goes on to who retries; the next attempt must look first
            self._failed = True
            raise
        self._failed = False

    async def _store_entries(self, entries: list[Entry]) -> None:
        turns: dict[str, Turn] = {}
        segments: dict[str, Segment] = {}
        for entry in entries:
            if isinstance(entry.event, TurnRecorded):
                turns[entry.event.turn_id] = turn_of(entry.event)
            segments |= {segment.question_id: segment for segment in entry.segments}
        async with self._store.begin() as tx:
            if await self._is_stored(tx, entries):
                return
            await tx.append_events(
                self._session_id,
                [(entry.seq, entry.event) for entry in entries],
                turns=list(turns.values()),
                segments=list(segments.values()),
            )
