"""The benchmarks measure what they say, in little."""

from __future__ import annotations

from pathlib import Path

from storage.database import Database
from storage.migrate import migrate
from web.commands import bench, bench_report


async def test_turns_are_stored_while_they_are_timed(tmp_path: Path) -> None:
    """Each time belongs to one durable turn."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'bench.db'}"
    await migrate(url)
    store = await Database.open(url)
    try:
        async with store.begin() as tx:
            user_id = await tx.single_user()
        took = await bench._write(store, user_id, 5)
    finally:
        await store.close()

    assert 5 == len(took)
    assert all(seconds > 0 for seconds in took)


async def test_a_report_is_measured_without_the_model():
    """Issue 5: a whole judged report of half an hour of talk is our own work of well under a second; the bar is a p95 of one, on a quiet machine."""
    took = await bench_report.measured(2)

    assert 2 == len(took)
    assert all(0 < seconds < 10 for seconds in took)
