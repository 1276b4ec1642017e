"""One Live session: messages in, a turn at a time out, interruptions, tools, handles to resume by, and faults.

Two tasks beside the receive loop: one turns utterances into words, one speaks a turn; whatever cuts the turn off cancels the latter. Audio goes out a
little faster than it plays, and a turn is complete when it would have been played. Read next: `gemini_session` (what a test sees), `gemini_setup`.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web
from loguru import logger

from .gemini_errors import BAD_KEY, BARE, UNREGISTERED, LiveClose
from .gemini_faults import Fault, Faults, Kind
from .gemini_interviewer import Act, Say, UseTool
from .gemini_models import MODELS
from .gemini_session import LiveOptions, LiveSession, Memory, ToolUse, pieces, usage
from .gemini_setup import INVALID, POLICY, Setup, check_setup, read_message, text_of
from .gemini_voice import IN_RATE, OUT_RATE, Ears, Hearing, rate_of, resampled

PIECE_MS = 100
EXPIRED = "Connection aborted because the client failed to close the connection after receiving a GoAway signal"
TWO_AT_ONCE = "The session is still in use by another connection."
EXPLICIT = "Explicit activity control is not supported when automatic activity detection is enabled."
CHUNKS = "realtime_input.media_chunks is deprecated. Use audio, video, or text instead."


class LiveHouse:
    """What the sessions of one stand-in share."""

    def __init__(self, options: LiveOptions, hearing: Hearing, faults: Faults, changed: Callable[[], None]) -> None:
        self.options = options
        self.hearing = hearing
        self.faults = faults
        self.changed = changed
        self.sessions: list[LiveSession] = []
        self.memories: dict[str, Memory] = {}
        self.open: set[str] = set()
        """Chains with a connection."""

    async def serve(self, request: web.Request, key_problem: str | None) -> web.StreamResponse:
        """Hold one connection. `key_problem` is `missing` or `wrong`."""
        version = request.match_info["version"]
        if self.faults.strike(live=True, kinds={Kind.LIVE_REFUSE}):
            return web.Response(status=403, text="Forbidden")
        socket = web.WebSocketResponse(compress=False, max_msg_size=8 << 20)
        await socket.prepare(request)
        session = LiveSession(len(self.sessions) + 1, version)
        self.sessions.append(session)
        self.changed()
        await _Line(self, socket, request, session).hold(key_problem)
        return socket


class _Line:
    def __init__(self, house: LiveHouse, socket: web.WebSocketResponse, request: web.Request, session: LiveSession) -> None:
        self._house = house
        self._options = house.options
        self._socket = socket
        self._request = request
        self.session = session
        self._memory = Memory(uuid4().hex, brain=house.options.interviewer())
        self._turn: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._utterances: asyncio.Queue[bytes] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._history_open = False
        self._fault: Fault | None = None

    # The connection ------------------------------------------------------------------------------------------------------
    async def hold(self, key_problem: str | None) -> None:
        """Until it is closed by either side."""
        try:
            await self._guard(self._converse(key_problem))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._house.open.discard(self._memory.chain)
            self.session.closed = self.session.closed or (self._socket.close_code or 1006, "")
            self._house.changed()

    async def _converse(self, key_problem: str | None) -> None:
        async for frame in self._socket:
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            if key_problem:
                raise LiveClose(*((POLICY, UNREGISTERED) if key_problem == "missing" else (INVALID, BAD_KEY)))
            try:
                value = json.loads(frame.data)
            except ValueError as error:
                raise LiveClose(INVALID, "Invalid JSON payload received.") from error
            kind, message = read_message(value)
            if "audio" not in message:
                self.session.received.append(kind)
            if (kind == "setup") != (self.session.setup is None):
                raise LiveClose(INVALID, "setup must be the first message and only the first.")
            await getattr(self, f"_on_{_SNAKE[kind]}")(message)
            self._house.changed()

    async def _close(self, end: LiveClose) -> None:
        self.session.closed = (end.code, end.reason)
        await self._socket.close(code=end.code, message=end.message)

    async def _send(self, **message: Any) -> None:
        with suppress(ConnectionError):
            await self._socket.send_bytes(json.dumps(message).encode())

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except LiveClose as end:
            await self._close(end)
        except Exception:  # noqa: BLE001 - a test's own brain or voice may fail in any way; the session ends as Google's would
            logger.exception("A Live session of the stand-in failed")
            await self._close(LiveClose(1011, "Internal error encountered."))

    # Messages ------------------------------------------------------------------------------------------------------------
    async def _on_setup(self, body: dict[str, Any]) -> None:
        setup = check_setup(body, MODELS, self.session.version)
        text = setup.system
        kinds = {kind for kind in Kind if kind is not Kind.LIVE_REFUSE and (setup.handle or kind is not Kind.LIVE_NO_RESUME)}
        self._fault = self._house.faults.strike(live=True, text=text, model=setup.model.name, kinds=kinds)
        if setup.handle:
            self._resume(setup)
        self._memory.model = setup.model.name
        self._house.open.add(self._memory.chain)
        self.session.setup = setup
        self._history_open = setup.waits_for_history and not self.session.resumed
        self._ears = Ears(setup.silence_ms)
        self._spawn(self._listen())
        if self._fault is not None:
            self._spawn(self._doom(self._fault))
            if self._fault.kind is Kind.LIVE_NO_SETUP or (self._fault.kind is Kind.LIVE_CLOSE and not self._fault.seconds):
                return
        await self._send(setupComplete={})
        await self._hand_out()

    def _resume(self, setup: Setup) -> None:
        found = self._house.memories.get(setup.handle or "")
        if found is None or (self._fault is not None and self._fault.kind is Kind.LIVE_NO_RESUME):
            raise LiveClose(POLICY, "BidiGenerateContent session not found")
        if found.chain in self._house.open:
            raise LiveClose(1011, TWO_AT_ONCE)
        if found.model != setup.model.name:
            raise LiveClose(INVALID, BARE)
        self._memory = copy.deepcopy(found)
        self.session.resumed = True

    async def _on_client_content(self, message: dict[str, Any]) -> None:
        turns = message.get("turns", [])
        if any(content.get("role", "user") not in ("user", "model") for content in turns):
            raise LiveClose(INVALID, "Please use a valid role: user, model.")
        self._memory.history += turns
        if not message.get("turnComplete"):
            return
        if self._history_open:
            self._history_open = False
            return
        text = text_of(turns[-1]) if turns else ""
        await self._interrupt()
        if text or not self._memory.begun:
            await self._react(text)

    async def _on_realtime_input(self, message: dict[str, Any]) -> None:
        if self._history_open:
            return
        if "mediaChunks" in message and self._setup.model.modern:
            raise LiveClose(INVALID, CHUNKS)
        if blobs := message.get("mediaChunks", [message["audio"]] if "audio" in message else []):
            await self._audio(blobs)
        if "activityStart" in message or "activityEnd" in message:
            if self._setup.listens:
                raise LiveClose(INVALID, EXPLICIT)
            await self._marked(begins="activityStart" in message)
        if message.get("audioStreamEnd") and self._ears.speaking:
            self._utterances.put_nowait(self._ears.close())
        text = message.get("text")
        if text is not None and (text.strip() or not self._memory.begun):
            if text.strip():
                self._memory.history.append({"role": "user", "parts": [{"text": text}]})
                self.session.heard.append(text)
            await self._interrupt()
            await self._react(text)

    async def _on_tool_response(self, message: dict[str, Any]) -> None:
        known = {use.id: use for use in self.session.tools}
        for response in message.get("functionResponses", []):
            use = known.get(response.get("id", ""))
            if use is None or response.get("name", use.name) != use.name or "response" not in response:
                raise LiveClose(INVALID, BARE)
            waiting = self._waiting.get(use.id)
            if waiting is not None and not waiting.done() and not response.get("willContinue"):
                use.response = response["response"]
                waiting.set_result(response["response"])

    async def _on_context_update(self, message: dict[str, Any]) -> None:
        self.session.setup = self._setup.updated(message)

    @property
    def _setup(self) -> Setup:
        if self.session.setup is None:
            raise LiveClose(INVALID, BARE)
        return self.session.setup

    # Listening -----------------------------------------------------------------------------------------------------------
    async def _audio(self, blobs: Sequence[dict[str, Any]]) -> None:
        for blob in blobs:
            rate = rate_of(blob.get("mimeType", ""))
            if rate is None:
                raise LiveClose(INVALID, f"Unsupported MIME type: {blob.get('mimeType', '')}")
            pcm = resampled(blob.get("data", b""), rate, IN_RATE)
            self.session.audio_seconds += len(pcm) / 2 / IN_RATE
            if not self._setup.listens:
                self._ears.take(pcm)
                continue
            for event, speech in self._ears.feed(pcm):
                if event == "stopped":
                    self._utterances.put_nowait(speech)
                elif self._setup.interruptible:
                    await self._interrupt()

    async def _marked(self, *, begins: bool) -> None:
        if begins:
            self._ears.begin()
            if self._setup.interruptible:
                await self._interrupt()
        elif self._ears.speaking:
            self._utterances.put_nowait(self._ears.close())

    async def _listen(self) -> None:
        """Utterances to words, one after the other, each answered."""
        while True:
            text = await self._house.hearing.understand(await self._utterances.get())
            if "inputAudioTranscription" in self._setup.body:
                for piece in pieces(text):
                    await self._send(serverContent={"inputTranscription": {"text": piece}})
            self._memory.history.append({"role": "user", "parts": [{"text": text}]})
            self.session.heard.append(text)
            self._house.changed()
            if self._turn is not None:
                await asyncio.gather(self._turn, return_exceptions=True)
            await self._react(text)

    # Speaking ------------------------------------------------------------------------------------------------------------
    async def _react(self, text: str) -> None:
        if self._fault is not None and self._fault.kind is Kind.LIVE_SILENT:
            return
        brain, first = self._memory.brain, not self._memory.begun
        self._memory.begun = True
        acts = brain.begin(self._setup, self._memory.history) if first else brain.heard(text)
        if acts:
            self._turn = self._spawn(self._take_turn(acts))

    async def _take_turn(self, acts: Sequence[Act]) -> None:
        if self._setup.resumable:
            await self._send(sessionResumptionUpdate={"resumable": False})
        await asyncio.sleep(self._options.delay)
        began, played = time.monotonic(), 0.0
        left = list(acts)
        while left:
            act = left.pop(0)
            if isinstance(act, Say):
                played += await self._speak(act.text)
            else:
                response = await self._use(act)
                left = list(self._memory.brain.result(act.name, response))
                began, played = time.monotonic(), 0.0
        await self._send(serverContent={"generationComplete": True})
        await asyncio.sleep(max(0.0, began + played / self._options.play_speed - time.monotonic()))
        await self._complete()

    async def _complete(self, **more: bool) -> None:
        self.session.turns += 1
        await self._send(
            serverContent={"turnComplete": True, **more}, usageMetadata=usage(self._setup, self._memory, self.session)
        )
        await self._hand_out()
        self._house.changed()

    async def _speak(self, text: str) -> float:
        """Seconds of audio sent."""
        pcm = await self._options.voice(text)
        self._memory.history.append({"role": "model", "parts": [{"text": text}]})
        self.session.said.append(text)
        self._house.changed()
        size, sent, began = OUT_RATE * 2 * PIECE_MS // 1000, 0, time.monotonic()
        words = list(pieces(text)) if "outputAudioTranscription" in self._setup.body else []
        for at in range(0, len(pcm), size):
            due = -(-len(words) * (at + size) // max(1, len(pcm)))
            for piece in words[sent:due]:
                await self._send(serverContent={"outputTranscription": {"text": piece}})
            sent = max(sent, due)
            blob = {"mimeType": f"audio/pcm;rate={OUT_RATE}", "data": base64.b64encode(pcm[at : at + size]).decode()}
            await self._send(serverContent={"modelTurn": {"role": "model", "parts": [{"inlineData": blob}]}})
            await asyncio.sleep(max(0.0, began + (at + size) / (OUT_RATE * 2 * self._options.send_speed) - time.monotonic()))
        seconds = len(pcm) / 2 / OUT_RATE
        self.session.spoken_seconds += seconds
        return seconds

    async def _use(self, act: UseTool) -> dict[str, Any]:
        use = ToolUse(f"function-call-{uuid4().int % 10**18}", act.name, act.args)
        self.session.tools.append(use)
        waiting = self._waiting[use.id] = asyncio.get_running_loop().create_future()
        await self._send(toolCall={"functionCalls": [{"id": use.id, "name": use.name, "args": use.args}]})
        self._house.changed()
        try:
            response: dict[str, Any] = await waiting
        except asyncio.CancelledError:
            use.cancelled = True
            raise
        return response

    async def _interrupt(self) -> None:
        """Cut the turn off, with what it was waiting for."""
        turn, self._turn = self._turn, None
        if turn is None or turn.done():
            return
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        self.session.interruptions += 1
        cancelled = [call_id for call_id, waiting in self._waiting.items() if waiting.cancelled()]
        self._waiting = {call_id: waiting for call_id, waiting in self._waiting.items() if not waiting.cancelled()}
        if cancelled:
            await self._send(toolCallCancellation={"ids": cancelled})
        await self._send(serverContent={"interrupted": True})
        await self._complete()

    # Resuming and ending -------------------------------------------------------------------------------------------------
    async def _hand_out(self) -> None:
        """A handle for what the session is now."""
        if not self._setup.resumable:
            return
        handle = uuid4().hex
        self._house.memories[handle] = copy.deepcopy(self._memory)
        self.session.handles.append(handle)
        await self._send(sessionResumptionUpdate={"newHandle": handle, "resumable": True})

    async def _doom(self, fault: Fault) -> None:
        """What a fault does to the whole session, in its time."""
        await asyncio.sleep(fault.seconds)
        match fault.kind:
            case Kind.LIVE_CLOSE:
                raise LiveClose(fault.code, "The service is currently unavailable." if fault.code == 1011 else BARE)
            case Kind.LIVE_DROP:
                self.session.closed = (1006, "")
                self._house.open.discard(self._memory.chain)
                if self._request.transport is not None:
                    self._request.transport.abort()
            case Kind.LIVE_MALFORMED:
                with suppress(ConnectionError):
                    await self._socket.send_bytes(b'{"serverContent": {"modelTurn": {"parts": [')
            case Kind.LIVE_GO_AWAY:
                await self._send(goAway={"timeLeft": f"{fault.time_left:g}s"})
                await asyncio.sleep(fault.time_left)
                raise LiveClose(POLICY, EXPIRED)
            case _:
                return


_SNAKE = {
    "setup": "setup",
    "clientContent": "client_content",
    "realtimeInput": "realtime_input",
    "toolResponse": "tool_response",
    "contextUpdate": "context_update",
}
