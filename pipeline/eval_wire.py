"""The wire of pipecat's own evals harness, so that it can interview our interviewer as an outside client (pipecat.md §7).

Only `create_app(…, evals=True)` opens a socket for it; no setting does. It is RTVI JSON in text messages, audio included, and beside what every candidate may
say the harness may raise what the observer reports (so that function calls are seen by name), seed the context and cancel the pipeline.
Its wish for a silent interviewer (`skip_tts`) is not granted: a question counts as asked once it begins to be heard, and the evals test that too.
The face is `bridge.wire.candidate.Wire`. Read next: `call`, which pushes the frames of `take_rtvi`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from pipecat.evals.serializer import (
    EVAL_BOT_AUDIO_TYPE,
    EVAL_CANCEL_MESSAGE_TYPE,
    EVAL_CONFIGURE_MESSAGE_TYPE,
    EVAL_CONNECT_MESSAGE_TYPE,
    EVAL_CONTEXT_MESSAGE_TYPE,
    EvalSerializer,
)
from pipecat.frames.frames import CancelWorkerFrame, LLMMessagesUpdateFrame
from pipecat.processors.frameworks.rtvi.frames import RTVIConfigureObserverFrame

from bridge.errors import InvalidInput
from bridge.wire import strict_json
from bridge.wire.candidate import MAX_TEXT_BYTES, RTVI_LABEL, SAMPLE_RATE, AudioIn, Inbound, RtviIn, check_audio, decode_rtvi

from .transport import CandidateInput

CONTROLS = (EVAL_CONFIGURE_MESSAGE_TYPE, EVAL_CONTEXT_MESSAGE_TYPE, EVAL_CANCEL_MESSAGE_TYPE)
CONTROL_FRAMES = (RTVIConfigureObserverFrame, LLMMessagesUpdateFrame, CancelWorkerFrame)


class EvalWire:
    """RTVI JSON both ways, audio as base64 in it."""

    name = "pipecat.evals"
    out_rate = SAMPLE_RATE

    def decode(self, data: str | bytes) -> Inbound | None:
        """See `Wire`."""
        if len(data) > MAX_TEXT_BYTES:
            raise InvalidInput("The message is too big.")
        message = strict_json.loads_object(data)
        if message.get("label") != RTVI_LABEL:
            return decode_rtvi(data)
        body = message.get("data")
        body = body if isinstance(body, dict) else {}
        match message.get("type"), body.get("t"):
            case "raw-audio", _:
                return AudioIn(_audio(body))
            case "client-message", t if t == EVAL_CONNECT_MESSAGE_TYPE:
                return None
            case "client-message", t if t in CONTROLS:
                return RtviIn(message)
        return decode_rtvi(data)

    def audio(self, data: bytes) -> None:
        """See `Wire`: audio comes in text messages here."""

    def encode_audio(self, pcm: bytes) -> str:
        """See `Wire`."""
        audio = {"audio": base64.b64encode(pcm).decode("ascii"), "sampleRate": self.out_rate}
        return self.encode_message({"label": RTVI_LABEL, "type": EVAL_BOT_AUDIO_TYPE, "data": audio})

    def encode_message(self, message: dict[str, Any]) -> str:
        """See `Wire`."""
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _audio(body: dict[str, Any]) -> bytes:
    if (body.get("sampleRate"), body.get("numChannels")) != (SAMPLE_RATE, 1):
        raise InvalidInput("Microphone audio must be 16 kHz mono.")
    try:
        return check_audio(base64.b64decode(str(body.get("base64Audio")), validate=True))
    except binascii.Error:
        raise InvalidInput("The audio is not base64.") from None


async def take_rtvi(to: CandidateInput, message: dict[str, Any]) -> None:
    """What the wire let through: a control becomes its frame, anything else goes the candidate's way."""
    frame = await EvalSerializer().deserialize(json.dumps(message))
    if isinstance(frame, CONTROL_FRAMES):
        await to.push_frame(frame)
    else:
        await to.take_rtvi(message)
