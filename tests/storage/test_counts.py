"""Requests counted by all servers together (R-121, C-53)."""

import asyncio
import time

import pytest
from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter

from storage.counts import PostgresCounts
from storage.database import Database

HUNDRED = parse("100/minute")


@pytest.fixture
async def three(postgres_url):
    """Three processes' views of one database."""
    databases = [await Database.open(postgres_url) for _ in range(3)]
    yield [FixedWindowRateLimiter(PostgresCounts(database)) for database in databases]
    for database in databases:
        await database.close()


async def test_three_processes_let_through_what_one_would(three):
    """Exactly 100 of 450 hits for one person; another person is not touched by it."""
    passed = await asyncio.gather(*(limiter.hit(HUNDRED, "api", "somebody") for limiter in three for _ in range(150)))

    assert sum(passed) == 100
    assert await three[0].hit(HUNDRED, "api", "somebody else")
    window = await three[1].get_window_stats(HUNDRED, "api", "somebody")
    assert 0 < window.reset_time - time.time() <= 60


async def test_a_window_that_has_run_out_begins_anew(three):
    """One hit a second; rows of windows that ended are removed by the next new one."""
    one = parse("1/second")

    assert [await three[0].hit(one, "a"), await three[1].hit(one, "a")] == [True, False]
    window = await three[0].get_window_stats(one, "a")
    await asyncio.sleep(max(0.0, window.reset_time - time.time()) + 0.2)
    assert await three[2].hit(one, "b")
    assert await three[2].storage.get(one.key_for("a")) == 0
    assert await three[2].hit(one, "a")
