"""A recogniser in a real pipeline, fed with synthetic speech; shared by the tests of this folder."""

import asyncio
import time
from contextlib import asynccontextmanager

import numpy as np
import pytest
from pipecat.audio.utils import create_file_resampler
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

from bridge.domain.setup import Pace, Voice
from pipeline.voice.available import flite_installed
from pipeline.voice.detectors import make_vad
from pipeline.voice.synthesis import Espeak, Flite

RATE = 16_000
CHUNK = RATE // 50 * 2
"""Bytes of 20 ms."""

needs_flite = pytest.mark.skipif(not flite_installed(), reason="flite is not installed: no clear synthetic speech to recognise")


def silence(seconds):
    """PCM16 of nothing."""
    return bytes(round(seconds * RATE) * 2)


async def spoken(text, voice=Voice.NEUTRAL, pace=Pace.MODERATE, engine=None):
    """The sentence as 16 kHz PCM16; by flite unless an engine is given."""
    speech = await (engine or Flite()).speak(text, voice, pace)
    if speech.rate == RATE:
        return speech.pcm
    return await create_file_resampler().resample(speech.pcm, speech.rate, RATE)


async def spoken_by_espeak(text):
    """The sentence as 16 kHz PCM16, by the engine that is always there."""
    return await spoken(text, engine=Espeak())


def loud_part(pcm):
    """(start_ms, end_ms) of what is audible."""
    blocks = np.abs(np.frombuffer(pcm, np.int16)[: len(pcm) // 320 * 160].reshape(-1, 160)).max(axis=1)
    audible = np.flatnonzero(blocks > 500)
    return int(audible[0]) * 10, (int(audible[-1]) + 1) * 10


class Hearing:
    """What came out of the pipeline so far, and ways to put speech in."""

    def __init__(self, worker):
        self._worker = worker
        self.finals, self.interims, self.errors = [], [], []
        self.changed = asyncio.Event()

    def take(self, frame):
        """Sort a frame that came out at either end."""
        for kind, kept in (
            (TranscriptionFrame, self.finals),
            (InterimTranscriptionFrame, self.interims),
            (ErrorFrame, self.errors),
        ):
            if isinstance(frame, kind):
                kept.append(frame)
                self.changed.set()

    @property
    def text(self):
        """All final words."""
        return " ".join(frame.text for frame in self.finals)

    async def send(self, *frames):
        """Put frames in at the front."""
        for frame in frames:
            await self._worker.queue_frame(frame)

    async def feed(self, pcm, speed=4.0):
        """Microphone audio, `speed` times as fast as real time; None is as fast as can be."""
        began = time.monotonic()
        for n, at in enumerate(range(0, len(pcm), CHUNK)):
            await self.send(InputAudioRawFrame(pcm[at : at + CHUNK], RATE, 1))
            if speed:
                await asyncio.sleep(max(0.0, began + (n + 1) * 0.02 / speed - time.monotonic()))

    async def utter(self, pcm, speed=4.0):
        """Speech with the frames voice detection would put around it: 0.2 s after it begins, 0.2 s of silence after its end."""
        await self.feed(pcm[: 10 * CHUNK], speed)
        await self.send(VADUserStartedSpeakingFrame(start_secs=0.2))
        await self.feed(pcm[10 * CHUNK :] + silence(0.2), speed)
        await self.send(VADUserStoppedSpeakingFrame(stop_secs=0.2))

    async def until(self, done, seconds=120):
        """Wait for a condition on what came out."""
        async with asyncio.timeout(seconds):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def last_final(self, utterance=0, seconds=120):
        """Wait for the end of an utterance."""
        await self.until(lambda: any(f.result["last"] and f.result["utterance"] == utterance for f in self.finals), seconds)
        return next(f for f in self.finals if f.result["last"] and f.result["utterance"] == utterance)


class Tap(FrameProcessor):
    """Reports every frame."""

    def __init__(self):
        super().__init__()
        self.report = None

    async def process_frame(self, frame, direction):
        """Report and pass on."""
        await super().process_frame(frame, direction)
        if self.report:
            self.report(frame)
        await self.push_frame(frame, direction)


@asynccontextmanager
async def hearing(stt, *, vad=False):
    """A running pipeline around a recogniser, with real voice detection behind it when asked for."""
    before, after = Tap(), Tap()
    steps = [before, stt, *([VADProcessor(vad_analyzer=make_vad())] if vad else []), after]
    worker = PipelineWorker(
        Pipeline(steps), params=PipelineParams(audio_in_sample_rate=RATE), enable_rtvi=False, cancel_on_idle_timeout=False
    )
    heard, started = Hearing(worker), asyncio.Event()
    before.report = lambda frame: heard.take(frame) if isinstance(frame, ErrorFrame) else None
    after.report = heard.take
    worker.add_event_handler("on_pipeline_started", lambda *_: started.set())
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), 10)
        yield heard
        await worker.queue_frame(EndFrame())
        await asyncio.wait_for(running, 30)
    finally:
        if not running.done():
            await runner.cancel()
            await asyncio.gather(running, return_exceptions=True)
