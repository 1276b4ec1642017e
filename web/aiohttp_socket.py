"""A websocket of aiohttp, a candidate's or a vendor's, as the pipeline sees it: receive, take at once, send, send without waiting, close.

Sending without waiting: aiohttp's writer writes an uncompressed frame at once, in a method behind its coroutine; the coroutine adds the wait for a full buffer to drain,
and half of what a message costs before the transport. That method is not public: `tests/web/test_aiohttp_socket.py` fails where aiohttp does otherwise.
"""

from __future__ import annotations

import asyncio
import socket as sockets

from aiohttp import ClientWebSocketResponse, WebSocketError, WSMsgType, web
from loguru import logger

from .read_callback import BINARY, Take, TakingQueue, install

install()

TEXT = WSMsgType.TEXT
CLOSE_TIMEOUT_SECONDS = 2
LINGER_SECONDS = 10
"""A slow peer may take so long to read what was sent before the socket was closed, the reason included."""
SOCKET_BUFFER = 64 * 1024
"""Bytes the kernel may hold for a peer that does not read: two seconds of audio; its own measure would be minutes."""


class AiohttpSocket:
    """Implements `pipeline.leg.Socket` and `pipeline.engines.vapi_call.UpstreamSocket`. The websocket must have been opened without compression."""

    __slots__ = (
        "_transport",
        "_writer",
        "_ws",
    )

    def __init__(
        self, ws: web.WebSocketResponse | ClientWebSocketResponse, transport: asyncio.WriteTransport | None = None
    ) -> None:
        """`transport`, where it is known, is cut off when a peer does not take the goodbye."""
        self._ws = ws
        if ws._writer is None:
            raise RuntimeError("The websocket was not prepared.")
        self._writer = ws._writer
        self._transport = transport
        tcp = ws.get_extra_info("socket")
        if tcp is not None and tcp.family in (sockets.AF_INET, sockets.AF_INET6):
            tcp.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SOCKET_BUFFER)

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""
        return self._ws.closed

    async def receive(self) -> str | bytes | None:
        """The next message, or None once closed."""
        message = await self._ws.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data: str | bytes = message.data
            return data
        if message.type is WSMsgType.ERROR and not isinstance(message.data, WebSocketError):
            # Not the peer's doing: what a taker raises ends its socket.
            logger.error("A socket's reader failed: {}", type(message.data).__name__)
        return None

    def take_binary(self, take: Take | None) -> None:
        """Hand binary messages to `take` as they are read; the others, and those it leaves, still come by `receive`. None ends it."""
        reader = self._ws._reader
        if isinstance(reader, TakingQueue):
            reader.take = take

    async def send(self, data: str | bytes) -> None:
        """Send, waiting while the peer's buffers are full. Raises ConnectionError when the peer is gone, or is given up meanwhile."""
        try:
            if isinstance(data, str):
                await self._ws.send_str(data)
            else:
                await self._ws.send_bytes(data)
        except asyncio.CancelledError:
            # Everybody who waits for the buffer waits on one future of aiohttp's, which whoever gives up, as `close` does, cancels for all.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise ConnectionResetError("The peer was given up.") from None

    def send_now(self, data: str | bytes) -> bool:
        """Write without waiting; False when the peer is gone or has about two seconds of audio still to read, and nothing is written."""
        writer = self._writer
        # Full is a transport that holds what the kernel no longer takes, and more than its high-water mark of it.
        if self._ws._closed or writer.protocol._paused:
            return False
        try:
            if isinstance(data, str):
                writer._write_websocket_frame(data.encode(), TEXT, 0)
            else:
                writer._write_websocket_frame(data, BINARY, 0)
        except ConnectionError:
            return False
        # The writer counts towards a wait of its next coroutine, which would then be for what was not written by it.
        writer._output_size = 0
        return True

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a bounded wait."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            logger.debug("A socket did not finish its closing handshake in time")
        finally:
            if self._transport is not None and self._transport.get_write_buffer_size():
                # A peer that never reads would hold the connection, and what is buffered for it, for ever.
                asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)
