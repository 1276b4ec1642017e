"""Our server inside the test's process, on a real port, and a candidate on its socket who notes everything that comes in, in order.

In this process so that one start serves a whole module and a failed test shows the server's log. `Caller` knows the wire by the contract alone (§5); it uses none of
our client code.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import soxr
from aiohttp import web

from bridge.config import Settings
from bridge.domain.privacy import CONSENT_VERSION
from bridge.domain.setup import Pace, Voice
from pipeline.voice.choose import choose_synthesiser
from web.app import create_app
from web.server import listen

PCM = ("prepkit.pcm.v1",)
RATE = 16_000
PIECE = 640
"""Bytes of 20 ms."""
QUICK = {"type": "dsa", "difficulty": "easy", "duration": 10, "questionCount": 3, "pace": "fast"}
ANSWER = "I would keep a hash map of what I saw, so that each look up is constant time, and think about the empty case."


@dataclass
class Server:
    """A running server and an HTTP client for it."""

    url: str
    data_dir: Path
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The JSON of one API request, which must have this status."""
        async with self.http.request(method, self.url + path, json=body) as response:
            text = await response.text()
            assert response.status == status, text
            return json.loads(text)

    async def set_up(self, **choices: Any) -> dict[str, Any]:
        """A new interview."""
        made: dict[str, Any] = await self.call("POST", "/api/interviews/setup", QUICK | choices, status=201)
        return made

    async def start(self, session_id: str) -> tuple[str, str]:
        """Start it: the socket's URL and a token."""
        begun = await self.call("POST", f"/api/interviews/{session_id}/start", {"consent": {"version": CONSENT_VERSION}})
        return begun["bridgeUrl"], begun["token"]

    async def show(self, session_id: str) -> dict[str, Any]:
        """The interview as the API shows it."""
        shown: dict[str, Any] = await self.call("GET", f"/api/interviews/{session_id}")
        return shown

    async def status(self, session_id: str, *wanted: str, seconds: float = 15) -> dict[str, Any]:
        """The interview, once its status is one of these."""
        async with asyncio.timeout(seconds):
            while (shown := await self.show(session_id))["status"] not in wanted:
                await asyncio.sleep(0.25)
        return shown

    async def turns(self, session_id: str, speaker: str = "candidate") -> list[dict[str, Any]]:
        """Stored turns of one speaker."""
        return [turn for turn in (await self.show(session_id))["transcript"] or [] if turn["speaker"] == speaker]

    async def close_code(self, url: str, token: str) -> int | None:
        """How a connection with this token is closed; None when it is not."""
        async with self.http.ws_connect(f"{url}?token={token}", protocols=PCM) as ws:
            with suppress(TimeoutError):
                async with asyncio.timeout(3):
                    async for _ in ws:
                        pass
            return ws.close_code

    @asynccontextmanager
    async def caller(self, url: str, token: str) -> AsyncIterator[Caller]:
        """A candidate with an open microphone, connected and ready; closed afterwards."""
        async with self.http.ws_connect(f"{url}?token={token}", protocols=PCM, max_msg_size=0) as ws:
            caller = Caller(ws)
            tasks = [asyncio.create_task(caller.listen()), asyncio.create_task(caller.microphone())]
            try:
                await caller.send_json({"label": "rtvi-ai", "type": "client-ready", "id": "r", "data": CLIENT_READY})
                yield caller
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def interview(self, **choices: Any) -> AsyncIterator[tuple[str, Caller]]:
        """A new interview whose first question has been put."""
        session_id = (await self.set_up(**choices))["sessionId"]
        async with self.caller(*await self.start(session_id)) as caller:
            await caller.told("question")
            yield session_id, caller


CLIENT_READY = {"version": "2.2.0", "about": {"library": "prepkit-tests"}}
AUDIO: dict[str, Any] = {"type": "AUDIO"}
"""Stands for a binary message in a caller's notes."""


