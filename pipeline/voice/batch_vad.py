"""Voice detection for all calls at once: one Silero session, windows of many calls in one batch, one quiet thread (performance.md §2).

A call feeds its audio from the event loop; the thread looks every 120 ms, runs what has come for everybody, and tells only changes back. When somebody counts as
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
from .speech_gate import WINDOW_MS, WINDOW_SAMPLES, SpeechGate

LOOK_SECONDS = 0.12
"""Two of the pieces that calls feed: what is run more rarely finds more calls for each batch, and the model in the cache."""
MAX_BATCH = 16
"""About a millisecond of a core. Run in turn with a server's other work each batch costs half a millisecond beside its windows: 25 calls in batches of 8 cost 150 µs a
window, in one batch 90; run alone and over and over, 59 and 52."""
REST_SECONDS = 0.0001
"""Between batches, for the event loop: woken on the same core it would otherwise wait for a whole time slice, which was half of the audio's p99."""
FIRST_SLOTS = 32
NICENESS = 10
"""Audio goes first, and still a tenth of a core that is short of time is left to voice detection."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000
SCALE = np.float32(1 / 32768)
STATE_SIZE = 128
CONTEXT_SAMPLES = 64
"""What the model sees again of the window before."""
MAX_WAITING = 2 * SAMPLE_RATE
GAP_MS = 250
"""Audio this far from where the audio before it ended does not continue it."""
STALE_SECONDS = 1.0
"""A candidate from whom nothing comes for so long has stopped speaking."""
TELL_AGAIN_SECONDS = 60.0
"""That sound was passed over is logged no more often."""
NOT_SPEECH = 1e-7
"""Power of a window (-70 dBFS) that needs no model while nobody speaks: digital silence, a closed microphone."""

Row = np.ndarray[Any, np.dtype[np.int16]]
"""A call's audio in the thread's store."""
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
    """What the thread knows of one call. Its audio lies in a row of the thread's, from `CONTEXT_SAMPLES` on; what is before has been heard."""

    def __init__(self, params: VADParams, slot: int) -> None:
        self.gate = SpeechGate(params)
        self.slot = slot
        self.fed_at = 0.0
        self.pieces: list[bytes] = []
        """What has come and does not lie in the row yet."""
        self.waiting = 0
        """Samples to be heard, in the row and in pieces."""
        self.first_ms = 0.0
        """Call time of the first of them."""

    @property
    def end_ms(self) -> int:
        """Call time of the end of what has come."""
        return int(self.first_ms + self.waiting / SAMPLES_PER_MS)

    def put(self, pcm: bytes, at_ms: int) -> bool:
        """Take audio behind what waits; False when it does not continue it, and what waited is gone."""
        continues = self.fed_at == 0 or abs(at_ms - self.end_ms) <= GAP_MS
        if not continues:
            self.pieces.clear()
            self.waiting = 0
        self.fed_at = time.monotonic()
        self.first_ms = at_ms - self.waiting / SAMPLES_PER_MS
        self.pieces.append(pcm)
        self.waiting += len(pcm) // 2
        return continues

    def lay(self, row: Row) -> int:
        """Put the pieces into the row, behind what waits there; beyond `MAX_WAITING` the oldest audio goes. Returns the samples that went."""
        added = np.frombuffer(b"".join(self.pieces), dtype="<i2")
        self.pieces.clear()
        there = self.waiting - len(added)
        gone = max(0, self.waiting - MAX_WAITING)
        if gone:
            kept = np.concatenate((row[CONTEXT_SAMPLES : CONTEXT_SAMPLES + there], added))[-MAX_WAITING:]
            self.first_ms += gone / SAMPLES_PER_MS
            there, added, self.waiting = 0, kept, len(kept)
        row[CONTEXT_SAMPLES + there : CONTEXT_SAMPLES + self.waiting] = added
        return gone

    def pass_heard(self, row: Row, windows: int) -> None:
        """Have what was not heard yet, and the context before it, at the row's beginning again."""
        heard = windows * WINDOW_SAMPLES
        self.waiting -= heard
        self.first_ms += heard / SAMPLES_PER_MS
        length = CONTEXT_SAMPLES + self.waiting
        row[:length] = row[heard : heard + length].copy()


