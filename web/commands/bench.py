"""`prepkit bench`: what this machine does, measured on the spot and printed as a small table.

    startup   CPU seconds of `prepkit --help`, and of `prepkit serve` until /readyz says yes
    turns     durable `append_events` of one call while 0, 1, 4 and 8 other calls write: p50 and p99
    report    our own work for a judged report, the model's time taken out: p50 and p95, see `bench_report`
    live      calls beside 50 readers of 1,000 events a second: frames lost, latency, see `bench_live`
    relay     calls relayed beside a bare aiohttp relay and stock pipecat: CPU, latency, loss, memory, see `bench_relay`
    followups how often live follow-ups are ready before they are asked for, see `bench_followups`
    archive   seconds and memory of a person's archive of 100 interviews, PDFs drawn and PDFs kept, see `bench_archive`
    scoring   agreement of `similarity` with graded answers in a file (`--data`), see `bench_scoring`

Numbers are of this machine at this moment; other work on it shows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

import aiohttp

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import Speaker, TurnRecorded, TurnSource
from bridge.domain.segments import turn_of
from bridge.domain.setup import InterviewSetup
from bridge.ports import Store
from bridge.usecases import set_up
from storage.database import Database
from storage.migrate import migrate

from ..rehearsal.house import House
from .bench_archive import archive
from .bench_followups import followups
from .bench_live import live
from .bench_relay import relay
from .bench_report import report
from .bench_scoring import scoring

HELP_RUNS = 5
WRITERS = (0, 1, 4, 8)
TURNS = 200
TURN_TEXT = "I would put a cache in front of the database and measure how often it is hit before I grow anything else."
READY_TIMEOUT_SECONDS = 30


async def measure(name: str | None, data: Path | None = None, *, quick: bool = False) -> None:
    """Run one benchmark, or all; `data` is the file of graded answers that `scoring` needs, `quick` the short form of `relay`, `followups` and `archive`."""
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for each, run in BENCHES.items():
        if name in (None, each):
            print(f"\n{each}")
            await run()
    if name in (None, "relay"):
        print("\nrelay")
        await relay(quick=quick)
    if name in (None, "followups"):
        print("\nfollowups")
        await followups(quick=quick or name is None)
    if name in (None, "archive"):
        print("\narchive")
        await archive(quick=quick or name is None)
    if data is not None and name in (None, "scoring"):
        print("\nscoring")
        await scoring(data)


async def startup() -> None:
    """CPU time of the two starts everybody waits for."""
    helped = [await _cpu_of_help() for _ in range(HELP_RUNS)]
    print(f"  prepkit --help            {min(helped):6.2f} s CPU (best of {HELP_RUNS})")
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        house = House(Path(folder) / "data")
        for what in ("first start", "second start"):
            began = time.monotonic()
            await house.start()
            try:
                await _ready(house.url)
                wall, cpu = time.monotonic() - began, await house.cpu_seconds()
            finally:
                await house.stop()
            print(f"  serve, {what:<18} {cpu:6.2f} s CPU, {wall:.2f} s until /readyz")


async def _cpu_of_help() -> float:
    before = os.times()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web", "--help", stdout=asyncio.subprocess.DEVNULL, cwd=Path(__file__).parents[2]
    )
    await process.wait()
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


async def _ready(url: str) -> None:
    async with asyncio.timeout(READY_TIMEOUT_SECONDS), aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{url}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.05)


async def turns() -> None:
    """How long one call waits until a turn is durable, beside others that write without a pause."""
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        await migrate(url)
        store = await Database.open(url)
        try:
            async with store.begin() as tx:
                user_id = await tx.single_user()
            for writers in WRITERS:
                took = await _beside(store, user_id, writers)
                cuts = quantiles(took, n=100)
                print(f"  beside {writers} writers: p50 {cuts[49] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms")
        finally:
            await store.close()


async def _beside(store: Store, user_id: str, writers: int) -> list[float]:
    others = [asyncio.create_task(_write(store, user_id, None)) for _ in range(writers)]
    try:
        return await _write(store, user_id, TURNS)
    finally:
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _write(store: Store, user_id: str, count: int | None) -> list[float]:
    """Append `count` turns to an interview of its own, or turns until cancelled; the seconds each took."""
    setup = InterviewSetup(type=InterviewType.JAVASCRIPT, difficulty=Difficulty.EASY, duration_minutes=10)
    session = await set_up.set_up(store, user_id, setup, datetime.now(UTC))
    took: list[float] = []
    seq = 0
    while count is None or len(took) < count:
        seq += 1
        turn = TurnRecorded(
            at_ms=seq * 1000, turn_id=uuid4().hex, speaker=Speaker.CANDIDATE, text=TURN_TEXT, question_id=session.questions[0].id,
            start_ms=seq * 1000, end_ms=seq * 1000 + 900, source=TurnSource.SPEECH,
        )  # fmt: skip
        began = time.perf_counter()
        async with store.begin() as tx:
            await tx.append_events(session.id, [(seq, turn)], turns=[turn_of(turn)], segments=[])
        took.append(time.perf_counter() - began)
    return took


async def watched() -> None:
    """What readers of live calls cost the calls."""
    await live()


BENCHES: dict[str, Callable[[], Awaitable[None]]] = {"startup": startup, "turns": turns, "live": watched, "report": report}
