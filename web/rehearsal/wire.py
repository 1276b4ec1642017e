"""The socket as `prepkit.pcm.v1` asks for it: RTVI messages out, our verbs with the server's answer to each.

Read next: `client`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import aiohttp

from bridge.wire.candidate import RTVI_LABEL

RTVI_VERSION = "2.2.0"
ACK_SECONDS = 15


class Wire:
    """One connection."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ready(self) -> None:
        """Say that we are here."""
        await self._send("client-ready", {"version": RTVI_VERSION, "about": {"library": "prepkit-rehearse"}}, uuid4().hex)

    async def ask(self, t: str, d: Mapping[str, Any]) -> dict[str, Any]:
        """One of our verbs; returns the server's answer to it. Raises ConnectionError or TimeoutError when none comes."""
        message_id = uuid4().hex
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting any more when the connection is lost.
        waiting.add_done_callback(lambda f: f.cancelled() or f.exception())
        self._waiting[message_id] = waiting
        await self._send("client-message", {"t": t, "d": dict(d)}, message_id)
        async with asyncio.timeout(ACK_SECONDS):
            return await waiting

    def settle(self, message: Mapping[str, Any], value: dict[str, Any]) -> None:
        """The server has answered."""
        waiting = self._waiting.pop(str(message.get("id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(value)

    async def drop(self, seconds: float) -> None:
        """Lose the connection on purpose after a while."""
        await asyncio.sleep(seconds)
        await self.ws.close()

    async def close(self) -> None:
        """Nothing more will come."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionAbortedError())
        self._waiting.clear()
        await self.ws.close()

    async def _send(self, type_: str, data: Mapping[str, Any], message_id: str) -> None:
        await self.ws.send_str(json.dumps({"label": RTVI_LABEL, "type": type_, "id": message_id, "data": dict(data)}))