class BatchVad:
    """Shared by a process's calls. The thread and the model come with the first call."""

    def __init__(self, params: VADParams | None = None) -> None:
        self._params = params or VADParams(min_volume=MIN_VOLUME)
        self._inbox: deque[tuple[Detector, bytes, int]] = deque()
        self._wake = threading.Event()
        self._streams: dict[Detector, _Stream] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._tell_again_at = 0.0
        self._rate = np.array(SAMPLE_RATE, dtype=np.int64)
        self._windows = np.zeros((MAX_BATCH, CONTEXT_SAMPLES + WINDOW_SAMPLES), dtype=np.float32)
        self._audio = np.zeros((FIRST_SLOTS, CONTEXT_SAMPLES + MAX_WAITING), dtype=np.int16)
        """What waits to be heard, behind the context of its first window, by slot."""
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
        gone = sum(stream.lay(self._audio[stream.slot]) for stream in self._streams.values() if stream.pieces)
        if gone and time.monotonic() >= self._tell_again_at:
            self._tell_again_at = time.monotonic() + TELL_AGAIN_SECONDS
            logger.warning(
                "Voice detection passed over {:.1f} s of sound, with {} calls live: this machine has too little CPU for them, or it came all at once",
                gone / SAMPLE_RATE, len(self._streams),
            )  # fmt: skip

    def _begin(self, detector: Detector) -> _Stream:
        if not self._free:
            slots = len(self._audio)
            self._free = list(range(slots, 2 * slots))
            self._audio = np.concatenate((self._audio, np.zeros_like(self._audio)))
            self._states = np.concatenate((self._states, np.zeros_like(self._states)), axis=1)
        stream = self._streams[detector] = _Stream(self._params, self._free.pop())
        self._audio[stream.slot, :CONTEXT_SAMPLES] = 0
        self._states[:, stream.slot] = 0
        return stream

    def _detect(self, session: InferenceSession) -> None:
        """Window after window, each for all calls that have it; a call's windows follow each other, since the model remembers."""
        ready = [item for item in self._streams.items() if item[1].waiting >= WINDOW_SAMPLES]
        number = 0
        while ready and not self._closed:
            for first in range(0, len(ready), MAX_BATCH):
                self._hear(session, ready[first : first + MAX_BATCH], number)
                time.sleep(REST_SECONDS)
            number += 1
            further = []
            for detector, stream in ready:
                if stream.waiting >= (number + 1) * WINDOW_SAMPLES:
                    further.append((detector, stream))
                else:
                    stream.pass_heard(self._audio[stream.slot], number)
            ready = further

    def _hear(self, session: InferenceSession, batch: list[tuple[Detector, _Stream]], number: int) -> None:
        """The window of that number, counted from what waits, of each of these calls."""
        begin = number * WINDOW_SAMPLES
        end = begin + CONTEXT_SAMPLES + WINDOW_SAMPLES
        windows = self._windows[: len(batch)]
        np.multiply(self._audio[[stream.slot for _, stream in batch], begin:end], SCALE, out=windows)
        heard = windows[:, CONTEXT_SAMPLES:]
        powers = (np.einsum("ij,ij->i", heard, heard) / WINDOW_SAMPLES).tolist()
        asked = [row for row, (_, stream) in enumerate(batch) if powers[row] >= NOT_SPEECH or not stream.gate.quiet]
        confidences = [0.0] * len(batch)
        if asked:
            found = self._ask(session, asked, [batch[row][1].slot for row in asked])
            for row, confidence in zip(asked, found, strict=True):
                confidences[row] = confidence
        for (detector, stream), confidence, power in zip(batch, confidences, powers, strict=True):
            if (change := stream.gate.hear(confidence, power, int(stream.first_ms + number * WINDOW_MS))) is not None:
                detector.tell(*change)
            if stream.gate.take_reset():
                self._states[:, stream.slot] = 0
                # The next window's context.
                self._audio[stream.slot, end - CONTEXT_SAMPLES : end] = 0

    def _ask(self, session: InferenceSession, rows: list[int], slots: list[int]) -> list[float]:
        """The model's confidence in each of these windows."""
        inputs = {"input": self._windows[rows], "state": self._states[:, slots], "sr": self._rate}
        confidences, self._states[:, slots] = session.run(None, inputs)
        found: list[float] = confidences[:, 0].tolist()
        return found

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
