"""One timer for all relays: in time, without bursts, and one call's fault stays its own (performance.md §2)."""

import asyncio
import time

from pipeline.ticker import Ticker


def noting(times):
    """A tick that notes when it came and wants to come every time."""

    def tick(now):
        times.append(now)
        return now

    return tick


async def test_a_tick_about_every_ten_milliseconds_and_none_made_up_for():
    """A loop that stood still for 200 ms is followed by one tick, not by twenty."""
    ticker, times = Ticker(), []
    tick = noting(times)
    ticker.add(tick)
    await asyncio.sleep(0.2)
    quick = len(times)
    time.sleep(0.2)
    stalled = time.monotonic()
    await asyncio.sleep(0.005)
    ticker.remove(tick)

    assert quick >= 5
    assert len([at for at in times[quick:] if at >= stalled]) <= 2


async def test_it_comes_when_it_was_asked_for_or_woken():
    """A tick that needs nothing for a second is left alone, until something has come for it."""
    ticker, often, seldom = Ticker(), [], []

    def rest(now):
        seldom.append(now)
        return now + 1

    ticker.add(rest)
    ticker.add(noting(often))
    await asyncio.sleep(0.1)
    assert len(seldom) == 1
    ticker.wake(rest)
    await asyncio.sleep(0.1)
    assert len(seldom) == 2
    ticker.remove(rest)
    ticker.wake(rest)

    assert len(ticker) == 1
    assert len(often) > 4


async def test_nothing_runs_once_the_last_is_gone():
    """No timer keeps an idle process awake."""
    ticker, times = Ticker(), []
    tick = noting(times)
    ticker.add(tick)
    await asyncio.sleep(0.05)
    ticker.remove(tick)
    count = len(times)
    await asyncio.sleep(0.05)
    assert count == len(times)

    ticker.add(tick)
    await asyncio.sleep(0.05)
    ticker.remove(tick)
    assert len(times) > count


async def test_a_call_that_fails_does_not_stop_the_others():
    """Its tick is taken off, theirs go on."""
    ticker, good, bad = Ticker(), [], []

    def fail(now):
        bad.append(now)
        raise ValueError("broken")

    ticker.add(fail)
    tick = noting(good)
    ticker.add(tick)
    await asyncio.sleep(0.1)
    count = len(ticker)
    ticker.remove(tick)

    assert (1, 1) == (count, len(bad))
    assert len(good) > 2
