"""What happens to one call: joined over its socket, commanded, struck by faults, lost, ended.

`queued`, then `in-progress` from the first join, then `ended`; `ended_reason` is set as soon as the end is decided, the rest follows at Vapi's own pace. A lost
socket leaves the call alive for a moment, so that it can be joined again. Read next: `vapi_record`, `vapi_assistant` (what is said).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from loguru import logger

from .vapi_assistant import ScriptedAssistant
from .vapi_checks import Refused
from .vapi_faults import Garbage
from .vapi_frames import EndCall, check_frame
from .vapi_order import Order
from .vapi_record import CallRecord, Stage
from .vapi_report import report
from .vapi_speech import make_ears
from .vapi_watch import watch

HUGE_BYTES = 2_000_000
GARBAGE: dict[Garbage, Callable[[], str]] = {
    "bad_json": lambda: '{"type": "transcript", "role":',
    "not_an_object": lambda: '["status-update", 7, null]',
    "unknown_type": lambda: json.dumps({"type": "mood-update", "mood": {"calm": 0.9}}),
    "huge": lambda: json.dumps(
        {"type": "conversation-update", "conversation": [{"role": "system", "content": "x" * HUGE_BYTES}]}
    ),
}
NEVER_JOINED, HUNG_UP, BROKEN = "customer-did-not-answer", "customer-ended-call", "worker-shutdown"
CLEAN_CLOSES = (1000, 1001)
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of zero: closing sends RST."""


