"""The candidate's leg: one socket, one wire, its limits, and the order in which things are sent.

Reads until the socket closes (also after the pipeline has ended, or the closing handshake would fail), hands audio and verbs to the call, polices
speed and size, and notices a browser that stopped reading. Knows no aiohttp: `Socket` is what `web.sockets` provides.
Read next: `transport`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from loguru import logger

from bridge.errors import InvalidInput
from bridge.wire.candidate import (
    BYTES_PER_MS,
    CLOSE_POLICY,
    CLOSE_TOO_SLOW,
    AudioIn,
    RtviIn,
    Verb,
    Wire,
    error_response,
    server_message,
)

SPEED = 1.5
"""Times real time at which audio may come in for long."""
BURST_MS = 4_000
"""Audio a client may be ahead by, for example after its network stood still."""
CREDIT_MS = 10_000
"""Audio that may have gathered while we, not the client, were slow to read: while the call was being set up."""
MAX_BAD_MESSAGES = 20
VERBS_PER_MINUTE = 120
SEND_TIMEOUT_SECONDS = 8
TOO_SLOW_MS = 2_000
"""Playback audio a browser may miss by not reading in time, beyond its two seconds of buffer, before its leg is closed; forgiven at a quarter of real time."""
COALESCE_BYTES = 60 * BYTES_PER_MS
"""Microphone audio is handed on in pieces of this length: the pipeline decides, it need not see every message."""
RELAYED_BYTES = 100 * BYTES_PER_MS
"""Where it has gone straight to a vendor already, and what is handed on is only recorded and looked at."""


class Socket(Protocol):
    """A websocket, as much of it as a leg needs."""

    async def receive(self) -> str | bytes | None:
        """The next message, or None once closed."""

    def take_binary(self, take: Callable[[bytes], bool] | None) -> None:
        """From now on offer binary messages to `take` as they are read, before `receive` has them; those it leaves come by `receive`."""

    async def send(self, data: str | bytes) -> None:
        """Send, waiting while the peer's buffers are full. Raises ConnectionError when it is gone."""

    def send_now(self, data: str | bytes) -> bool:
        """Write without waiting; False when the peer is gone or its buffer is full, and nothing is written."""

    async def close(self, code: int, reason: str) -> None:
        """Close with a bounded wait."""

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""


OnAudio = Callable[[bytes], None]
OnRtvi = Callable[[dict[str, Any]], Awaitable[None]]
OnVerb = Callable[[Verb], Awaitable[None]]


def _unheard(_: bytes) -> None:
    """Until somebody reads the leg."""


