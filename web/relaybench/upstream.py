"""What the relays dial: a stream back for each, and for our own server Vapi's REST, its messages and its tool calls.

Every call lives through ten-second rounds: the candidate speaks (partials, a final), the interviewer answers (a final); once a minute it asks for a follow-up.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import aiohttp

from .lean import Run, Server

ROUND_SECONDS = 10.0
PARTIALS = 6
TOOL_EVERY = 6
"""Rounds."""
SENTENCE = "I would put a cache in front of the database and measure how often it is hit before I grow anything"
ANSWER = "Good. And how do you keep the cache and the database from telling two different stories?"


class Upstream:
    """All calls of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._port = 0
        self._server: asyncio.Server | None = None
        self._ids = itertools.count(1)
        self._tools: tuple[str, dict[str, str]] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._lives: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """Take connections; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Server(self._run, self._answer, self._opened), "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    async def close(self) -> None:
        """Take no more, and end every call."""
        if self._server is not None:
            self._server.close()
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def tools(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        """From now on calls speak Vapi's messages, and their tools are asked at `url`."""
        self._tools = url, headers
        self._http = aiohttp.ClientSession()
        return {}

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """`POST /call`, `GET /call/{id}`, and anything said to a live call."""
        if method == "POST" and path == "/call":
            call_id = f"bench-{next(self._ids)}"
            base = f"127.0.0.1:{self._port}"
            return 201, {
                "id": call_id,
                "status": "queued",
                "transport": {"websocketCallUrl": f"ws://{base}/calls/{call_id}"},
                "monitor": {"controlUrl": f"http://{base}/calls/{call_id}/control"},
            }
        if method == "GET":
            return 200, {"id": path.rsplit("/", 1)[1], "status": "in-progress"}
        return 200, {}

    def _opened(self, path: str, stream: Server) -> None:
        if self._tools is not None:
            life = asyncio.get_running_loop().create_task(self._live(path.rsplit("/", 1)[1], stream))
            self._lives.add(life)
            life.add_done_callback(self._lives.discard)

    async def _live(self, call_id: str, stream: Server) -> None:
        stream.send_json({"type": "status-update", "status": "in-progress"})
        number = int(call_id.rsplit("-", 1)[1])
        # Calls are at different places of their rounds and minutes.
        await asyncio.sleep(number * 0.37 % ROUND_SECONDS)
        for round_ in itertools.count(number):
            if not stream.open:
                return
            await self._round(stream, round_)
            if round_ % TOOL_EVERY == 0:
                await self._ask_tool(call_id, f"bench-{number}-{round_}")

    async def _round(self, stream: Server, round_: int) -> None:
        stream.send_json({"type": "speech-update", "role": "user", "status": "started", "turn": round_})
        for n in range(1, PARTIALS + 1):
            await asyncio.sleep(ROUND_SECONDS / 2 / PARTIALS)
            self._said(stream, "user", "partial", SENTENCE[: n * 15])
        self._said(stream, "user", "final", SENTENCE)
        stream.send_json({"type": "speech-update", "role": "assistant", "status": "started", "turn": round_})
        stream.send_json({"type": "speech-update", "role": "user", "status": "stopped", "turn": round_})
        await asyncio.sleep(ROUND_SECONDS / 2)
        stream.send_json({"type": "speech-update", "role": "assistant", "status": "stopped", "turn": round_})
        self._said(stream, "assistant", "final", ANSWER)

    @staticmethod
    def _said(stream: Server, role: str, kind: str, text: str) -> None:
        stream.send_json({"type": "transcript", "role": role, "transcriptType": kind, "transcript": text})

    async def _ask_tool(self, call_id: str, tool_call_id: str) -> None:
        assert self._tools is not None
        assert self._http is not None
        url, headers = self._tools
        function = {"name": "getFollowUpQuestion", "arguments": {"currentQuestionId": "", "userAnswer": SENTENCE}}
        message = {
            "type": "tool-calls",
            "call": {"id": call_id},
            "toolCallList": [{"id": tool_call_id, "type": "function", "function": function}],
        }
        try:
            async with self._http.post(url, json={"message": message}, headers=headers) as response:
                if response.status != 200 or "results" not in await response.json():
                    self._run.streams[0].troubles.append(f"a tool call was answered {response.status}")
        except aiohttp.ClientError as error:
            self._run.streams[0].troubles.append(f"a tool call failed: {type(error).__name__}")
