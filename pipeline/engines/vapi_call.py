"""One Vapi call from create to goodbye, and all of them in this process. A call outlives the candidate's leg: it is kept on silence for the reclaim window.

Order of a create: POST /call, a row for it (so that a webhook or a restart finds it), dial at once. The socket's URL stays in this object: it is never stored,
logged or shown. A lost socket is dialled once more, where the call still lives. Read next: `vapi` (what is said), `pipeline.relay` (the audio).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from loguru import logger

from bridge.domain.upstream import CallEnded, Message
from bridge.errors import UpstreamFailed
from bridge.usecases.calling import RECLAIM_SECONDS
from bridge.wire import vapi_messages
from bridge.wire.vapi_create import Created

from ..relay import Relay
from ..ticker import Ticker
from ..voice.batch_vad import BatchVad

FIRST_MESSAGE_SECONDS = 5.0
"""A socket that says nothing for so long after it was opened is silent (F2)."""
REJOIN_SECONDS = 4.0
GOODBYE_SECONDS = 2.0


class UpstreamSocket(Protocol):
    """A websocket to a vendor."""

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""

    async def receive(self) -> str | bytes | None:
        """The next message, None once closed."""

    def take_binary(self, take: Callable[[bytes], bool] | None) -> None:
        """From now on offer binary messages to `take` as they are read, before `receive` has them."""

    def send_now(self, data: bytes) -> bool:
        """Write without waiting; False when it is gone or its buffer is full."""

    async def send(self, data: str) -> None:
        """Send a text message. Raises ConnectionError."""

    async def close(self) -> None:
        """Close with a bounded wait."""


class VapiApi(Protocol):
    """Vapi's REST, as much of it as a live call needs; each raises UpstreamFailed."""

    async def create(self, body: dict[str, Any]) -> Created:
        """`POST /call`."""

    async def get(self, call_id: str) -> dict[str, Any]:
        """`GET /call/{id}`."""

    async def dial(self, url: str) -> UpstreamSocket:
        """Open the call's socket."""

    async def control(self, control_url: str, frame: dict[str, Any]) -> None:
        """`POST` to the live call."""


@dataclass(frozen=True)
class Lost:
    """The socket is gone and could not be opened again, or Vapi fell silent."""

    reason: str


@dataclass(frozen=True)
class Away:
    """The socket is gone; it is being dialled again."""


@dataclass(frozen=True)
class Back:
    """It was dialled again with success."""


News = Message | Lost | Away | Back


