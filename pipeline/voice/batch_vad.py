"""Voice detection for all calls at once: one Silero session, windows of many calls in one batch, one quiet thread (performance.md §2).

A call feeds its audio from the event loop; the thread looks every 40 ms, runs what has come for everybody, and tells only changes back. When somebody counts as
speaking is pipecat's rule (`VADAnalyzer`): confidence and loudness for `start_secs`, neither for `stop_secs`. Read next: `speech_gate`, which holds that rule.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from loguru import logger
from onnxruntime import InferenceSession
from pipecat.audio.vad.vad_analyzer import VADParams

from bridge.wire.candidate import SAMPLE_RATE

from .detectors import MIN_VOLUME, silero_session
from .speech_gate import WINDOW_SAMPLES, SpeechGate

LOOK_SECONDS = 0.04
MAX_BATCH = 8
"""Half a millisecond of a core, and a window costs hardly more than in a batch of 32 (61 instead of 54 µs)."""
REST_SECONDS = 0.0001
"""Between batches, for the event loop: woken on the same core it would otherwise wait for a whole time slice, which was half of the audio's p99."""
FIRST_SLOTS = 32
NICENESS = 5
SAMPLES_PER_MS = SAMPLE_RATE // 1000
STATE_SIZE = 128
CONTEXT_SAMPLES = 64
"""What the model sees again of the window before."""
MAX_WAITING = 2 * SAMPLE_RATE
GAP_MS = 250
"""Audio this far from where the audio before it ended does not continue it."""
STALE_SECONDS = 1.0
"""A candidate from whom nothing comes for so long has stopped speaking."""
NOT_SPEECH = 1e-7
"""Power of a window (-70 dBFS) that needs no model while nobody speaks: digital silence, a closed microphone."""

Samples = np.ndarray[Any, np.dtype[np.float32]]
OnChange = Callable[[bool, int], None]
"""Called on the event loop with whether the candidate speaks now, and the call time in ms from which on that is so."""


class Detector:
    """One call's detection, made by `BatchVad.open`."""

    def __init__(self, vad: BatchVad, on_change: OnChange, loop: asyncio.AbstractEventLoop) -> None:
        self._vad = vad
        self._on_change = on_change
        self._loop = loop
        self.closed = False
        self.speaking = False
        """What `on_change` last said."""

    def feed(self, pcm: bytes, at_ms: int) -> None:
        """Take PCM16 16 kHz mono whose first sample is at `at_ms` on the call clock; any even length, best 60 to 100 ms. Never waits."""
        if not self.closed:
            self._vad.take(self, pcm, at_ms)

    def close(self) -> None:
        """Nothing is told any more. A repeat does nothing."""
        self.closed = True

    def tell(self, speaking: bool, at_ms: int) -> None:
        """From the thread: the candidate began or stopped."""
        try:
            self._loop.call_soon_threadsafe(self._told, speaking, at_ms)
        except RuntimeError:
            # The loop has ended before its detectors were closed: nobody is left to be told.
            self.closed = True

    def _told(self, speaking: bool, at_ms: int) -> None:
        if not self.closed:
            self.speaking = speaking
            self._on_change(speaking, at_ms)


class _Stream:
    """What the thread knows of one call."""

    def __init__(self, params: VADParams, slot: int) -> None:
        self.gate = SpeechGate(params)
        self.slot = slot
        self.fed_at = 0.0
        self._samples = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        """-1 to 1; what is before `_at` has been heard."""
        self._at = CONTEXT_SAMPLES
        self._first_ms = 0.0
        """Call time of the sample at `_at`."""

    @property
    def waiting(self) -> int:
        """Samples to be heard."""
        return len(self._samples) - self._at

    @property
    def end_ms(self) -> int:
        """Call time of the end of what has come."""
        return int(self._first_ms + self.waiting / SAMPLES_PER_MS)

    def put(self, pcm: bytes, at_ms: int) -> bool:
        """Lay audio behind what waits; False when it does not continue it, and what waited is gone."""
        continues = self.fed_at == 0 or abs(at_ms - self.end_ms) <= GAP_MS
        if not continues:
            self._at = len(self._samples)
        self.fed_at = time.monotonic()
        self._first_ms = at_ms - self.waiting / SAMPLES_PER_MS
        added = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        added *= 1 / 32768
        self._samples = np.concatenate((self._samples[self._at - CONTEXT_SAMPLES :], added))
        self._at = CONTEXT_SAMPLES
        if self.waiting > MAX_WAITING:
            self._pass(self.waiting - MAX_WAITING)
        return continues

    def next_window(self) -> tuple[Samples, int]:
        """The next window behind its context, and the call time at which it begins."""
        window, at_ms = self._samples[self._at - CONTEXT_SAMPLES : self._at + WINDOW_SAMPLES], int(self._first_ms)
        self._pass(WINDOW_SAMPLES)
        return window, at_ms

    def _pass(self, samples: int) -> None:
        self._at += samples
        self._first_ms += samples / SAMPLES_PER_MS

    def forget(self) -> None:
        """Let the next window have no context."""
        self._samples[self._at - CONTEXT_SAMPLES : self._at] = 0


