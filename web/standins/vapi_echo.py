"""Calls without a conversation, for benchmarks: hundreds of sockets whose audio comes straight back, or a paced tone for all of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal

import aiohttp
from aiohttp import web

from .vapi_speech import hum

if TYPE_CHECKING:
    from .vapi_audio import Uplink

Echo = Literal["uplink", "paced"]
TICK_SECONDS = 0.02


class EchoLines:
    """All such calls of one stand-in; one clock serves every socket."""

    def __init__(self, kind: Echo) -> None:
        self._kind = kind
        self._sockets: dict[web.WebSocketResponse, bytes] = {}
        self._clock: asyncio.Task[None] | None = None
        self.skipped = 0
        """Paced frames that were not sent, because a client reads too slowly."""

    async def serve(self, ws: web.WebSocketResponse, uplink: Uplink) -> None:
        """Hold one socket until the client closes it or says anything in text."""
        if self._kind == "paced":
            self._sockets[ws] = (await hum("tone", uplink.rate))[: uplink.rate // 50 * 2]
            self._clock = self._clock or asyncio.create_task(self._tick())
        try:
            async for message in ws:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
                uplink.note(len(message.data), time.monotonic())
                if self._kind == "uplink":
                    await ws.send_bytes(message.data)
        except ConnectionError:
            return
        finally:
            self._sockets.pop(ws, None)

    async def close(self) -> None:
        """Stop the clock."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)

    async def _tick(self) -> None:
        due = time.monotonic()
        while True:
            for ws, frame in list(self._sockets.items()):
                await self._send(ws, frame)
            due = max(due + TICK_SECONDS, time.monotonic() - TICK_SECONDS)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _send(self, ws: web.WebSocketResponse, frame: bytes) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await ws.send_bytes(frame)
        except (TimeoutError, ConnectionError):
            self.skipped += 1
