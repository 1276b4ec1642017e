"""PocketSphinx as a pipecat recogniser: which frames it gives, and what happens when its process dies (R-041, R-065).

Audio is streamed to a child process while voice activity lasts, so nearly all work is done by the time the candidate stops. Frames, all
pushed downstream:

    InterimTranscriptionFrame   about every half second of speech, when the words so far have changed
    TranscriptionFrame          after voice activity stopped: `finalized=True`. Speech longer than 12-28 s is cut at quiet points and each
                                piece comes as one with `finalized=False` while the candidate goes on

The `result` of each is a `SpeechSpan`. An utterance without words gives no frame. No spoken text is ever logged.
Read next: `sphinx_ears` (which audio), `sphinx_worker` (the other process).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any, TypedDict

from loguru import logger
from pipecat.audio.utils import create_stream_resampler
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    StartFrame,
    TranscriptionFrame,
    UserAudioRawFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

from . import sphinx_wire as wire
from .sphinx_child import SphinxChild
from .sphinx_ears import Ears, Utterance

PREROLL_SECS = 0.6
TTFS_P99_SECS = 5.0
"""End of speech to final words; a finalized frame ends the wait sooner."""
PATIENCE_SECS = 20.0
"""Silence of the process, while it has audio, after which it is taken for stuck."""
LAST_WORDS_SECS = 4.0
"""How long a graceful end waits for words still being recognised."""
STARTS = 2
"""Attempts in a row to bring the process up before we say that it cannot be."""

CANNOT_START = "Speech recognition could not be started on this machine; please type your answers. ({reason})"
GAVE_UP = "Speech recognition stopped twice during one answer; that part was not written down. Please say it again or type it."


class SpeechSpan(TypedDict):
    """Where recognised words lie; `result` of every frame from here.

    Offsets count milliseconds of audio that reached the service since it started, muted or not: one second of clock is one second of
    samples, whatever the wall does. For a final they are the first word's start and the last word's end, to 10 ms; for an interim the
    end is how far the recogniser has listened.
    """

    start_offset_ms: int
    duration_ms: int
    start_monotonic: float
    """`time.monotonic()` at which the sample at `start_offset_ms` arrived here (exact while audio comes in real time)."""
    utterance: int
    """0, 1, 2 … for each stretch of voice activity."""
    piece: int
    """0, 1, 2 … within the utterance."""
    last: bool
    """No more words of this utterance follow."""


class PocketSphinxSTT(STTService):
    """The keyless recogniser: English, fair with a clear voice and a quiet room, named a demonstration for that reason."""

    engine_name = "pocketsphinx"
    label = "PocketSphinx, a small English recogniser on this machine (demonstration quality)"

    def __init__(
        self, *, preroll_secs: float = PREROLL_SECS, plain: bool = False, patience_secs: float = PATIENCE_SECS, **kwargs: Any
    ) -> None:
        """`plain` leaves our pronunciations out."""
        super().__init__(
            sample_rate=wire.RATE,
            ttfs_p99_latency=TTFS_P99_SECS,
            settings=STTSettings(model="en-us", language=Language.EN),
            **kwargs,
        )
        self._sphinx_plain = plain
        self._sphinx_patience = patience_secs
        self._sphinx_ears = Ears(preroll_secs)
        self._sphinx_resampler = create_stream_resampler()
        self._sphinx_child: SphinxChild | None = None
        self._sphinx_task: asyncio.Task[None] | None = None
        self._sphinx_work = asyncio.Event()
        """There is an utterance to recognise."""
        self._sphinx_idle = asyncio.Event()
        """There is none."""
        self._sphinx_idle.set()
        self._sphinx_interim: tuple[int, int, str] | None = None

    def can_generate_metrics(self) -> bool:
        """Time from end of speech to words is measured."""
        return True

    @property
    def clock_ms(self) -> int:
        """The clock of `SpeechSpan` offsets, now."""
        return round(self._sphinx_ears.clock * 1000 / wire.RATE)

    @property
    def waiting_secs(self) -> float:
        """Seconds of speech not recognised yet; grows when the machine cannot keep up."""
        return self._sphinx_ears.waiting_secs

    @property
    def worker_pid(self) -> int | None:
        """The recogniser's process id, while there is one."""
        return self._sphinx_child.pid if self._sphinx_child else None

    # The call begins and ends.

    async def start(self, frame: StartFrame) -> None:
        """Bring the process up beside the call; audio waits for it."""
        await super().start(frame)
        self._sphinx_task = self.create_task(self._sphinx_run(), "sphinx")

    async def stop(self, frame: EndFrame) -> None:
        """Let the last words through, then end the process."""
        self._sphinx_close_utterance()
        try:
            await asyncio.wait_for(self._sphinx_idle.wait(), LAST_WORDS_SECS)
        except TimeoutError:
            logger.warning(f"{self}: the call ended before the last words were recognised")
        await self._sphinx_shut()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """End the process at once."""
        await self._sphinx_shut()
        await super().cancel(frame)

    async def cleanup(self) -> None:
        """End the process if nothing else did."""
        await self._sphinx_shut()
        await super().cleanup()

    async def _sphinx_shut(self) -> None:
        if self._sphinx_task is not None:
            task, self._sphinx_task = self._sphinx_task, None
            await self.cancel_task(task)
        if self._sphinx_child is not None:
            child, self._sphinx_child = self._sphinx_child, None
            await child.kill()

    # Audio and voice activity come in.

    async def process_audio_frame(self, frame: InputAudioRawFrame, direction: FrameDirection) -> None:
        """Count every sample; pass on those of an open utterance."""
        self._user_id = frame.user_id if isinstance(frame, UserAudioRawFrame) else ""
        pcm = await self._sphinx_resampler.resample(frame.audio, frame.sample_rate, wire.RATE)
        if self._muted:
            self._sphinx_close_utterance()
        if pcm:
            await self.process_generator(self.run_stt(pcm))

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Take 16 kHz audio; words come later, from the process."""
        if self._sphinx_ears.hear(audio) is not None:
            self._sphinx_tell(wire.pack(wire.AUDIO, audio))
            self._record_stt_audio_usage(audio)
        yield None

    async def _handle_vad_user_started_speaking(self, frame: VADUserStartedSpeakingFrame) -> None:
        await super()._handle_vad_user_started_speaking(frame)
        if self._muted or not self.is_usable or self._sphinx_ears.open is not None:
            return
        utterance = self._sphinx_ears.begin(late_secs=time.time() - frame.timestamp)
        self._sphinx_tell_utterance(utterance)
        self._sphinx_idle.clear()
        self._sphinx_work.set()

    async def _handle_vad_user_stopped_speaking(self, frame: VADUserStoppedSpeakingFrame) -> None:
        await super()._handle_vad_user_stopped_speaking(frame)
        self._sphinx_close_utterance()

    def _sphinx_close_utterance(self) -> None:
        if self._sphinx_ears.close() is not None:
            self._sphinx_tell(wire.pack(wire.END))

    def _sphinx_tell_utterance(self, utterance: Utterance) -> None:
        self._sphinx_tell(wire.pack_json(wire.BEGIN, id=utterance.id, at=utterance.done))
        for chunk in utterance.chunks:
            self._sphinx_tell(wire.pack(wire.AUDIO, chunk))
        if utterance.closed:
            self._sphinx_tell(wire.pack(wire.END))

    def _sphinx_tell(self, frame: bytes) -> None:
        if self._sphinx_child is not None:
            self._sphinx_child.write(frame)

    # The process lives, dies and lives again.

    async def _sphinx_run(self) -> None:
        failures = 0
        while failures < STARTS:
            ready, reason = await self._sphinx_one_life()
            failures = 0 if ready else failures + 1
            if ready and self._sphinx_ears.pending:
                await self._sphinx_lost(self._sphinx_ears.pending[0])
            if ready:
                logger.warning(f"{self}: the recogniser's process ended; starting another")
                await self._sphinx_work.wait()
        for utterance in list(self._sphinx_ears.pending):
            self._sphinx_ears.drop(utterance)
            await self._sphinx_say_held(utterance, last=True)
        self._sphinx_settle()
        await self.push_error(CANNOT_START.format(reason=reason), force_treat_as_permanent=True)

    async def _sphinx_one_life(self) -> tuple[bool, str]:
        """One process from start to end: whether it ever was ready, and why not."""
        ready, reason = False, "its process ended while loading"
        try:
            child = await SphinxChild.start(plain=self._sphinx_plain)
        except OSError as error:
            return False, error.strerror or "no process could be started"
        self._sphinx_child = child
        for utterance in self._sphinx_ears.pending:
            self._sphinx_tell_utterance(utterance)
        try:
            async for message in child.messages(self._sphinx_patience):
                if message is None:
                    if self._sphinx_ears.owed or not ready:
                        logger.warning(f"{self}: the recogniser's process is stuck; ending it")
                        break
                    continue
                kind, payload = message
                fields = json.loads(payload)
                if kind == wire.READY:
                    ready = True
                elif kind == wire.FAILED:
                    reason = fields["reason"]
                elif kind == wire.HEARD:
                    await self._sphinx_heard(**fields)
                elif kind == wire.PIECE:
                    await self._sphinx_piece(**fields)
        finally:
            self._sphinx_child = None
            await child.kill()
        return ready, reason

    async def _sphinx_lost(self, utterance: Utterance) -> None:
        """A process died on this utterance: it is told again once, then given up."""
        if not utterance.retold:
            utterance.retold = True
            return
        self._sphinx_ears.drop(utterance)
        await self._sphinx_say_held(utterance, last=True)
        self._sphinx_settle()
        await self.push_error(GAVE_UP)

    def _sphinx_settle(self) -> None:
        if not self._sphinx_ears.pending:
            self._sphinx_work.clear()
            self._sphinx_idle.set()

    # Words come out.

    async def _sphinx_heard(self, *, id: int, at: int, text: str | None) -> None:
        utterance = self._sphinx_ears.find(id)
        if utterance is None:
            return
        utterance.heard = at
        if not text or self._sphinx_interim == (id, utterance.pieces, text):
            return
        self._sphinx_interim = (id, utterance.pieces, text)
        await self._sphinx_say_held(utterance)
        span = self._sphinx_span(utterance, utterance.done, at)
        await self.push_frame(InterimTranscriptionFrame(text, self._user_id, time_now_iso8601(), Language.EN, result=span))

    async def _sphinx_piece(self, *, id: int, at: int, text: str, start: int, end: int, last: bool) -> None:
        utterance = self._sphinx_ears.find(id)
        if utterance is None:
            return
        span = self._sphinx_span(utterance, start, end)
        utterance.finish(at)
        if text:
            await self._sphinx_say_held(utterance)
            utterance.held = (text, span)
        if last:
            self._sphinx_ears.drop(utterance)
            await self._sphinx_say_held(utterance, last=True)
            await self.emit_stt_usage_metrics()
        self._sphinx_settle()

    async def _sphinx_say_held(self, utterance: Utterance, *, last: bool = False) -> None:
        """A piece waits until more words follow or none will: its silent rest must not hide that it was the last one."""
        if utterance.held is None:
            return
        (text, span), utterance.held = utterance.held, None
        span["last"] = last
        await self.push_frame(
            TranscriptionFrame(text, self._user_id, time_now_iso8601(), Language.EN, result=span, finalized=last)
        )

    def _sphinx_span(self, utterance: Utterance, start: int, end: int) -> SpeechSpan:
        return SpeechSpan(
            start_offset_ms=round((utterance.start + start) * 1000 / wire.RATE),
            duration_ms=round((end - start) * 1000 / wire.RATE),
            start_monotonic=utterance.started_at + start / wire.RATE,
            utterance=utterance.id,
            piece=utterance.pieces,
            last=False,
        )
