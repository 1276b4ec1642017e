"""One timer for all relays: in time, without bursts, and one call's fault stays its own (performance.md §2)."""

import asyncio
import time

from pipeline.ticker import Ticker


async def test_a_tick_about_every_ten_milliseconds_and_none_made_up_for():
    """A loop that stood still for 200 ms is followed by one tick, not by twenty."""
    ticker, times = Ticker(), []
    ticker.add(times.append)
    await asyncio.sleep(0.2)
    quick = len(times)
    time.sleep(0.2)
    stalled = time.monotonic()
    await asyncio.sleep(0.005)
    ticker.remove(times.append)

    assert quick >= 5
    assert len([at for at in times[quick:] if at >= stalled]) <= 2


async def test_nothing_runs_once_the_last_is_gone():
    """No timer keeps an idle process awake."""
    ticker, times = Ticker(), []
    ticker.add(times.append)
    await asyncio.sleep(0.05)
    ticker.remove(times.append)
    count = len(times)
    await asyncio.sleep(0.05)
    assert count == len(times)

    ticker.add(times.append)
    await asyncio.sleep(0.05)
    ticker.remove(times.append)
    assert len(times) > count


async def test_a_call_that_fails_does_not_stop_the_others():
    """Its tick is taken off, theirs go on."""
    ticker, good, bad = Ticker(), [], []

    def fail(now):
        bad.append(now)
        raise ValueError("broken")

    ticker.add(fail)
    ticker.add(good.append)
    await asyncio.sleep(0.1)
    count = len(ticker)
    ticker.remove(good.append)

    assert (1, 1) == (count, len(bad))
    assert len(good) > 2
