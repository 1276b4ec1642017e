"""The log stores before anything is acknowledged (M1)."""

import asyncio
from datetime import UTC, datetime

import pytest

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved
from bridge.ports import StoredEvent
from bridge.usecases.call_log import CallLog

from ...samples import QUESTIONS, SETUP, asked, said


class Shelf:
    """A store whose commits the test can hold back or fail; keeps what was committed. Implements what the log uses."""

    def __init__(self):
        self.rows, self.open, self.fail = [], asyncio.Event(), False
        self.away = 0
        self.answer_lost = False
        self.kept = []

    def is_away(self, error):
        """Whether to try again."""
        return isinstance(error, ConnectionError)

    async def events(self, session_id, *, after, limit):
        """What was committed."""
        return [StoredEvent(seq, datetime.now(UTC), event) for seq, event in self.kept if seq > after][:limit]

    def begin(self):
        """A transaction."""
        return self

    async def __aenter__(self):
        await self.open.wait()
        return self

    async def __aexit__(self, *_):
        return False

    async def append_events(self, session_id, events, *, turns, segments):
        """Keep, or fail as told."""
        if self.fail:
            raise OSError("disk full")
        if self.away:
            self.away -= 1
            raise ConnectionError("restarting")
        self.kept += events
        self.rows.append((session_id, [seq for seq, _ in events], [t.text for t in turns], [s.question_id for s in segments]))
        if self.answer_lost:
            self.answer_lost = False
            raise ConnectionError("the commit's answer was lost")


def make(shelf, acknowledged):
    """A log over the shelf."""

    async def on_stored(entry):
        acknowledged.append((entry.seq, len(shelf.rows)))

    return CallLog(shelf, "s", Agenda(SETUP, QUESTIONS), last_seq=4, on_stored=on_stored)


async def test_nothing_is_acknowledged_before_its_commit_and_order_is_kept():
    """M1: seqs go on from the last one; each acknowledgement comes after the batch that holds it."""
    shelf, acknowledged = Shelf(), []
    log = make(shelf, acknowledged)
    running = asyncio.create_task(log.run())
    first = log.append(CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"))
    log.append(asked(1, 10))
    second = log.append(said("I would add a cache", 20, 30))
    await asyncio.sleep(0)
    assert (acknowledged, first.done()) == ([], False)

    shelf.open.set()
    log.close()
    await running
    assert [5, 6, 7] == [seq for seq, _ in acknowledged] == [seq for row in shelf.rows for seq in row[1]]
    assert all(batches >= 1 for _, batches in acknowledged)
    assert (await first, await second) == (5, 7)
    assert shelf.rows[-1][2:] == (["I would add a cache"], ["q1"])


async def test_a_database_that_is_away_for_a_moment_is_waited_for():
    """F11: the same batch is stored once it is back, once, and acknowledged then."""
    shelf, acknowledged = Shelf(), []
    shelf.open.set()
    shelf.away = 2
    log = make(shelf, acknowledged)
    stored = log.append(asked(1, 10))
    log.close()
    await log.run()

    assert (await stored, [row[1] for row in shelf.rows]) == (5, [[5]])
    assert [seq for seq, _ in acknowledged] == [5]


async def test_a_commit_whose_answer_was_lost_is_not_done_twice():
    """F11: the database had stored it when it went away."""
    shelf, acknowledged = Shelf(), []
    shelf.open.set()
    shelf.answer_lost = True
    log = make(shelf, acknowledged)
    stored = log.append(asked(1, 10))
    log.close()
    await log.run()

    assert (await stored, [row[1] for row in shelf.rows]) == (5, [[5]])
    assert [seq for seq, _ in acknowledged] == [5]


async def test_a_failed_commit_acknowledges_nothing_and_is_raised():
    """M1: the call ends rather than go on unrecorded."""
    shelf, acknowledged = Shelf(), []
    shelf.fail = True
    shelf.open.set()
    log = make(shelf, acknowledged)
    stored = log.append(asked(1, 10))

    with pytest.raises(OSError, match="disk full"):
        await log.run()
    with pytest.raises(OSError, match="disk full"):
        await stored
    assert acknowledged == []
