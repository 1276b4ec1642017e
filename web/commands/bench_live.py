"""`prepkit bench live`: what readers of live calls cost the calls (M7).

One process holds calls and streams, another is their candidates and readers. Calls are websockets that get every 20 ms of audio back; a
thousand events a second are published to fifty readers of one call over the real feed, log and stream. Frames are numbered: one that does
not come back, or comes out of order, is lost. The same calls without readers are measured just before. Read next: `bridge.usecases.live_feed`.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

import aiohttp
from aiohttp import web

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import Noted
from bridge.domain.setup import InterviewSetup
from bridge.usecases import set_up
from bridge.usecases.live_feed import LiveFeed, follow
from bridge.wire.live import LiveItem
from storage.database import Database
from storage.migrate import migrate

from ..operator import stream

CALLS = 10
READERS = 50
EVENTS_PER_SECOND = 1_000
SECONDS = 10.0
FRAME_MS = 20
FRAME = bytes(640)
DURABLE_SHARE = 20
"""One of so many events is in the log; the others pass."""


@dataclass
class Result:
    """What the candidates and readers saw."""

    sent: int
    back: int
    late_ms: list[float]
    events: list[int]
    """Durable events each reader got."""
    broken: int
    """Readers with a gap or a repeat."""


async def live(*, seconds: float = SECONDS) -> Result:
    """Measure and print; the result of the run with readers. Raises AssertionError when a frame was lost or a reader has a gap."""
    alone = await _measure(0, seconds)
    watched = await _measure(READERS, seconds)
    for what, result in (("alone", alone), (f"{READERS} readers, {EVENTS_PER_SECOND} events/s", watched)):
        cuts = quantiles(result.late_ms, n=100)
        print(
            f"  {CALLS} calls, {what:<28} frames {result.back}/{result.sent}   there and back p50 {cuts[49]:5.1f} ms   p99 {cuts[98]:5.1f} ms"
        )
    print(
        f"  durable events read: {min(watched.events)} to {max(watched.events)} a reader, readers with a gap or repeat: {watched.broken}"
    )
    assert watched.back == watched.sent, "a frame of a call was lost"
    assert watched.broken == 0, "a reader has a gap or a repeat"
    return watched


async def _measure(readers: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        async with _server(Path(folder)) as (port, publish):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_outside, args=(theirs, port, readers, seconds))
            process.start()
            try:
                await asyncio.to_thread(ours.recv)
                publishing = asyncio.ensure_future(publish(seconds)) if readers else None
                result: Result = await asyncio.to_thread(ours.recv)
                if publishing:
                    publishing.cancel()
                    await asyncio.gather(publishing, return_exceptions=True)
            finally:
                await asyncio.to_thread(process.join, 20)
    return result


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[int, Callable[[float], Awaitable[None]]]]:
    url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
    await migrate(url)
    store = await Database.open(url)
    async with store.begin() as tx:
        user_id = await tx.single_user()
    setup = InterviewSetup(type=InterviewType.JAVASCRIPT, difficulty=Difficulty.EASY, duration_minutes=10)
    session = await set_up.set_up(store, user_id, setup, datetime.now(UTC))
    feed = LiveFeed()

    async def call(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            await ws.send_bytes(message.data)
        return ws

    async def events(request: web.Request) -> web.StreamResponse:
        return await stream.send(request, follow(store, feed, session.id, stream.after_of(request)))

    async def publish(seconds: float) -> None:
        seq, due = 0, time.monotonic()
        for n in range(int(seconds * EVENTS_PER_SECOND)):
            if n % DURABLE_SHARE == 0:
                seq += 1
                event = Noted(at_ms=n, code="typed", detail="x" * 150)
                async with store.begin() as tx:
                    await tx.append_events(session.id, [(seq, event)], turns=[], segments=[])
                feed.stored(session.id, seq, event)
            else:
                feed.publish(session.id, LiveItem("levels", n, {"candidate": [0.1] * 5, "interviewer": [0.2] * 5}))
            due += 1 / EVENTS_PER_SECOND
            if (wait := due - time.monotonic()) > 0.005:
                await asyncio.sleep(wait)

    app = web.Application()
    app.add_routes([web.get("/call", call), web.get("/events", events)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], publish
    finally:
        feed.close()
        await runner.cleanup()
        await store.close()


def _outside(pipe: Connection, port: int, readers: int, seconds: float) -> None:
    asyncio.run(_visit(pipe, port, readers, seconds))


async def _visit(pipe: Connection, port: int, readers: int, seconds: float) -> None:
    url = f"http://127.0.0.1:{port}"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
        reading = [asyncio.create_task(_read(http, url)) for _ in range(readers)]
        await asyncio.sleep(0.5)
        pipe.send("ready")
        calls = await asyncio.gather(*(_talk(http, url, seconds) for _ in range(CALLS)))
        await asyncio.sleep(0.5)
        for task in reading:
            task.cancel()
        seen = [await task for task in reading]
    late = [ms for _, _, each in calls for ms in each]
    broken = sum(ids != list(range(1, len(ids) + 1)) for ids in seen)
    pipe.send(Result(sum(c[0] for c in calls), sum(c[1] for c in calls), late, [len(ids) for ids in seen] or [0], broken))


async def _read(http: aiohttp.ClientSession, url: str) -> list[int]:
    ids: list[int] = []
    try:
        async with http.get(f"{url}/events") as response:
            async for line in response.content:
                if line.startswith(b"id: "):
                    ids.append(int(line[4:]))  # noqa: PERF401 - what came before the cancellation counts
    except asyncio.CancelledError:
        pass
    return ids


async def _talk(http: aiohttp.ClientSession, url: str, seconds: float) -> tuple[int, int, list[float]]:
    """20 ms messages in real time; how many were sent, how many came back in order, and how long each took."""
    late: list[float] = []
    back = 0
    async with http.ws_connect(f"{url}/call", max_msg_size=0) as ws:
        count = int(seconds * 1000 / FRAME_MS)

        async def hear() -> None:
            nonlocal back
            async for message in ws:
                number, at = json.loads(message.data[:64])
                late.append((time.monotonic() - at) * 1000)
                back += number == back
                if number == count - 1:
                    return

        hearing = asyncio.create_task(hear())
        due = time.monotonic()
        for number in range(count):
            head = json.dumps([number, time.monotonic()]).encode().ljust(64)
            await ws.send_bytes(head + FRAME[64:])
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with asyncio.timeout(10):
            await hearing
    return count, back, late
