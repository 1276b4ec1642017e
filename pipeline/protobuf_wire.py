"""The official Pipecat client SDKs' wire, unchanged: protobuf frames with RTVI inside, microphone 16 kHz, playback 24 kHz.

Only audio and allowed RTVI messages are taken; a transcription or text frame from a client is ignored, so no answer can be forged.
The interruption frame is not sent: the JS client does not know it (pipecat.md §1). The face is `bridge.wire.candidate.Wire`.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import DecodeError
from pipecat.frames.protobufs import frames_pb2

from bridge.errors import InvalidInput
from bridge.wire.candidate import SAMPLE_RATE, AudioIn, Inbound, check_audio, decode_rtvi


class ProtobufWire:
    """Pipecat's protobuf frames over binary messages."""

    name = "pipecat.protobuf"
    out_rate = 24_000

    def decode(self, data: str | bytes) -> Inbound | None:
        """See `Wire`."""
        if isinstance(data, str):
            raise InvalidInput("This wire takes protobuf frames in binary messages.")
        frame = frames_pb2.Frame()  # type: ignore[attr-defined]
        try:
            frame.ParseFromString(data)
        except DecodeError:
            raise InvalidInput("The message is not a Pipecat protobuf frame.") from None
        match frame.WhichOneof("frame"):
            case "audio":
                if (frame.audio.sample_rate, frame.audio.num_channels) != (SAMPLE_RATE, 1):
                    raise InvalidInput("Microphone audio must be 16 kHz mono.")
                return AudioIn(check_audio(frame.audio.audio))
            case "message":
                return decode_rtvi(frame.message.data)
            case _:
                return None

    def audio(self, data: bytes) -> bytes | None:
        """See `Wire`."""
        try:
            message = self.decode(data)
        except InvalidInput:
            return None
        return message.pcm if isinstance(message, AudioIn) else None

    def encode_audio(self, pcm: bytes) -> bytes:
        """See `Wire`."""
        frame = frames_pb2.Frame()  # type: ignore[attr-defined]  # made at import by protobuf
        frame.audio.audio, frame.audio.sample_rate, frame.audio.num_channels = pcm, self.out_rate, 1
        return bytes(frame.SerializeToString())

    def encode_message(self, message: dict[str, Any]) -> bytes:
        """See `Wire`."""
        frame = frames_pb2.Frame()  # type: ignore[attr-defined]
        frame.message.data = json.dumps(message, separators=(",", ":"))
        return bytes(frame.SerializeToString())