@dataclass
class Caller:
    """One connection; `notes` holds every message in order, audio as AUDIO."""

    ws: aiohttp.ClientWebSocketResponse
    notes: list[dict[str, Any]] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    _seen: int = 0
    _mouth: bytearray = field(default_factory=bytearray)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Note what comes until the socket is closed."""
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.audio += message.data
                self.notes.append(AUDIO)
            else:
                self.notes.append(json.loads(message.data))
            self._news.set()
        self.notes.append({"type": "CLOSED"})
        self._news.set()

    async def microphone(self) -> None:
        """20 ms messages at the speed of time: what is to be said, else silence."""
        due = time.monotonic()
        with suppress(ConnectionError):
            while not self.ws.closed:
                piece, self._mouth = bytes(self._mouth[:PIECE]), self._mouth[PIECE:]
                await self.ws.send_bytes(piece + bytes(PIECE - len(piece)))
                due += PIECE / (RATE * 2)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    def say(self, pcm: bytes) -> None:
        """Put speech into the microphone."""
        self._mouth += pcm

    async def send_json(self, message: dict[str, Any]) -> None:
        """Send one text message."""
        await self.ws.send_str(json.dumps(message))

    async def verb(self, t: str, /, **d: Any) -> dict[str, Any]:
        """Send one of our verbs and wait for its answer."""
        message_id = f"m{len(self.notes)}"
        await self.send_json({"label": "rtvi-ai", "type": "client-message", "id": message_id, "data": {"t": t, "d": d}})
        return await self.noted(lambda m: m.get("id") == message_id and m["type"] in ("server-response", "error-response"))

    @property
    def here(self) -> int:
        """The place in the notes up to which something has been waited for."""
        return self._seen

    def forget(self) -> None:
        """From here on only what comes from now on counts."""
        self._seen = len(self.notes)

    async def noted(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """The next message, after the one last waited for, that is wanted."""
        async with asyncio.timeout(seconds):
            while True:
                for place in range(self._seen, len(self.notes)):
                    if wanted(self.notes[place]):
                        self._seen = place + 1
                        return self.notes[place]
                self._news.clear()
                await self._news.wait()

    async def rtvi(self, type_: str, seconds: float = 20) -> dict[str, Any]:
        """The next RTVI message of a type."""
        return await self.noted(lambda m: m["type"] == type_, seconds)

    async def told(self, type_: str, seconds: float = 20, **fields: Any) -> dict[str, Any]:
        """The data of the next server-message of ours of a type and with these fields."""
        message = await self.noted(
            lambda m: m["type"] == "server-message" and {"type": type_, **fields}.items() <= m["data"].items(), seconds
        )
        data: dict[str, Any] = message["data"]
        return data

    def has(self, type_: str, since: int = 0) -> bool:
        """Whether a message of a type, ours or RTVI's, was noted."""
        return any(type_ in (m["type"], m.get("data", {}).get("type")) for m in self.notes[since:] if m is not AUDIO)

    async def closed(self, seconds: float = 20) -> int | None:
        """The close code, once the server has closed."""
        await self.noted(lambda m: m["type"] == "CLOSED", seconds)
        return self.ws.close_code


async def spoken(text: str, *, lead_ms: int = 100, tail_ms: int = 0) -> bytes:
    """Synthetic speech as a microphone gives it."""
    speech = await choose_synthesiser().speak(text, Voice.NEUTRAL, Pace.MODERATE)
    samples = np.frombuffer(speech.pcm, dtype="<i2")
    pcm = samples if speech.rate == RATE else soxr.resample(samples, speech.rate, RATE)
    return bytes(RATE * 2 * lead_ms // 1000) + pcm.astype("<i2").tobytes() + bytes(RATE * 2 * tail_ms // 1000)


@asynccontextmanager
async def running(data_dir: Path, *, evals: bool = False, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours on a free port, without a recogniser unless one is asked for."""
    chosen = Settings(port=0, data_dir=data_dir, **{"recogniser": "none", **settings})
    sock = listen(chosen)
    port = sock.getsockname()[1]
    app = await create_app(chosen.model_copy(update={"port": port}), evals=evals)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Server(f"http://127.0.0.1:{port}", data_dir, http)
    finally:
        await runner.cleanup()
