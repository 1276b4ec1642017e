"""The other side of the Vapi stand-in, by the protocol alone: a server that takes webhooks and answers tool calls, and a candidate with a microphone."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from web.standins.vapi import VapiStandin
from web.standins.vapi_faults import Faults, Manner
from web.standins.vapi_speech import hum

DATA = Path(__file__).parents[2] / "data" / "vapi"
KEY = "test-key"
AGENT = {"User-Agent": "prepkit-tests/1.0"}
HEADERS = {**AGENT, "Authorization": f"Bearer {KEY}"}
FRAME = 640
"""Bytes of 20 ms at 16 kHz."""
QUICK = {
    "first_frame_seconds": 0.02, "turn_silence_seconds": 0.3, "final_seconds": 0.03, "ended_seconds": 0.1, "report_seconds": 0.1,
    "artifact_seconds": 0.2, "rejoin_seconds": 0.5, "fillers": False,
}  # fmt: skip


def example(name: str) -> Any:
    """One of the protocol sheet's JSON examples, anew each time."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


async def brief(text: str, rate: int) -> bytes:
    """A hum that takes a quarter of the time."""
    pcm = await hum(text, rate)
    return pcm[: len(pcm) // 8 * 2]


@asynccontextmanager
async def vapi(*, manner: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[VapiStandin]:
    """A quick stand-in that hums and hears nothing but the words it was given."""
    chosen = {"key": KEY, "speak": brief, "hear": "none", **options}
    async with VapiStandin(manner=Manner(**{**QUICK, **(manner or {})}), **chosen) as standin:
        yield standin


class Bridge:
    """Takes webhooks; `answers` maps a tool's name to its answer (or to a function of its arguments)."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: dict[str, Any] = {}
        self.reply: Callable[[dict[str, Any]], web.Response] | None = None
        """Instead of the right answer to tool calls."""

    async def take(self, request: web.Request) -> web.Response:
        """One webhook."""
        raw = await request.read()
        body = json.loads(raw)
        self.bodies.append(body)
        self.requests.append((dict(request.headers), raw))
        message = body.get("message", {})
        if message.get("type") not in ("tool-calls", "function-call"):
            return web.json_response({"received": True})
        return (
            self.reply(message)
            if self.reply
            else web.json_response({"results": [self.answer(call) for call in calls_in(message)]})
        )

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """One result."""
        function = call["function"]
        value = self.answers[function["name"]]
        given = function["arguments"]
        arguments = json.loads(given) if isinstance(given, str) else given
        result = value(arguments) if callable(value) else value
        return {"toolCallId": call["id"], "name": function["name"], "result": json.dumps(result)}

    def types(self) -> list[str]:
        """Types of what came, in order."""
        return [body["message"]["type"] if "message" in body else body["type"] for body in self.bodies]

    def messages(self, type_: str) -> list[dict[str, Any]]:
        """Messages of one type."""
        return [body["message"] for body in self.bodies if body.get("message", {}).get("type") == type_]


def calls_in(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of a tool message in any layout."""
    if "functionCall" in message:
        function = message["functionCall"]
        return [{"id": "legacy", "function": {"name": function["name"], "arguments": function["parameters"]}}]
    calls = message.get("toolCallList") or message.get("toolCalls")
    return calls or [item["toolCall"] for item in message["toolWithToolCallList"]]


@asynccontextmanager
async def bridge() -> AsyncIterator[Bridge]:
    """A bridge on a free port."""
    taker = Bridge()
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/hook", taker.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taker.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield taker
    finally:
        await runner.cleanup()


def body(hook: str = "http://127.0.0.1:9/hook", **assistant: Any) -> dict[str, Any]:
    """The protocol's create body, quick, with webhooks to here and these fields of the assistant changed."""
    made = copy.deepcopy(example("1-1-create-call"))
    changed = made["assistant"]
    changed["firstMessage"] = "Hello!"
    changed["startSpeakingPlan"] = {"waitSeconds": 0.1}
    changed["stopSpeakingPlan"] = {"numWords": 0, "voiceSeconds": 0.2, "backoffSeconds": 0}
    changed["server"]["url"] = hook
    changed["model"]["messages"][0]["content"] = "Ask these:\n[q-1] How would you shard it?\n[q-2] And fail over?"
    for tool in changed["model"]["tools"][:2]:
        tool["server"]["url"] = hook
        tool.pop("messages", None)
    changed.update(assistant)
    return made


async def create(standin: VapiStandin, request: dict[str, Any], status: int = 201) -> Any:
    """`POST /call`, which must have this status."""
    async with aiohttp.ClientSession(headers=HEADERS) as http, http.post(f"{standin.url}/call", json=request) as response:
        text = await response.text()
        assert response.status == status, text
        return json.loads(text)


class Candidate:
    """One client on a call's socket, its microphone always on."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.pieces: list[bytes] = []
        self.arrivals: list[float] = []
        self._mouth = bytearray()

    async def listen(self) -> None:
        """Note everything until the socket is closed."""
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.pieces.append(message.data)
                self.arrivals.append(time.monotonic())
            else:
                self.raw.append(message.data)
                with suppress(ValueError):
                    frame = json.loads(message.data)
                    self.frames += [frame] if isinstance(frame, dict) else []

    async def microphone(self) -> None:
        """20 ms messages at the speed of time."""
        due = time.monotonic()
        with suppress(ConnectionError):
            while not self.ws.closed:
                piece, self._mouth = bytes(self._mouth[:FRAME]), self._mouth[FRAME:]
                await self.ws.send_bytes(piece + bytes(FRAME - len(piece)))
                due += 0.02
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    def say(self, pcm: bytes) -> None:
        """Put speech into the microphone."""
        self._mouth += pcm

    async def speak(self, seconds: float = 0.6) -> None:
        """Hum so long; what is said, the stand-in knows. Returns when the microphone has sent it."""
        self.say((await hum("word " * 20, 16_000))[: int(seconds * 32_000)])
        while self._mouth:
            await asyncio.sleep(0.01)

    def of(self, type_: str, **fields: Any) -> list[dict[str, Any]]:
        """Frames of a type and with these fields."""
        return [frame for frame in self.frames if {"type": type_, **fields}.items() <= frame.items()]

    async def until(self, wanted: Callable[[], Any], seconds: float = 8) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(seconds):
            while not wanted():
                await asyncio.sleep(0.01)

    async def got(self, type_: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The `count`th such frame, once it is there."""
        await self.until(lambda: len(self.of(type_, **fields)) >= count)
        return self.of(type_, **fields)[count - 1]


@asynccontextmanager
async def joined(url: str, *, quiet: bool = False) -> AsyncIterator[Candidate]:
    """A candidate on a socket; `quiet` has no microphone."""
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as ws:
        candidate = Candidate(ws)
        tasks = [asyncio.create_task(candidate.listen())]
        tasks += [] if quiet else [asyncio.create_task(candidate.microphone())]
        try:
            yield candidate
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def call(standin: VapiStandin, hook: str, **assistant: Any) -> AsyncIterator[Candidate]:
    """A call created and joined."""
    made = await create(standin, body(hook, **assistant))
    async with joined(made["transport"]["websocketCallUrl"]) as candidate:
        yield candidate


def faults(**chosen: Any) -> Faults:
    """Faults by name."""
    return Faults(**chosen)


def lacks(expected: Any, actual: Any, at: str = "$") -> list[str]:
    """Where `actual` has not what an example has: its fields with values of the same JSON type. Lists are compared by their first items."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        missing = [f"{at}.{name}" for name in expected if name not in actual]
        return missing + [
            one for name in expected if name in actual for one in lacks(expected[name], actual[name], f"{at}.{name}")
        ]
    if isinstance(expected, list) and isinstance(actual, list):
        return lacks(expected[0], actual[0], f"{at}[0]") if expected and actual else []
    numbers = (int, float)
    same = (isinstance(expected, numbers) and isinstance(actual, numbers)) or type(expected) is type(actual)
    return [] if same else [f"{at}: {type(actual).__name__}"]
