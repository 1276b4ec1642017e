"""Recordings are written together, each with its own outcome, and never two parts of one at a time (F9, performance.md §2)."""

import asyncio
import threading
import time

import pytest

from pipeline.rounds import ROUND_SECONDS, Rounds


class SlowDisk:
    """Notes when each part begins and ends; the first waits until it goes on."""

    def __init__(self):
        self.order = []
        self.goes_on = threading.Event()

    def write(self, name):
        """One part."""
        self.order.append(f"{name} begins")
        self.goes_on.wait(5)
        self.order.append(f"{name} ends")
        return b""


async def test_what_comes_together_is_one_visit_in_order():
    """Twenty calls within a round: one thread, one after the other, each has what its own work gave."""
    rounds, began = Rounds(), []

    def work(n):
        began.append((n, threading.get_ident()))
        return bytes([n])

    written = await asyncio.gather(*(rounds.run(lambda n=n: work(n)) for n in range(20)))

    assert written == [bytes([n]) for n in range(20)]
    assert [n for n, _ in began] == list(range(20))
    assert len({thread for _, thread in began}) == 1
    assert began[0][1] != threading.get_ident()


async def test_one_recordings_trouble_is_its_own():
    """A full disk under one of them: it is told, the others are written."""
    rounds = Rounds()

    def refuse():
        raise OSError(28, "No space left on device")

    outcomes = await asyncio.gather(
        rounds.run(lambda: b"a"), rounds.run(refuse), rounds.run(lambda: b"b"), return_exceptions=True
    )

    assert [b"a", b"b"] == [outcomes[0], outcomes[2]]
    assert isinstance(outcomes[1], OSError)


async def test_the_last_part_waits_for_one_whose_caller_is_gone():
    """A leg that ends in the middle of a round: its tick is cancelled, and what the end writes comes behind it, not beside it."""
    rounds, disk = Rounds(), SlowDisk()
    tick = asyncio.create_task(rounds.run(lambda: disk.write("tick")))
    while not disk.order:
        await asyncio.sleep(0.01)
    tick.cancel()
    last = asyncio.create_task(rounds.run(lambda: disk.write("end")))
    await asyncio.sleep(2 * ROUND_SECONDS)
    assert disk.order == ["tick begins"]
    disk.goes_on.set()
    await last

    assert disk.order == ["tick begins", "tick ends", "end begins", "end ends"]
    with pytest.raises(asyncio.CancelledError):
        await tick


async def test_nobody_waits_for_ever_where_the_loop_ends():
    """The round's own task is cancelled while one part is written and one waits: both who wait are let go, and what comes next still comes behind what the thread is at."""
    rounds, disk = Rounds(), SlowDisk()
    written = asyncio.create_task(rounds.run(lambda: disk.write("first")))
    while not disk.order:
        await asyncio.sleep(0.01)
    waits = asyncio.create_task(rounds.run(lambda: disk.write("second")))
    await asyncio.sleep(0)
    rounds._visits.cancel()
    outcomes = await asyncio.wait_for(asyncio.gather(written, waits, return_exceptions=True), 5)
    last = asyncio.create_task(rounds.run(lambda: disk.write("last")))
    await asyncio.sleep(2 * ROUND_SECONDS)
    disk.goes_on.set()
    await asyncio.wait_for(last, 5)

    assert [asyncio.CancelledError] * 2 == [type(outcome) for outcome in outcomes]
    assert disk.order == ["first begins", "first ends", "last begins", "last ends"]


async def test_without_a_thread_all_are_told_and_none_is_cancelled():
    """A machine that gives no more threads: an error, as a disk's would be, so that the interview goes on without a recording or ends with words."""
    rounds = Rounds()
    rounds._thread.shutdown()
    outcomes = await asyncio.gather(rounds.run(lambda: b"a"), rounds.run(lambda: b"b"), return_exceptions=True)

    assert [RuntimeError] * 2 == [type(outcome) for outcome in outcomes]


async def test_the_loop_goes_on_meanwhile():
    """A disk that takes its time holds nobody's sound up."""
    rounds = Rounds()
    writing = asyncio.create_task(rounds.run(lambda: time.sleep(0.3) or b""))
    turns = 0
    while not writing.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert turns > 10
