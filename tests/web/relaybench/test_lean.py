"""The benchmark's small websocket against aiohttp's: what the load sends is what a relay gets, and the other way round."""

import asyncio

import pytest
from aiohttp import ClientSession, WSMsgType, web

from web.relaybench.lean import Client, Run
from web.relaybench.marks import FRAME_BYTES, Receiver, Tally, noise
from web.relaybench.upstream import Upstream


@pytest.fixture
def run():
    """What the streams of a test share; they are stopped after it."""
    run = Run(noise())
    yield run
    for stream in run.streams:
        stream.stop()


async def test_a_candidate_streams_to_aiohttp_and_back(run):
    """Masked messages of 640 bytes, fifty a second; text and pings in between; what aiohttp sends back is counted whole."""
    got, done = [], asyncio.Event()

    async def serve(request):
        ws = web.WebSocketResponse(compress=False, heartbeat=0.1)
        await ws.prepare(request)
        async for message in ws:
            got.append(message)
            if message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
                await ws.send_str("x" * 300)
            if len(got) > 25:
                break
        done.set()
        return ws

    app = web.Application()
    app.router.add_get("/path", serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = Client(run, "/path", None, {"hello": 1})
    run.counting = True
    await asyncio.get_running_loop().create_connection(lambda: client, *runner.addresses[0])
    await asyncio.wait_for(client.opened, 5)
    await asyncio.wait_for(done.wait(), 5)
    client.stop()
    await runner.cleanup()

    assert (WSMsgType.TEXT, '{"hello": 1}') == (got[0].type, got[0].data)
    assert {(WSMsgType.BINARY, FRAME_BYTES)} == {(message.type, len(message.data)) for message in got[1:]}
    assert run.tally.got >= 20
    assert not client.troubles[:-1]


async def test_the_upstream_is_a_vapi_for_our_client(run):
    """`POST /call` gives a socket on which the call begins, streams and speaks; a call can be looked up and spoken to on a kept connection."""
    upstream = Upstream(run)
    port = await upstream.listen()
    await upstream.tools("http://127.0.0.1:1/", {})
    base, tally, texts = f"http://127.0.0.1:{port}", Tally(), []
    receiver = Receiver(tally)
    run.counting = True
    async with ClientSession() as http:
        async with http.post(f"{base}/call", json={"name": "x" * 3000}) as response:
            made = await response.json()
            assert response.status == 201
        async with http.get(f"{base}/call/{made['id']}") as response:
            assert (await response.json())["status"] == "in-progress"
        async with http.post(made["monitor"]["controlUrl"], json={"type": "say", "content": "Hello"}) as response:
            assert response.status == 200
        async with http.ws_connect(made["transport"]["websocketCallUrl"], compress=0) as ws:
            while tally.got < 20:
                message = await ws.receive(timeout=5)
                if message.type is WSMsgType.BINARY:
                    receiver.feed(message.data)
                    await ws.send_bytes(message.data)
                else:
                    texts.append(message.json()["type"])
    await upstream.close()

    assert texts[0] == "status-update"
    assert run.tally.got >= 15
    assert tally.disorder == 0
