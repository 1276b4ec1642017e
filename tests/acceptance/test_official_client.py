"""The official Pipecat JS client against our server: its recorded bytes, replayed at their own speed over the protobuf wire (contract §5)."""

import asyncio
import base64
import json
import zlib
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pipecat.frames.protobufs import frames_pb2

from .live import ANSWER, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
RECORDING = json.loads((Path(__file__).parent / "data" / "official_client.json").read_text())
MESSAGES = [(at / 1000, zlib.decompress(base64.b64decode(data))) for at, data in RECORDING["messages"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server of ours."""
    async with running(tmp_path_factory.mktemp("official")) as server:
        yield server


def frame(data):
    """One of pipecat's protobuf frames."""
    found = frames_pb2.Frame()
    found.ParseFromString(data)
    return found


async def replay(ws, frames):
    """Send what the client sent when it sent it, and gather the frames that come back until question two is being spoken."""
    moved_on = False

    async def listen():
        nonlocal moved_on
        async for message in ws:
            assert message.type is aiohttp.WSMsgType.BINARY
            frames.append(frame(message.data))
            text = frames[-1].message.data
            moved_on = moved_on or '"type":"question","n":2' in text
            if moved_on and '"bot-tts-text"' in text:
                return

    listening = asyncio.create_task(listen())
    began = asyncio.get_running_loop().time()
    for at, data in MESSAGES:
        await asyncio.sleep(max(0.0, began + at - asyncio.get_running_loop().time()))
        await ws.send_bytes(data)
    async with asyncio.timeout(20):
        await listening


async def test_the_official_client_holds_an_interview(server):
    """Unchanged, it gets bot-ready of RTVI 2, hears 24 kHz mono, sees what is said, answers, moves on and leaves a resumable interview."""
    made = await server.set_up()
    url, token = await server.start(made["sessionId"])
    frames = []
    async with server.http.ws_connect(f"{url}?token={token}") as ws:
        await replay(ws, frames)
        await ws.close()
        code = ws.close_code
    messages = [json.loads(f.message.data) for f in frames if f.WhichOneof("frame") == "message"]
    sounds = [f.audio for f in frames if f.WhichOneof("frame") == "audio"]
    types = [message["type"] for message in messages]
    ready = next(message for message in messages if message["type"] == "bot-ready")
    questions = [m["data"] for m in messages if m["type"] == "server-message" and m["data"]["type"] == "question"]
    candidate = await server.turns(made["sessionId"])
    shown = await server.status(made["sessionId"], "interrupted")

    assert ready["data"]["version"].startswith("2.")
    assert {f.WhichOneof("frame") for f in frames} == {"message", "audio"}, "the client throws at any other frame"
    assert {(sound.sample_rate, sound.num_channels) for sound in sounds} == {(24_000, 1)}
    assert max(max(memoryview(sound.audio).cast("h")) for sound in sounds) > 1_000, "silence was played"
    assert {"bot-started-speaking", "bot-tts-text", "bot-stopped-speaking", "user-started-speaking", "server-response"} <= set(
        types
    )
    assert "error-response" not in types
    assert questions[0]["id"] == made["questions"][0]["id"]
    assert questions[-1]["id"] == made["questions"][1]["id"]
    assert [(turn["text"], turn["source"]) for turn in candidate] == [(ANSWER, "typed")]
    assert code == 1000
    assert shown["phase"] == "in_progress"


async def test_the_recording_is_what_the_client_says_of_itself():
    """The bytes are those of the versions named: one client-ready of that library, 16 kHz mono in 256-sample pieces, nothing else but RTVI."""
    frames = [frame(data) for _, data in MESSAGES]
    messages = [json.loads(f.message.data) for f in frames if f.WhichOneof("frame") == "message"]
    sounds = {(f.audio.sample_rate, f.audio.num_channels, len(f.audio.audio)) for f in frames if f.WhichOneof("frame") == "audio"}

    assert messages[0]["data"]["about"]["library"] == "@pipecat-ai/client-js"
    assert messages[0]["data"]["about"]["library_version"] == RECORDING["client"]["@pipecat-ai/client-js"]
    assert [message["type"] for message in messages] == ["client-ready", "send-text", "client-message"]
    assert sounds == {(16_000, 1, 512)}