class BatchVad:
    """Shared by a process's calls. The thread and the model come with the first call."""

    def __init__(self, params: VADParams | None = None) -> None:
        self._params = params or VADParams(min_volume=MIN_VOLUME)
        self._inbox: deque[tuple[Detector, bytes, int]] = deque()
        self._wake = threading.Event()
        self._streams: dict[Detector, _Stream] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._rate = np.array(SAMPLE_RATE, dtype=np.int64)
        self._windows = np.zeros((MAX_BATCH, CONTEXT_SAMPLES + WINDOW_SAMPLES), dtype=np.float32)
        self._states = np.zeros((2, FIRST_SLOTS, STATE_SIZE), dtype=np.float32)
        """The model's memory of each call, by slot."""
        self._free: list[int] = list(range(FIRST_SLOTS))

    def open(self, on_change: OnChange) -> Detector:
        """Detect for one more call. Needs a running event loop."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="batch-vad", daemon=True)
            self._thread.start()
        return Detector(self, on_change, asyncio.get_running_loop())

    def close(self) -> None:
        """Stop the thread; all detectors fall silent. A repeat does nothing."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def take(self, detector: Detector, pcm: bytes, at_ms: int) -> None:
        """Audio of a call, for the thread."""
        self._inbox.append((detector, pcm, at_ms))
        if not self._wake.is_set():
            self._wake.set()

    # On the thread --------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
            session = silero_session()
            while not self._closed:
                self._wake.wait(STALE_SECONDS / 2 if self._streams else None)
                self._wake.clear()
                self._receive()
                self._detect(session)
                self._settle()
                time.sleep(LOOK_SECONDS)
        except Exception as error:  # the thread's top: it is told, and the thread ends with it
            logger.error("Voice detection has ended: {}", type(error).__name__)
            raise

    def _receive(self) -> None:
        while self._inbox:
            detector, pcm, at_ms = self._inbox.popleft()
            if detector.closed:
                continue
            stream = self._streams.get(detector) or self._begin(detector)
            ended_ms = stream.end_ms
            if not stream.put(pcm, at_ms):
                self._stopped(detector, stream, ended_ms)

    def _begin(self, detector: Detector) -> _Stream:
        if not self._free:
            slots = self._states.shape[1]
            self._free = list(range(slots, 2 * slots))
            self._states = np.concatenate((self._states, np.zeros_like(self._states)), axis=1)
        stream = self._streams[detector] = _Stream(self._params, self._free.pop())
        self._states[:, stream.slot] = 0
        return stream

    def _detect(self, session: InferenceSession) -> None:
        while not self._closed:
            ready = [item for item in self._streams.items() if item[1].waiting >= WINDOW_SAMPLES][:MAX_BATCH]
            if not ready:
                return
            times = []
            for row, (_, stream) in enumerate(ready):
                self._windows[row], at_ms = stream.next_window()
                times.append(at_ms)
            heard = self._windows[: len(ready), CONTEXT_SAMPLES:]
            powers = np.einsum("ij,ij->i", heard, heard) / WINDOW_SAMPLES
            asked = [row for row, (_, stream) in enumerate(ready) if powers[row] >= NOT_SPEECH or not stream.gate.quiet]
            confidences = np.zeros(len(ready), dtype=np.float32)
            if asked:
                confidences[asked] = self._ask(session, asked, [ready[row][1].slot for row in asked])
            for (detector, stream), confidence, power, at_ms in zip(
                ready, confidences.tolist(), powers.tolist(), times, strict=True
            ):
                self._judge(detector, stream, confidence, power, at_ms)
            time.sleep(REST_SECONDS)

    def _ask(self, session: InferenceSession, rows: list[int], slots: list[int]) -> Samples:
        """The model's confidence in each of these windows."""
        inputs = {"input": self._windows[rows], "state": self._states[:, slots], "sr": self._rate}
        confidences, self._states[:, slots] = session.run(None, inputs)
        found: Samples = confidences[:, 0]
        return found

    def _judge(self, detector: Detector, stream: _Stream, confidence: float, power: float, at_ms: int) -> None:
        if (change := stream.gate.hear(confidence, power, at_ms)) is not None:
            detector.tell(*change)
        if stream.gate.take_reset():
            self._states[:, stream.slot] = 0
            stream.forget()

    def _settle(self) -> None:
        """Forget closed calls; who sends nothing any more has stopped speaking."""
        now = time.monotonic()
        for detector, stream in list(self._streams.items()):
            if detector.closed:
                self._free.append(stream.slot)
                del self._streams[detector]
            elif now - stream.fed_at > STALE_SECONDS:
                self._stopped(detector, stream, stream.end_ms)

    def _stopped(self, detector: Detector, stream: _Stream, at_ms: int) -> None:
        if stream.gate.stop():
            detector.tell(False, at_ms)