class Call(CallRecord):
    """One call."""

    def __init__(self, stage: Stage, order: Order) -> None:
        super().__init__(stage, order)
        self._transport: asyncio.Transport | None = None
        self._struck = False
        """The socket was lost by a fault of ours."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._strikes: list[asyncio.Task[Any]] = []
        self._conversation: list[asyncio.Task[Any]] = []
        self._assistant: ScriptedAssistant | None = None
        self.spawn(self.post.run())
        self.spawn(self._await_join(self.manner.join_seconds, NEVER_JOINED))

    # Tasks ----------------------------------------------------------------------------------------------------------
    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside the call; an error of ours ends the stand-in's test."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).error("The stand-in failed in call {}", self.id)
            self.stage.crashes.append(error)

    async def close(self) -> None:
        """Stop everything at once, without a word."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._assistant is not None:
            await self._assistant.close()
        if self._ws is not None:
            await self._ws.close()

    # The socket -----------------------------------------------------------------------------------------------------
    def refusal(self) -> str | None:
        """Why a client may not join now."""
        reasons = {
            "the call is refused": self.faults.refuse,
            "there is no slot for it": self.blocked,
            "the call is over": self.ended_reason is not None,
            "somebody is on the line": self.live,
            "the call cannot be joined again": self.joins > 0 and not self.faults.rejoin,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    async def join(self, request: web.Request) -> web.WebSocketResponse:
        """Hold the client's socket until either side is done with it."""
        ws = web.WebSocketResponse(max_msg_size=0, compress=False, timeout=2)
        await ws.prepare(request)
        self._ws, self._transport, self._struck = ws, request.transport, False
        self.joins += 1
        logger.info("Call {} was joined", self.id)
        if self.started_at is None:
            self.started_at = self.history.began = datetime.now(UTC)
        self.status = "in-progress"
        self._arm()
        try:
            if self.stage.echo is not None:
                await self._welcome()
                await self.stage.echo.serve(ws, self.uplink)
            else:
                self.spawn(self._open())
                await self._read(ws)
        finally:
            self._ws = None
        self._left(ws.close_code)
        return ws

    async def _open(self) -> None:
        await asyncio.sleep(self.manner.first_frame_seconds)
        await self._welcome()
        await self._send_garbage()
        if self._assistant is None and self.live and self.ended_reason is None:
            ears = make_ears(self.stage.hears, self.rate)
            self._assistant = ScriptedAssistant(self, self.stage.speak, ears, self.stage.words)
            self._set_mouth()
            works = (self._assistant.run(), self._assistant.mouth.run(), watch(self, self._assistant))
            self._conversation = [self.spawn(work) for work in works]

    async def _welcome(self) -> None:
        if not self.faults.no_first_frame:
            await self.tell("status-update", status="in-progress")
            await self.tell("assistant.started", newAssistant={"name": self.assistant.name or ""})

    async def _send_garbage(self) -> None:
        for kind in self.faults.garbage:
            if await self.send_text(GARBAGE[kind]()):
                self.frames_sent.append({"garbage": kind})

    async def _read(self, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                await self._hear(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                try:
                    await self.command(json.loads(message.data))
                except ValueError:
                    self.violate("a text frame that is not JSON")
                except Refused as refused:
                    self.violate(f"a text frame Vapi does not know: {refused}")

    async def _hear(self, pcm: bytes) -> None:
        self.uplink.note(len(pcm), time.monotonic())
        whole = pcm[: len(pcm) // 2 * 2]
        if self.tape:
            self.tape.candidate(whole)
        if self._assistant is not None and self.ended_reason is None:
            await self._assistant.hear(whole)

    async def command(self, body: Any) -> None:
        """Obey a client frame. Raises Refused for one that Vapi does not know."""
        frame = check_frame(body)
        self.client_frames.append(body)
        if isinstance(frame, EndCall):
            self.end(HUNG_UP)
        elif self._assistant is not None:
            await self._assistant.obey(frame)

    def _left(self, code: int | None) -> None:
        if self.ended_reason is not None:
            return
        if not self._struck and code in CLEAN_CLOSES:
            self.end(HUNG_UP)
            return
        reason = BROKEN if self._struck else HUNG_UP
        self.spawn(self._await_join(self.manner.rejoin_seconds if self.faults.rejoin else 0.0, reason))

    async def _await_join(self, seconds: float, reason: str) -> None:
        joins = self.joins
        await asyncio.sleep(seconds)
        if self.joins == joins:
            self.end(reason)

    # Faults ---------------------------------------------------------------------------------------------------------
    async def struck_by_new_faults(self) -> None:
        """The stand-in's faults have changed, and their seconds count from now."""
        self._set_mouth()
        self._arm()
        await self._send_garbage()

    def _set_mouth(self) -> None:
        if self._assistant is not None:
            self._assistant.mouth.bursty = self.faults.bursty_audio
            self._assistant.mouth.odd = self.faults.odd_audio

    def _arm(self) -> None:
        for strike in self._strikes:
            strike.cancel()
        faults = self.faults
        self.silent = faults.no_first_frame
        plans = ((faults.reset_after, self._reset), (faults.silent_after, self._fall_silent), (faults.close_after, self._hang_up))
        self._strikes = [self.spawn(self._strike(after, blow)) for after, blow in plans if after is not None and self.live]

    async def _strike(self, after: float, blow: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(after)
        await blow()

    async def _reset(self) -> None:
        self._struck = True
        if self._transport is not None:
            reset(self._transport)

    async def _fall_silent(self) -> None:
        self.silent = True

    async def _hang_up(self) -> None:
        self._struck = True
        if self._ws is not None:
            await self._ws.close(code=self.faults.close_code)

    # The end --------------------------------------------------------------------------------------------------------
    def end(self, reason: str) -> None:
        """Decide that the call is over; a repeat changes nothing."""
        if self.ended_reason is None:
            self.ended_reason = reason
            logger.info("Call {} is over: {}", self.id, reason)
            self.spawn(self._wind_up())

    async def _wind_up(self) -> None:
        for task in self._conversation:
            task.cancel()
        await asyncio.sleep(self.manner.ended_seconds if self.joins else 0.0)
        self.status, self.ended_at = "ended", datetime.now(UTC)
        await self.tell("status-update", status="ended", endedReason=self.ended_reason)
        if self._ws is not None:
            self.spawn(self._say_goodbye(self._ws))
        if self._assistant is not None:
            await self._assistant.close()
        await asyncio.sleep(self.manner.report_seconds)
        ending = self.ending()
        if ending is not None and not self.faults.drop_report:  # a call nobody joined has no report
            self.notify("end-of-call-report", **report(ending, self.artifact()))
        self.post.release()
        await asyncio.sleep(max(0.0, self.manner.artifact_seconds - self.manner.report_seconds))
        self.settled = True

    async def _say_goodbye(self, ws: web.WebSocketResponse) -> None:
        await ws.close(code=1000)


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    transport.abort()
