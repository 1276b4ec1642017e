"""A heartbeat that is put off once a second instead of at every read still tells a live peer from a dead one (F2, performance.md §2)."""

import asyncio
import time

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType, web

from bridge.clients import heartbeat
from bridge.clients.heartbeat import SeldomReset

HEARTBEAT = 0.6
RESET = 0.2


class Served(SeldomReset, web.WebSocketResponse):
    """The end that listens, counting how often its heartbeat was put off."""

    resets = 0

    def _reset_heartbeat(self):
        self.resets += 1
        super()._reset_heartbeat()


class Dialled(SeldomReset, ClientWebSocketResponse):
    """The end that dials."""

    resets = 0

    def _reset_heartbeat(self):
        self.resets += 1
        super()._reset_heartbeat()


@pytest.fixture(params=["served", "dialled"])
async def ends(request, monkeypatch, aiohttp_server):
    """The end with the heartbeat, and its peer, which answers no ping by itself; each way round."""
    monkeypatch.setattr(heartbeat, "RESET_SECONDS", RESET)
    ours = request.param == "served"
    accepted, done = asyncio.Queue(), asyncio.Event()

    async def serve(asked):
        ws = (
            Served(compress=False, heartbeat=HEARTBEAT, timeout=1)
            if ours
            else web.WebSocketResponse(compress=False, autoping=False, timeout=1)
        )
        await ws.prepare(asked)
        accepted.put_nowait(ws)
        await done.wait()
        return ws

    app = web.Application()
    app.router.add_get("/", serve)
    server = await aiohttp_server(app)
    more = {"autoping": False} if ours else {"heartbeat": HEARTBEAT}
    more["timeout"] = ClientWSTimeout(ws_close=1)
    async with ClientSession(ws_response_class=ClientWebSocketResponse if ours else Dialled) as http:
        dialled = await http.ws_connect(server.make_url("/"), **more)
        served = await accepted.get()
        yield (served, dialled) if ours else (dialled, served)
        await asyncio.gather(served.close(), dialled.close())
        done.set()


async def test_who_goes_on_talking_is_not_asked_and_costs_little(ends):
    """F2: three heartbeats long audio every 20 ms: no ping, and the heartbeat was put off a few times instead of ninety."""
    watching, peer = ends
    reading = asyncio.create_task(watching.receive())
    asked = asyncio.create_task(peer.receive())
    before, until = watching.resets, time.monotonic() + 3 * HEARTBEAT
    sent = 0
    while time.monotonic() < until:
        await peer.send_bytes(bytes(640))
        sent += 1
        if reading.done():
            reading = asyncio.create_task(watching.receive())
        await asyncio.sleep(0.02)
    assert not asked.done()
    assert not watching.closed
    assert 0 < watching.resets - before <= 3 * HEARTBEAT / RESET + 2 < sent / 2
    for task in (reading, asked):
        task.cancel()


async def test_who_falls_silent_is_asked_and_given_up(ends):
    """F2: a peer that neither talks nor answers is lost after a heartbeat and the half of one."""
    watching, peer = ends
    await peer.send_bytes(bytes(640))
    assert (await watching.receive()).type is WSMsgType.BINARY
    began = time.monotonic()
    lost = asyncio.create_task(watching.receive())
    assert (await peer.receive()).type is WSMsgType.PING
    async with asyncio.timeout(5):
        assert (await lost).type in (WSMsgType.ERROR, WSMsgType.CLOSED, WSMsgType.CLOSING)
    assert HEARTBEAT < time.monotonic() - began < 4 * HEARTBEAT


async def test_who_answers_stays(ends):
    """F2: a quiet peer that answers pings is kept."""
    watching, peer = ends
    lost = asyncio.create_task(watching.receive())
    for _ in range(3):
        ping = await peer.receive()
        assert ping.type is WSMsgType.PING
        await peer.pong(ping.data)
    await asyncio.sleep(HEARTBEAT / 2)
    assert not lost.done()
    assert not watching.closed
    lost.cancel()