class Leg:
    """One connection of a candidate. `read` ends when the socket is closed, by either side."""

    __slots__ = (
        "_ahead_at",
        "_ahead_ms",
        "_bad",
        "_closing",
        "_missed_ms",
        "_monotonic",
        "_on_audio",
        "_pending",
        "_pending_bytes",
        "_sending",
        "_socket",
        "_verbs",
        "muted",
        "on_microphone",
        "wire",
    )

    def __init__(self, socket: Socket, wire: Wire, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wire = wire
        self._socket = socket
        self._monotonic = monotonic
        self._sending = asyncio.Lock()
        self._ahead_ms = 0.0
        self._ahead_at = monotonic()
        self._bad = 0
        self._verbs: list[float] = []
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.muted = False
        self.on_microphone: Callable[[bytes], None] | None = None
        """Called at once with every microphone message that came in time and was not muted, before any is gathered."""
        self._missed_ms = 0.0
        self._closing: asyncio.Task[None] | None = None
        self._on_audio: OnAudio = _unheard

    @property
    def closed(self) -> bool:
        """Whether the socket is gone."""
        return self._socket.closed

    async def read(self, on_audio: OnAudio, on_rtvi: OnRtvi, on_verb: OnVerb) -> None:
        """Take messages in until the socket is closed; one bad message is answered and does not end the leg."""
        self._on_audio = on_audio
        self._socket.take_binary(self._take)
        try:
            while (data := await self._socket.receive()) is not None:
                await self._on_message(data, on_rtvi, on_verb)
        finally:
            self._socket.take_binary(None)

    def _take(self, data: bytes) -> bool:
        """A message as it is read: audio that is as it should be is taken at once, all else waits for its turn."""
        pcm = self.wire.audio(data)
        return pcm is not None and self._hear(pcm)

    def _hear(self, pcm: bytes) -> bool:
        """Microphone audio; False when it comes too fast."""
        length = len(pcm)
        now = self._monotonic()
        ahead_ms = self._ahead_ms - (now - self._ahead_at) * 1000 * SPEED
        self._ahead_at = now
        self._ahead_ms = ahead_ms = (ahead_ms if ahead_ms > -CREDIT_MS else -CREDIT_MS) + length / BYTES_PER_MS
        if ahead_ms > BURST_MS:
            return False
        if self.muted:
            return True
        if self.on_microphone is not None:
            self.on_microphone(pcm)
        self._pending.append(pcm)
        self._pending_bytes += length
        if self._pending_bytes >= (COALESCE_BYTES if self.on_microphone is None else RELAYED_BYTES):
            audio = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            self._on_audio(audio)
        return True

    async def _on_message(self, data: str | bytes, on_rtvi: OnRtvi, on_verb: OnVerb) -> None:
        try:
            message = self.wire.decode(data)
        except InvalidInput as error:
            await self._reject("", error)
            return
        match message:
            case AudioIn(pcm):
                if not self._hear(pcm):
                    await self.close(CLOSE_POLICY, "audio faster than real time")
            case RtviIn(rtvi):
                await on_rtvi(rtvi)
            case Verb() if self._verb_allowed():
                await on_verb(message)
            case Verb():
                await self._reject(message.id, InvalidInput("Too many messages; slow down."))
            case None:
                pass

    def _verb_allowed(self) -> bool:
        now = self._monotonic()
        self._verbs = [at for at in self._verbs if now - at < 60]
        self._verbs.append(now)
        return len(self._verbs) <= VERBS_PER_MINUTE

    async def _reject(self, message_id: str, error: InvalidInput) -> None:
        self._bad += 1
        if self._bad > MAX_BAD_MESSAGES:
            await self.close(CLOSE_POLICY, "too many bad messages")
            return
        await self.send_message(error_response(message_id, error.code, error.message))

    async def send_audio(self, pcm: bytes) -> bool:
        """Send playback audio; False when the candidate is gone."""
        return await self._send(self.wire.encode_audio(pcm))

    def send_audio_now(self, pcm: bytes) -> bool:
        """Write playback audio without waiting; False when the candidate is gone or does not read fast enough, and the audio is lost.

        A leg that goes on losing audio is closed.
        """
        taken = self._socket.send_now(self.wire.encode_audio(pcm))
        if taken and not self._missed_ms:
            return True
        duration_ms = len(pcm) * 1000 / (2 * self.wire.out_rate)
        if taken:
            self._missed_ms = max(0.0, self._missed_ms - duration_ms / 4)
            return True
        if not self._socket.closed and self._closing is None:
            self._missed_ms += duration_ms
            if self._missed_ms > TOO_SLOW_MS:
                self._closing = asyncio.create_task(self._close_slow())
        return False

    async def _close_slow(self) -> None:
        logger.info("The candidate's browser reads too slowly; closing its socket")
        await self._socket.close(CLOSE_TOO_SLOW, "too slow to read")

    async def send_message(self, message: dict[str, Any]) -> bool:
        """Send one RTVI message; False when the candidate is gone."""
        return await self._send(self.wire.encode_message(message))

    def send_message_now(self, message: dict[str, Any]) -> bool:
        """Write one RTVI message that the next one replaces, without waiting; False when the candidate is gone or does not read fast enough, and it is lost."""
        return self._socket.send_now(self.wire.encode_message(message))

    async def tell(self, type_: str, **fields: Any) -> bool:
        """Send one of our own server-messages."""
        return await self.send_message(server_message({"type": type_, **fields}))

    def tell_now(self, type_: str, **fields: Any) -> bool:
        """Write one of our own server-messages that the next one replaces, as `send_message_now` does."""
        return self.send_message_now(server_message({"type": type_, **fields}))

    async def _send(self, data: str | bytes) -> bool:
        if self._socket.closed:
            return False
        try:
            async with self._sending, asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._socket.send(data)
        except TimeoutError:
            await self._close_slow()
            return False
        except ConnectionError:
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        """Close the socket; a repeat does nothing."""
        if not self._socket.closed:
            await self._socket.close(code, reason)
