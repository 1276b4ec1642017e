"""Sending without waiting over real sockets: whole, in order, bounded, and cut where nobody reads (F5). Fails where aiohttp's writer no longer writes at once."""

import asyncio
import json
import socket as sockets
import time

import pytest
from aiohttp import ClientSession, web
from loguru import logger

from bridge.wire.candidate import CLOSE_TOO_SLOW, PcmWire
from pipeline.leg import Leg
from web.aiohttp_socket import AiohttpSocket
from web.sockets import LOOK_EVERY_BYTES

FRAME = bytes(range(256)) * 2 + bytes(128)


class Lines:
    """A server that hands each socket it accepts to the test."""

    def __init__(self):
        self.accepted = asyncio.Queue()
        self.done = asyncio.Event()

    async def serve(self, request):
        """Hold the socket until the test is over."""
        ws = web.WebSocketResponse(compress=False, writer_limit=LOOK_EVERY_BYTES, timeout=1)
        await ws.prepare(request)
        self.accepted.put_nowait((ws, AiohttpSocket(ws, request.transport), request.transport))
        await self.done.wait()
        return ws


@pytest.fixture
async def lines():
    """A server on loopback; gives (lines, url)."""
    lines = Lines()
    app = web.Application()
    app.router.add_get("/", lines.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    lines.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield lines
    lines.done.set()
    await runner.cleanup()


async def deaf(url):
    """A client that opened the socket and reads nothing more."""
    host, port = url.split("/")[2].split(":")
    client = sockets.socket()
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(
        client,
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )
    return client


async def test_what_is_sent_now_arrives_whole_and_in_order_both_ways(lines):
    """Server to client unmasked, client to server masked, between messages sent the waiting way; no turn of the loop is needed to write."""
    async with ClientSession() as http, http.ws_connect(lines.url) as ws:
        _, server, _ = await lines.accepted.get()
        client = AiohttpSocket(ws)
        for one, other in ((server, client), (client, server)):
            for n in range(50):
                assert one.send_now(bytes([n]) + FRAME)
                if n % 10 == 0:
                    await one.send(f"text {n}")
            got = [await other.receive() for _ in range(55)]
            assert [bytes([n]) + FRAME for n in range(50)] == [data for data in got if isinstance(data, bytes)]
            assert [1, 12, 23, 34, 45] == [at for at, data in enumerate(got) if isinstance(data, str)]
        lines.done.set()


async def test_a_peer_that_does_not_read_is_refused_within_two_seconds_of_audio(lines):
    """F5: no task, no growth; when it reads again, sending goes on."""
    client = await deaf(lines.url)
    _, server, transport = await lines.accepted.get()
    tasks = len(asyncio.all_tasks())
    sent = 0
    while server.send_now(FRAME):
        sent += 1
        await asyncio.sleep(0)
        assert sent < 1000
    for _ in range(1000):
        assert not server.send_now(FRAME)

    assert transport.get_write_buffer_size() <= 64 * 1024 + LOOK_EVERY_BYTES + 1024
    assert len(asyncio.all_tasks()) == tasks
    async with asyncio.timeout(5):
        while not server.send_now(FRAME):
            await asyncio.get_running_loop().sock_recv(client, 65536)
    client.close()


async def test_a_message_finds_room_behind_audio_that_found_none(lines):
    """F5: who stores and tells goes on at once, up to four thousand bytes; beyond that it waits, and is told when the leg is given up, without being cancelled."""
    client = await deaf(lines.url)
    _, server, _ = await lines.accepted.get()
    leg = Leg(server, PcmWire())
    while leg.send_audio_now(FRAME):
        await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert await leg.tell("notice", code="x")
        assert await leg.tell("notice", code="y")
    waiting = asyncio.create_task(leg.tell("notice", code="z" * 2 * LOOK_EVERY_BYTES))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await leg.close(CLOSE_TOO_SLOW, "too slow")

    async with asyncio.timeout(1):
        assert not await waiting
    client.close()


async def test_who_waits_to_send_can_be_cancelled(lines):
    """By its own task, as ever."""
    client = await deaf(lines.url)
    _, server, _ = await lines.accepted.get()
    while server.send_now(FRAME):
        await asyncio.sleep(0)
    waiting = asyncio.create_task(server.send("z" * 2 * LOOK_EVERY_BYTES))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    client.close()


async def test_a_peer_that_is_gone_is_refused(lines):
    """No exception where audio is sent, at either end."""
    async with ClientSession() as http:
        ws = await http.ws_connect(lines.url)
        _, server, _ = await lines.accepted.get()
        client = AiohttpSocket(ws)
        closing = asyncio.create_task(client.close())
        assert await server.receive() is None
        await closing

        assert not server.send_now(FRAME)
        assert not client.send_now(FRAME)


async def test_a_leg_that_is_too_slow_is_closed_and_then_cut_off(lines, monkeypatch):
    """F5: closed with 4408 within 15 s of audio, its memory given back although it never reads."""
    monkeypatch.setattr("web.aiohttp_socket.LINGER_SECONDS", 0.2)
    client = await deaf(lines.url)
    ws, server, transport = await lines.accepted.get()
    leg = Leg(server, PcmWire())
    sent = 0
    while not leg.closed:
        leg.send_audio_now(FRAME)
        sent += 1
        await asyncio.sleep(0)
        assert sent * 20 <= 15_000
    async with asyncio.timeout(5):
        while transport.get_write_buffer_size():
            await asyncio.sleep(0.05)
    assert ws.closed
    client.close()


async def test_a_slow_leg_that_reads_is_told_why(lines):
    """The close code reaches a browser that is slow and not dead."""
    async with ClientSession() as http, http.ws_connect(lines.url) as ws:
        _, server, _ = await lines.accepted.get()
        leg = Leg(server, PcmWire())
        began = time.monotonic()
        while not leg.closed and time.monotonic() - began < 10:
            leg.send_audio_now(FRAME * 10)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while not ws.closed:
                await ws.receive()

        assert ws.close_code == CLOSE_TOO_SLOW


async def test_messages_keep_their_order_among_audio_sent_now(lines):
    """A flush-audio comes after what was sent before it and before what is sent after it."""
    async with ClientSession() as http, http.ws_connect(lines.url) as ws:
        _, server, _ = await lines.accepted.get()
        leg = Leg(server, PcmWire())
        leg.send_audio_now(b"\1\0" * 320)
        await leg.tell("flush-audio")
        leg.send_audio_now(b"\2\0" * 320)
        got = [(await ws.receive()).data for _ in range(3)]
        lines.done.set()

        assert (b"\1\0" * 320, b"\2\0" * 320) == (got[0], got[2])
        assert json.loads(got[1])["data"]["type"] == "flush-audio"


async def test_binary_messages_are_taken_as_they_are_read_and_order_is_kept(lines):
    """performance.md §2: at both ends nobody need receive for it; behind a message that waits everything waits, and a message left by the taker comes in turn."""
    async with ClientSession() as http, http.ws_connect(lines.url) as ws:
        _, server, _ = await lines.accepted.get()
        client = AiohttpSocket(ws)
        for one, other in ((server, client), (client, server)):
            taken = asyncio.Queue()
            other.take_binary(lambda data, taken=taken: data[:1] != b"?" and (taken.put_nowait(data) or True))
            for data in (b"1", b"2" * 40_000, b"?", b"3", "text", b"4"):
                one.send_now(data)
            async with asyncio.timeout(5):
                assert [b"1", b"2" * 40_000] == [await taken.get() for _ in range(2)]
                assert [b"?", b"3", "text", b"4"] == [await other.receive() for _ in range(4)]
                one.send_now(b"5")
                assert await taken.get() == b"5"
            other.take_binary(None)
            one.send_now(b"6")
            assert await other.receive() == b"6"
            assert taken.empty()
        lines.done.set()


async def test_a_taker_that_fails_ends_its_socket_and_is_told_in_the_log(lines):
    """Nothing is swallowed: the reader sees the end, the log the reason, without what was sent."""
    said = []
    sink = logger.add(said.append, level="ERROR")
    try:
        async with ClientSession() as http, http.ws_connect(lines.url) as ws:
            _, server, _ = await lines.accepted.get()

            def fail(data):
                raise ZeroDivisionError("secret")

            server.take_binary(fail)
            await ws.send_bytes(FRAME)
            async with asyncio.timeout(5):
                assert await server.receive() is None
            assert server.closed
    finally:
        logger.remove(sink)
    assert ["ZeroDivisionError"] == [record.record["message"].rsplit(" ", 1)[1] for record in said]
    assert "secret" not in str(said)
