"""What there is to know of one call, and telling it: to the socket, to the server, to `GET /call/{id}`, and to tests.

Read next: `vapi_call`, what happens to it.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web
from loguru import logger

from .vapi_audio import Tape, Uplink
from .vapi_echo import EchoLines
from .vapi_faults import Faults, Manner
from .vapi_names import FINAL_TRANSCRIPT
from .vapi_order import Order
from .vapi_report import SIDES, Ending, History, artifact, document_events, milliseconds, report, stamp
from .vapi_speech import Hears, Speaks
from .vapi_tools import ToolResult
from .vapi_webhooks import PostOffice, Webhook

ORG_ID = "eb166faa-7145-46ef-8044-589b47ae3b56"


@dataclass
class Stage:
    """What all calls of one stand-in share; `url` and `http` are there once it runs."""

    manner: Manner
    speak: Speaks
    hears: Hears
    echo: EchoLines | None
    faults: Faults
    faults_of: dict[str, Faults] = field(default_factory=dict)
    """Of calls for certain sessions, by the `sessionId` in the assistant's metadata, in place of everybody's."""
    words: deque[str] = field(default_factory=deque)
    """What candidates will be understood to say, turn by turn."""
    crashes: list[BaseException] = field(default_factory=list)
    """Errors of the stand-in itself."""
    url: str = ""
    http: aiohttp.ClientSession = field(init=False)


def session_of(body: Any) -> str:
    """The `sessionId` in the metadata of a create's assistant; empty where there is none."""
    assistant = body.get("assistant") if isinstance(body, dict) else None
    metadata = assistant.get("metadata") if isinstance(assistant, dict) else None
    return str(metadata.get("sessionId") or "") if isinstance(metadata, dict) else ""


