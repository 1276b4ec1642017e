"""The candidate's socket, without the socket: what may come in, what goes out (contract §5).

`PcmWire` is our own page's wire: binary = PCM16 LE mono 16 kHz, text = one RTVI JSON message. Pipecat's protobuf wire has the same face in
`pipeline.protobuf_wire`. Inbound messages are an allow-list, so a client cannot inject transcripts, tool results or interruptions.
Read next: `pipeline.leg`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InvalidInput
from . import strict_json

PCM_PROTOCOL = "prepkit.pcm.v1"
RTVI_LABEL = "rtvi-ai"
SAMPLE_RATE = 16_000
"""Hz, microphone on both wires."""
BYTES_PER_MS = SAMPLE_RATE * 2 // 1000
MAX_AUDIO_MS = 200
"""Longest audio message taken."""
MAX_AUDIO_BYTES = MAX_AUDIO_MS * BYTES_PER_MS
MAX_TEXT_BYTES = 64 * 1024
MAX_TYPED_CHARS = 8_000

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""`json.dumps` makes an encoder each time."""

CLOSE_FINISHED = 1000
CLOSE_POLICY = 1008
CLOSE_TOO_BIG = 1009
CLOSE_RESTARTING = 1012
CLOSE_BAD_TOKEN = 4401
CLOSE_TOO_SLOW = 4408
CLOSE_REPLACED = 4409
CLOSE_UPSTREAM_LOST = 4503


@dataclass(frozen=True)
class AudioIn:
    """Microphone audio: PCM16 LE mono 16 kHz."""

    pcm: bytes


@dataclass(frozen=True)
class RtviIn:
    """An RTVI message for pipecat's own processor (client-ready and nothing else)."""

    message: dict[str, Any]


@dataclass(frozen=True)
class Verb:
    """One of our verbs: done, hint, next, end, mute {on}, text {text}, browser-transcript {text, final}."""

    id: str
    t: str
    d: dict[str, Any]


Inbound = AudioIn | RtviIn | Verb


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Mute(BaseModel):
    on: bool


class _Text(BaseModel):
    text: str = Field(min_length=1, max_length=MAX_TYPED_CHARS)


class _BrowserTranscript(_Text):
    final: bool = True


VERBS: dict[str, type[BaseModel]] = {
    "done": _Nothing,
    "hint": _Nothing,
    "next": _Nothing,
    "end": _Nothing,
    "mute": _Mute,
    "text": _Text,
    "browser-transcript": _BrowserTranscript,
}


class Wire(Protocol):
    """A wire's codec; holds no socket."""

    name: str
    out_rate: int
    """Hz of playback audio."""

    def decode(self, data: str | bytes) -> Inbound | None:
        """What a message says; None when it is of a kind we ignore. Raises InvalidInput."""

    def audio(self, data: bytes) -> bytes | None:
        """The microphone audio that a binary message is, as `decode` tells it; None when it is anything else, or not as it should be. Asked fifty times a second and call."""

    def encode_audio(self, pcm: bytes) -> str | bytes:
        """Playback audio at `out_rate`."""

    def encode_message(self, message: dict[str, Any]) -> str | bytes:
        """An RTVI message."""


class PcmWire:
    """`prepkit.pcm.v1`: binary PCM16 16 kHz both ways, text RTVI JSON."""

    name = PCM_PROTOCOL
    out_rate = SAMPLE_RATE

    def decode(self, data: str | bytes) -> Inbound | None:
        """See `Wire`."""
        if isinstance(data, bytes):
            return AudioIn(check_audio(data))
        return decode_rtvi(data)

    def audio(self, data: bytes) -> bytes | None:
        """See `Wire`."""
        length = len(data)
        return None if length & 1 or length > MAX_AUDIO_BYTES else data

    def encode_audio(self, pcm: bytes) -> bytes:
        """See `Wire`."""
        return pcm

    def encode_message(self, message: dict[str, Any]) -> str:
        """See `Wire`."""
        return _encode(message)


def check_audio(pcm: bytes) -> bytes:
    """The same bytes. Raises InvalidInput for an odd length or more than 200 ms."""
    if len(pcm) % 2:
        raise InvalidInput("Audio must be whole 16-bit samples; this message has an odd number of bytes.")
    if len(pcm) > MAX_AUDIO_BYTES:
        raise InvalidInput(f"An audio message may hold at most {MAX_AUDIO_MS} ms.")
    return pcm


def decode_rtvi(text: str | bytes) -> Inbound | None:
    """An RTVI message of the allow-list, or None for a kind we ignore. Raises InvalidInput with a sentence."""
    if len(text) > MAX_TEXT_BYTES:
        raise InvalidInput("The message is too big.")
    message = strict_json.loads_object(text)
    if message.get("label") != RTVI_LABEL or not isinstance(message.get("type"), str):
        raise InvalidInput('A message must have "label": "rtvi-ai" and a "type".')
    data = message.get("data")
    message_id = str(message.get("id") or uuid4())[:100]
    match message["type"]:
        case "client-ready":
            return RtviIn(message)
        case "client-message" if isinstance(data, dict):
            return _verb(message_id, data.get("t"), data.get("d"))
        case "client-message":
            raise InvalidInput('A client-message needs "data": {"t": …, "d": …}.')
        case "send-text" if isinstance(data, dict):
            return _verb(message_id, "text", {"text": data.get("content")})
        case "disconnect-bot":
            return Verb(message_id, "end", {})
        case _:
            return None


def _verb(message_id: str, t: Any, d: Any) -> Verb:
    model = VERBS.get(t) if isinstance(t, str) else None
    if model is None:
        raise InvalidInput(f"Unknown client-message; known are {', '.join(VERBS)}.")
    try:
        return Verb(message_id, t, model.model_validate(d or {}).model_dump())
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{t}: {'.'.join(map(str, first['loc'])) or 'd'}: {first['msg']}") from None


def server_message(data: dict[str, Any]) -> dict[str, Any]:
    """One of our additions, server to client."""
    return {"label": RTVI_LABEL, "type": "server-message", "data": data}


def server_response(verb: Verb, d: dict[str, Any]) -> dict[str, Any]:
    """The answer to a verb, with the message's own id."""
    return {"label": RTVI_LABEL, "type": "server-response", "id": verb.id, "data": {"t": verb.t, "d": d}}


def error_response(message_id: str, code: str, sentence: str) -> dict[str, Any]:
    """Tells a client that a message of its was not taken, and why."""
    return {"label": RTVI_LABEL, "type": "error-response", "id": message_id, "data": {"error": sentence, "code": code}}
