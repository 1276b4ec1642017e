"""The candidate's leg as a pipecat transport: audio in as frames, audio out paced to the wall clock (pipecat.md §1).

Neither half owns the socket: the leg does. Output is sent at most `LEAD_SECONDS` ahead of its playing, so that a barge-in has something left to
drop, and the page is told to flush what it holds. Read next: `call`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from bridge.wire.candidate import SAMPLE_RATE

from .leg import Leg

LEAD_SECONDS = 0.16
"""Audio sent ahead of the wall clock: clean playback in a browser, and still tight on barge-in."""

OnPlayed = Callable[[bytes, int], None]
"""Called with audio at the wire's rate and the seconds, in ms from now, until it is heard."""


def _nothing_played(_pcm: bytes, _in_ms: int) -> None:
    """For a transport without audio."""


class CandidateInput(BaseInputTransport):
    """Takes audio and RTVI messages from the leg's reader."""

    def __init__(self, params: TransportParams) -> None:
        super().__init__(params)
        self.prepkit_ready = asyncio.Event()

    async def start(self, frame: StartFrame) -> None:
        """Open for audio."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self.prepkit_ready.set()

    def take_audio(self, pcm: bytes) -> None:
        """Microphone audio, PCM16 16 kHz mono. Never waits."""
        pushing = self.push_audio_frame(InputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE, num_channels=1))
        # Pipecat's queue of audio has no limit, so its coroutine has nothing to wait for: one step ends it.
        with suppress(StopIteration):
            pushing.send(None)
            raise RuntimeError("pipecat has begun to wait for room in its queue of audio")

    async def take_rtvi(self, message: dict[str, Any]) -> None:
        """An allowed RTVI message, for pipecat's own processor."""
        await self.broadcast_frame(InputTransportMessageFrame, message=message)


class CandidateOutput(BaseOutputTransport):
    """Sends audio at the speed it is heard, and RTVI messages at once."""

    def __init__(self, leg: Leg, params: TransportParams, on_played: OnPlayed) -> None:
        super().__init__(params)
        self._prepkit_leg = leg
        self._prepkit_on_played = on_played
        self._prepkit_sent_until = 0.0

    async def start(self, frame: StartFrame) -> None:
        """Open for audio."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send, then wait until no more than the lead is unheard; False when the candidate is gone."""
        now = time.monotonic()
        heard_at = max(now, self._prepkit_sent_until)
        seconds = len(frame.audio) / (2 * frame.num_channels * frame.sample_rate)
        if not await self._prepkit_leg.send_audio(frame.audio):
            return False
        self._prepkit_on_played(frame.audio, int((heard_at - now) * 1000))
        self._prepkit_sent_until = heard_at + seconds
        await asyncio.sleep(max(0.0, self._prepkit_sent_until - LEAD_SECONDS - time.monotonic()))
        return True

    async def send_message(self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame) -> None:
        """Send one RTVI message."""
        await self._prepkit_leg.send_message(frame.message)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Beside the base class: a barge-in forgets the pacing and has the page drop what it holds."""
        if isinstance(frame, InterruptionFrame):
            if self._prepkit_sent_until > time.monotonic():
                await self._prepkit_leg.tell("flush-audio")
            self._prepkit_sent_until = 0.0
        await super().process_frame(frame, direction)


class CandidateTransport(BaseTransport):
    """Both halves over one leg."""

    def __init__(self, leg: Leg, on_played: OnPlayed | None) -> None:
        """`on_played` None where audio goes beside the pipeline (`relay`): there is no audio then that anybody must wait for."""
        super().__init__()
        audio = on_played is not None
        params = TransportParams(
            audio_in_enabled=audio,
            audio_in_sample_rate=SAMPLE_RATE,
            audio_out_enabled=audio,
            audio_out_sample_rate=leg.wire.out_rate,
            audio_out_end_silence_secs=0,
            audio_out_auto_silence=False,
        )
        self._prepkit_input = CandidateInput(params)
        self._prepkit_output = CandidateOutput(leg, params, on_played or _nothing_played)

    def input(self) -> CandidateInput:
        """The half that hears."""
        return self._prepkit_input

    def output(self) -> CandidateOutput:
        """The half that is heard."""
        return self._prepkit_output