class CallRecord:
    """One call as it is observed."""

    def __init__(self, stage: Stage, order: Order) -> None:
        self.id = str(uuid4())
        self.stage = stage
        self.request = order.request
        self.assistant = order.assistant
        self.template_leaks = order.leaks
        """Where in the assistant a template was that is no variable of ours."""
        self.manner = stage.manner
        self.rate = order.created.transport.audio_format.sample_rate
        self.final_pieces = "flux" not in str(getattr(order.assistant.transcriber, "model", ""))
        self.status = "queued"
        self.blocked = False
        self.created_at = datetime.now(UTC)
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.ended_reason: str | None = None
        self.settled = False
        """Artifact and cost are there."""
        self.joins = 0
        self.uplink = Uplink(self.rate)
        self.frames_sent: list[dict[str, Any]] = []
        """Text frames the client got; garbage as `{"garbage": kind}`."""
        self.client_frames: list[dict[str, Any]] = []
        """Frames of the client that were obeyed, by socket or control URL."""
        self.violations: list[str] = []
        """What the client did that Vapi ignores, refuses or suffers from."""
        self.tool_results: list[ToolResult] = []
        self.history = History(self.created_at)
        self.post = PostOffice(self.id, stage.http, stage.manner, lambda: self.faults)
        self.silent = False
        self.order = order
        self._ws: web.WebSocketResponse | None = None
        self._audio_sent = 0
        keeps = order.assistant.artifact_plan.recording_enabled and stage.echo is None
        self.tape = Tape(self.rate) if keeps else None

    # Seen from tests ------------------------------------------------------------------------------------------------
    @property
    def session_id(self) -> str:
        """Whose call it is, as its metadata say."""
        return session_of(self.request)

    @property
    def faults(self) -> Faults:
        """What goes wrong now."""
        return self.stage.faults_of.get(self.session_id, self.stage.faults)

    @property
    def live(self) -> bool:
        """Whether a client is on the socket."""
        return self._ws is not None

    @property
    def webhooks(self) -> list[Webhook]:
        """Every webhook posted, tool calls included."""
        return self.post.sent

    @property
    def audio_sent(self) -> int:
        """Bytes of downlink."""
        return self._audio_sent

    def as_json(self) -> dict[str, Any]:
        """For the control endpoint."""
        names = ("id", "status", "joins", "live", "ended_reason", "violations", "template_leaks", "client_frames")
        return {name: getattr(self, name) for name in names} | {
            "name": self.request.get("name"),
            "uplink": self.uplink.as_json(),
            "frames_sent": len(self.frames_sent),
            "audio_sent": self.audio_sent,
            "tools": [[tool.name, tool.result or tool.error, round(tool.seconds, 3)] for tool in self.tool_results],
            "webhooks": [[webhook.type, webhook.status] for webhook in self.webhooks],
        }

    def violate(self, *sentences: str) -> None:
        """Note something Vapi would not have taken."""
        for sentence in sentences:
            logger.warning("Call {}: {}", self.id, sentence)
        self.violations += sentences

    # Vapi's own account of it ---------------------------------------------------------------------------------------
    def resource(self) -> dict[str, Any]:
        """The call as `POST /call` and `GET /call/{id}` show it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "orgId": ORG_ID,
            "type": "vapi.websocketCall",
            "status": self.status,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(datetime.now(UTC)),
            "cost": 0,
            "transport": {
                **self.request["transport"],
                "websocketCallUrl": f"{self.stage.url.replace('http', 'ws', 1)}/{self.id}/transport",
            },
            "monitor": self._monitor(),
            **{key: self.request[key] for key in ("name", "assistant", "assistantOverrides") if key in self.request},
        }
        if self.started_at:
            shown["startedAt"] = stamp(self.started_at)
        if self.ended_at:
            shown |= {"endedAt": stamp(self.ended_at), "endedReason": self.ended_reason}
        if self.settled and (ending := self.ending()):
            shown |= report(ending, self.artifact())
        return shown

    def _monitor(self) -> dict[str, str]:
        plan = self.assistant.monitor_plan
        urls = {"listenUrl": (plan.listen_enabled, "ws"), "controlUrl": (plan.control_enabled, "http")}
        base = self.stage.url.partition("://")[2]
        return {
            name: f"{scheme}://{base}/{self.id}/{name.removesuffix('Url')}" for name, (enabled, scheme) in urls.items() if enabled
        }

    def artifact(self) -> dict[str, Any]:
        """What is kept of it until now."""
        urls = {name: f"{self.stage.url}/storage/{self.id}/{side}.wav" for name, side in SIDES.items()} if self.tape else {}
        plan = self.assistant.artifact_plan.transcript_plan
        return artifact(self.history, plan, self.order.values, urls if self.started_at else {})

    def ending(self) -> Ending | None:
        """How it ended, once it was joined and is over."""
        if self.started_at is None or self.ended_at is None:
            return None
        return Ending(self.ended_reason or "unknown", self.started_at, self.ended_at)

    def raw_tools(self) -> list[dict[str, Any]]:
        """The tools as they were sent."""
        tools = (self.order.raw_assistant.get("model") or {}).get("tools") or []
        return [tool for tool in tools if isinstance(tool, dict)]

    # Telling --------------------------------------------------------------------------------------------------------
    async def tell(self, type_: str, **fields: Any) -> None:
        """A message to the socket and to the server, each if it has asked for it."""
        await self.frame(type_, **fields)
        self.notify(type_, **fields)

    async def tell_conversation(self) -> None:
        """`conversation-update`: the socket gets `conversation`, the server the OpenAI form as well."""
        conversation = self.history.conversation()
        await self.frame("conversation-update", conversation=conversation)
        self.notify("conversation-update", conversation=conversation, messagesOpenAIFormatted=conversation)

    async def frame(self, type_: str, **fields: Any) -> None:
        """A flat text frame, if the type is among the assistant's clientMessages."""
        if type_ in self.assistant.client_messages:
            body = {"type": type_, **fields}
            if await self.send_text(json.dumps(body, ensure_ascii=False)):
                self.frames_sent.append(body)

    def notify(self, type_: str, **fields: Any) -> None:
        """A webhook, if the type is among the assistant's serverMessages."""
        asked = self.assistant.server_messages
        if type_ == "transcript" and type_ not in asked:
            if FINAL_TRANSCRIPT not in asked or fields["transcriptType"] != "final":
                return
            type_ = FINAL_TRANSCRIPT if self.manner.final_transcript_type == "long" else type_
        elif type_ not in asked:
            return
        if self.manner.flat_events:
            bodies = document_events(self.id, self.session_id or None, type_, fields)
        else:
            bodies = [self.message(type_, **fields)]
        for body in bodies:
            self.post.put(self.assistant.server, body)

    def message(self, type_: str, **fields: Any) -> dict[str, Any]:
        """A server message with what every one of them carries."""
        common = {
            "timestamp": milliseconds(datetime.now(UTC)),
            "call": self.resource(),
            "assistant": self.order.raw_assistant,
            "artifact": self.artifact(),
        }
        return {"message": {"type": type_, **common, **fields}}

    async def send_text(self, text: str) -> bool:
        """Any text frame; False when nobody is there."""
        if self._ws is None or self.silent:
            return False
        try:
            await self._ws.send_str(text)
        except ConnectionError:
            return False
        return True

    async def send_audio(self, pcm: bytes) -> bool:
        """One downlink message; False when nobody is there."""
        ws = self._ws
        if ws is None or self.silent:
            return False
        try:
            await ws.send_bytes(pcm)
        except ConnectionError:
            return False
        self._audio_sent += len(pcm)
        if self.tape:
            self.tape.assistant(pcm)
        return True