class VapiCall:
    """A live call at Vapi. `listener` gets its news in order; without one only its end matters."""

    def __init__(self, api: VapiApi, created: Created, relay: Relay) -> None:
        self._api = api
        self._created = created
        self.id = created.call_id
        self.relay = relay
        self.listener: Callable[[News], None] | None = None
        self.over = False
        self.said_at = 0.0
        """Monotonic time of the last text message."""
        self._socket: UpstreamSocket | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closing = False

    async def join(self) -> None:
        """Dial and read from now on. Raises UpstreamFailed."""
        self._socket = await self._api.dial(self._created.websocket_url)
        self.relay.connect(self._socket.send_now)
        self.said_at = time.monotonic()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while not self._closing and self._socket is not None:
            reason = await self._read_socket(self._socket)
            self.relay.disconnect()
            if self._closing or self.over:
                break
            self._tell(Away())
            if not await self._rejoin():
                self._tell(Lost(reason))
                break
            self._tell(Back())
        self.over = True

    async def _read_socket(self, socket: UpstreamSocket) -> str:
        # Only the first message has a deadline: afterwards silence is judged against what the candidate said.
        try:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
                data = await socket.receive()
        except TimeoutError:
            await socket.close()
            return "silent"
        socket.take_binary(self.relay.down)
        while data is not None:
            if isinstance(data, bytes):
                self.relay.down(data)
            else:
                self._take_text(data)
            data = await socket.receive()
        return "closed"

    def _take_text(self, text: str) -> None:
        self.said_at = time.monotonic()
        for message in vapi_messages.parse_socket(text):
            self.over = self.over or isinstance(message, CallEnded)
            self._tell(message)

    async def _rejoin(self) -> bool:
        """The same URL once, if the call still lives there (vapi-protocol §2.5)."""
        try:
            async with asyncio.timeout(REJOIN_SECONDS):
                call = await self._api.get(self.id)
                if call.get("status") == "ended":
                    self.over = True
                    self._tell(CallEnded(str(call.get("endedReason") or "unknown")))
                    return False
                self._socket = await self._api.dial(self._created.websocket_url)
        except (UpstreamFailed, TimeoutError) as error:
            logger.info("A call's socket could not be opened again: {}", getattr(error, "reason", "timeout"))
            return False
        self.relay.connect(self._socket.send_now)
        return True

    def _tell(self, news: News) -> None:
        if self.listener is not None:
            self.listener(news)

    async def control(self, frame: dict[str, Any]) -> None:
        """Say something to the call: by its control URL, else by the socket (vapi-protocol §3). Never raises: it may be over already."""
        try:
            if self._created.control_url:
                await self._api.control(self._created.control_url, frame)
                return
        except UpstreamFailed as error:
            logger.info("A control message went by the socket: {}", error.reason)
        await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._socket is not None and not self._socket.closed:
            try:
                await self._socket.send(vapi_messages.encode(frame))
            except ConnectionError:
                logger.debug("A control message found the socket closed")

    async def close(self) -> None:
        """Hang up: say so on the socket, wait a moment for the end, close; a repeat does nothing."""
        if self._closing:
            return
        self._closing = True
        self.listener = None
        if not self.over:
            await self._send(vapi_messages.end_call())
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=GOODBYE_SECONDS)
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self.relay.close()


class VapiCalls:
    """Every Vapi call of this process, by session."""

    def __init__(self, api: VapiApi, opened: Callable[[str, Created, int], Awaitable[None]], vad: BatchVad | None = None) -> None:
        """`opened` keeps a call's row: session id, what the create gave, where on the call clock it began."""
        self._api = api
        self._opened = opened
        self.vad = vad or BatchVad()
        self.ticker = Ticker()
        self._calls: dict[str, VapiCall] = {}
        self._expiries: dict[str, asyncio.Task[None]] = {}

    def live(self, session_id: str) -> VapiCall | None:
        """The session's call, where it still goes on; the reclaim window stops running."""
        expiry = self._expiries.pop(session_id, None)
        if expiry is not None:
            expiry.cancel()
        call = self._calls.get(session_id)
        return None if call is None or call.over else call

    async def open(self, session_id: str, body: dict[str, Any], base_ms: int) -> VapiCall:
        """Create a call and join it. Raises UpstreamFailed, in words for the candidate."""
        await self.end(session_id)
        created = await self._api.create(body)
        await self._opened(session_id, created, base_ms)
        call = VapiCall(self._api, created, Relay(self.ticker))
        self._calls[session_id] = call
        try:
            await call.join()
        except BaseException:  # whatever it was: a call nobody joined must not go on costing
            await self.end(session_id)
            raise
        return call

    async def leg_ended(self, session_id: str, *, over: bool) -> None:
        """Keep the call on silence for the candidate's return, or hang up when the interview is over."""
        if over:
            await self.end(session_id)
        elif session_id in self._calls and session_id not in self._expiries:
            self._expiries[session_id] = asyncio.create_task(self._expire(session_id))

    async def _expire(self, session_id: str) -> None:
        await asyncio.sleep(RECLAIM_SECONDS)
        self._expiries.pop(session_id, None)
        await self.end(session_id)

    async def end(self, session_id: str) -> None:
        """Hang up; nothing happens where there is no call."""
        expiry = self._expiries.pop(session_id, None)
        if expiry is not None:
            expiry.cancel()
        call = self._calls.pop(session_id, None)
        if call is not None:
            await call.close()

    async def close(self) -> None:
        """Hang up everywhere: what another process resumes needs a new call."""
        await asyncio.gather(*(self.end(session_id) for session_id in list(self._calls)))
