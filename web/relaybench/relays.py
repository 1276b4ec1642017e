"""The relays that are measured, each a process of its own: `python -m web.relaybench.relays KIND UPSTREAM_PORT CALLS FOLDER`.

    bare      aiohttp at both ends, two receive loops a call, nothing else
    uvloop    the same on uvloop
    stock     pipecat's own websocket transport and the smallest pipeline, raw audio
    ours      this product as `prepkit serve` runs it, with Vapi's key set: turns, transcripts, tools, recording, voice detection, database

Says on stdout where candidates connect: `{"targets": [[port, path], …], …}`. `ours` can then be asked for `warnings`: what its server has warned of so far.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web
from loguru import logger

from ..loops import run
from .obey import obey

SECRET = "bench"  # noqa: S105 - of this benchmark's own server
HELLO = {"label": "rtvi-ai", "type": "client-ready", "id": "r", "data": {"version": "2.2.0", "about": {"library": "bench"}}}
READY_LINE = "targets"


def say(targets: list[tuple[int, str]], **more: Any) -> None:
    """Tell the benchmark where candidates connect."""
    print(json.dumps({READY_LINE: targets, **more}), flush=True)


# bare -----------------------------------------------------------------------------------------------------------------
async def bare(upstream: int, calls: int, _: Path) -> None:
    """The peer: what anybody would write first."""
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def pump(one: Any, other: Any) -> None:
        async for message in one:
            if message.type is not WSMsgType.BINARY:
                break
            await other.send_bytes(message.data)

    async def relay(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async with http.ws_connect(f"http://127.0.0.1:{upstream}/calls/0", compress=0) as up:
            pumps = [asyncio.create_task(pump(ws, up)), asyncio.create_task(pump(up, ws))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for each in pumps:
                each.cancel()
        return ws

    app = web.Application()
    app.router.add_get("/", relay)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say([(runner.addresses[0][1], "/")] * calls)
    await asyncio.Event().wait()


# ours -----------------------------------------------------------------------------------------------------------------
async def ours(upstream: int, calls: int, folder: Path) -> None:
    """The product, except that the interviews are set up and started here: its API would limit their rate."""
    from bridge import log
    from bridge.config import Settings
    from bridge.domain.catalog import Difficulty, InterviewType
    from bridge.domain.privacy import CONSENT_VERSION
    from bridge.domain.setup import InterviewSetup
    from bridge.usecases import calling, consenting, set_up
    from pipeline import garbage
    from pipeline.voice import batch_vad

    from ..app import create_app
    from ..keys import STORE, SUPERVISOR, USER
    from ..server import listen

    log.configure("WARNING", "text")
    # Asked for, its warnings are a mark in the table; on the terminal they would stand in between.
    logger.remove()
    # Here every time counts.
    batch_vad.TELL_AGAIN_SECONDS = 0.0
    warnings: list[str] = []
    logger.add(warnings.append, level="WARNING", format="{message}")
    settings = Settings.model_validate(
        {
            "port": 0, "data_dir": folder, "max_calls": 1000, "log_level": "WARNING", "voice_engine": "vapi",
            "vapi_api_key": SECRET, "vapi_base_url": f"http://127.0.0.1:{upstream}", "vapi_webhook_secret": SECRET,
        }
    )  # fmt: skip
    sock = listen(settings)
    port = sock.getsockname()[1]
    app = await create_app(settings.model_copy(update={"port": port}))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    # What is loaded once is no call's memory.
    await app[SUPERVISOR].loading.done()
    garbage.settle()
    setup = InterviewSetup(type=InterviewType.JAVASCRIPT, difficulty=Difficulty.HARD, duration_minutes=30)
    targets = []
    for _ in range(calls):
        session = await set_up.set_up(app[STORE], app[USER], setup, datetime.now(UTC))
        await consenting.give(app[STORE], app[USER], session.id, CONSENT_VERSION, ("Vapi",), datetime.now(UTC))
        _, token = await calling.start(app[STORE], app[USER], session.id, "vapi", datetime.now(UTC))
        targets.append((port, f"/ws/interviews/{session.id}?token={token}"))
    tools = {"url": f"http://127.0.0.1:{port}/api/vapi/tools", "headers": {"X-Vapi-Secret": SECRET}}
    say(targets, protocol="prepkit.pcm.v1", hello=HELLO, tools=tools)

    async def tell() -> dict[str, Any]:
        return {"warnings": warnings}

    await obey({"warnings": tell})


if __name__ == "__main__":
    kind, port_, calls_, folder_ = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    # Pipecat greets, and stock pipecat tells of every call: into the table.
    logger.remove()
    if kind == "stock":
        from .stock import stock

        run(stock(port_, calls_), quick=False)
    else:
        run({"bare": bare, "uvloop": bare, "ours": ours}[kind](port_, calls_, folder_), quick=kind != "bare")
