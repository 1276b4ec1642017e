"""A websocket and a little HTTP on asyncio's protocols, cheap enough that the load does not run short of CPU before the relay does.

Only what the benchmark needs: whole messages, zero masks, pings answered. Both ends of a stream send their frames by the wall clock.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any, cast

from .marks import FRAME_BYTES, FRAME_SECONDS, Receiver, Sender, Tally

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_HEADER_SERVER = struct.pack("!BBH", 0x80 | BINARY, 126, FRAME_BYTES)
_HEADER_CLIENT = struct.pack("!BBH", 0x80 | BINARY, 0x80 | 126, FRAME_BYTES) + bytes(4)


class Run:
    """What all streams of one process share."""

    def __init__(self, audio: bytes) -> None:
        self.audio = audio
        self.tally = Tally()
        self.counting = False
        self.streams: list[Stream] = []

    def report(self) -> dict[str, Any]:
        """What went through since the start."""
        sent = sum(stream.sender.counted for stream in self.streams)
        troubles = sorted({trouble for stream in self.streams for trouble in stream.troubles})
        return self.tally.summary() | {"sent": sent, "streams": len(self.streams), "troubles": troubles}


class Stream(asyncio.Protocol):
    """One websocket with a paced stream of frames; base of both ends."""

    is_client: bool

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sender = Sender(run.audio, len(run.streams) * 37)
        self.troubles: list[str] = []
        self._receiver = Receiver(run.tally)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.open = False

    # The connection -------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop sending."""
        if self.open:
            self.troubles.append("closed")
        self.stop()

    def data_received(self, data: bytes) -> None:
        """Handshake first, then messages."""
        self._buffer += data
        if not self.open and not self.shake():
            return
        while self._take_message():
            pass

    def shake(self) -> bool:
        """Handle the handshake in the buffer; True once messages follow."""
        raise NotImplementedError

    def on_text(self, text: bytes) -> None:
        """A text message."""

    def begin(self) -> None:
        """The handshake is done: send from now on."""
        self.open = True
        self.run.streams.append(self)
        self._due = self._loop.time() + FRAME_SECONDS
        self._timer = self._loop.call_at(self._due, self._send_next)

    def stop(self) -> None:
        """Send no more, and leave."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def take_head(self) -> tuple[str, dict[str, str]] | None:
        """The HTTP head in the buffer: its first line and headers, once it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return lines[0], headers

    # Messages -------------------------------------------------------------------------------------------------------
    def _take_message(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        opcode, length, at = buffer[0] & 15, buffer[1] & 127, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4]), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10]), 10
        mask = bytes(buffer[at : at + 4]) if buffer[1] & 128 else b""
        end = at + len(mask) + length
        if len(buffer) < end:
            return False
        payload = bytes(buffer[at + len(mask) : end])
        del buffer[:end]
        if any(mask):
            key = int.from_bytes((mask * (length // 4 + 1))[:length])
            payload = (int.from_bytes(payload) ^ key).to_bytes(length)
        self._on_message(opcode, payload)
        return True

    def _on_message(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self._receiver.feed(payload)
        elif opcode == TEXT:
            self.on_text(payload)
        elif opcode == PING:
            self.send(payload, PONG)
        elif opcode == CLOSE:
            self.troubles.append(f"closed with {int.from_bytes(payload[:2])}")
            self.stop()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one message."""
        mask_bit = 0x80 if self.is_client else 0
        size = len(payload)
        head = (
            struct.pack("!BB", 0x80 | opcode, mask_bit | size)
            if size < 126
            else struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, size)
        )
        self._write(head + (bytes(4) if self.is_client else b"") + payload)

    def send_json(self, message: dict[str, Any]) -> None:
        """Send one text message."""
        self.send(json.dumps(message).encode())

    def _send_next(self) -> None:
        self.run.tally.late.append((self._loop.time() - self._due) * 1000)
        frame = self.sender.next(counting=self.run.counting)
        self._write((_HEADER_CLIENT if self.is_client else _HEADER_SERVER) + frame)
        self._due += FRAME_SECONDS
        self._timer = self._loop.call_at(self._due, self._send_next)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class Client(Stream):
    """A candidate."""

    is_client = True

    def __init__(self, run: Run, path: str, protocol: str | None, hello: dict[str, Any] | None) -> None:
        super().__init__(run)
        self._path = path
        self._subprotocol = protocol
        self._hello = hello
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        super().connection_made(transport)
        host, port = transport.get_extra_info("peername")[:2]
        wanted = f"Sec-WebSocket-Protocol: {self._subprotocol}\r\n" if self._subprotocol else ""
        self._write(
            f"GET {self._path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{wanted}\r\n".encode()
        )

    def shake(self) -> bool:
        """The answer to it."""
        head = self.take_head()
        if head is None:
            return False
        if " 101 " not in head[0]:
            self.opened.set_exception(ConnectionError(f"the relay answered {head[0]}"))
            return False
        self.begin()
        if self._hello is not None:
            self.send_json(self._hello)
        self.opened.set_result(None)
        return True

    def on_text(self, text: bytes) -> None:
        """Our server's messages; a change of engine would measure something else."""
        if b'"engine_changed"' in text or b'"upstream_lost"' in text:
            self.troubles.append("the engine was lost")


Answer = Callable[[str, str, bytes], tuple[int, dict[str, Any]]]
"""Method, path and body of a plain request to its status and JSON."""


class Server(Stream):
    """What a relay dials; plain requests are answered by `answer`."""

    is_client = False

    def __init__(self, run: Run, answer: Answer, opened: Callable[[str, Server], None]) -> None:
        super().__init__(run)
        self._answer = answer
        self._opened = opened
        self._pending: tuple[str, dict[str, str]] | None = None

    def shake(self) -> bool:
        """An upgrade, or any number of plain requests before it."""
        while (head := self._pending or self.take_head()) is not None:
            line, headers = head
            if headers.get("upgrade", "").lower() == "websocket":
                accept = base64.b64encode(
                    hashlib.sha1(headers["sec-websocket-key"].encode() + GUID, usedforsecurity=False).digest()
                )
                self._write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                    + accept + b"\r\n\r\n"
                )  # fmt: skip
                self.begin()
                self._opened(line.split(" ")[1], self)
                return True
            length = int(headers.get("content-length", "0"))
            self._pending = head
            if len(self._buffer) < length:
                return False
            body, self._pending = bytes(self._buffer[:length]), None
            del self._buffer[:length]
            method, path, _ = line.split(" ")
            status, value = self._answer(method, path, body)
            content = json.dumps(value).encode()
            self._write(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
        return False
