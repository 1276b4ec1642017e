"""Voice detection for all calls at once: one Silero session, windows of many calls in one run, one quiet thread (performance.md §2).

A call feeds its audio from the event loop; the thread looks every 120 ms, runs what has come for everybody, and tells only changes back. When somebody counts as
speaking is pipecat's rule (`VADAnalyzer`): confidence and loudness for `start_secs`, neither for `stop_secs`. Read next: `silero`, the model; `speech_gate`, the rule.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from loguru import logger
from numpy.lib.stride_tricks import sliding_window_view
from onnxruntime import InferenceSession
from pipecat.audio.vad.vad_analyzer import VADParams

from bridge.wire.candidate import SAMPLE_RATE

from . import silero
from .detectors import MIN_VOLUME
from .silero import CONTEXT_SAMPLES, STATE_SIZE, WINDOW_SAMPLES
from .speech_gate import WINDOW_MS, SpeechGate

LOOK_SECONDS = 0.12
"""A little more than the pieces that calls feed: what is run more rarely finds more calls for each run, and the model in the cache."""
MAX_CALLS = 16
MAX_STEPS = 4
"""A run hears at most so many windows of so many calls, a millisecond of a core; a call with two pieces to be heard takes a second run."""
REST_SECONDS = 0.0001
"""Between runs, for the event loop: woken on the same core it would otherwise wait for a whole time slice, which was half of the audio's p99."""
FIRST_SLOTS = 32
NICENESS = 10
"""Audio goes first, and still a tenth of a core that is short of time is left to voice detection."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000
SCALE = np.float32(1 / 32768)
MAX_WAITING = 2 * SAMPLE_RATE
LATE_SECONDS = 1.0
"""Hearing once what all calls had took so long: it is the thread that is behind, and not sound that came all at once."""
CATCH_UP = SAMPLE_RATE // 2
"""All that a thread which is behind, and must pass over sound, hears of any call: with two seconds of each it would be as far behind when it has heard them, for as long as
the machine is just quick enough."""
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
Windows = np.ndarray[Any, np.dtype[np.float32]]
SILENT = (0.0,) * MAX_STEPS
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

    @property
    def windows(self) -> int:
        """How many can be heard."""
        return self.waiting // WINDOW_SAMPLES

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

    def lay(self, row: Row, most: int) -> int:
        """Put the pieces into the row, behind what waits there; beyond so many samples the oldest audio goes. Returns the samples that went."""
        added = np.frombuffer(b"".join(self.pieces), dtype="<i2")
        self.pieces.clear()
        there = self.waiting - len(added)
        gone = max(0, self.waiting - most)
        if gone:
            kept = np.concatenate((row[CONTEXT_SAMPLES : CONTEXT_SAMPLES + there], added))[-most:]
            self.first_ms += gone / SAMPLES_PER_MS
            there, added, self.waiting = 0, kept, len(kept)
        row[CONTEXT_SAMPLES + there : CONTEXT_SAMPLES + self.waiting] = added
        return gone

    def pass_heard(self, row: Row) -> None:
        """All windows have been heard: have what is left of a window, and the context before it, at the row's beginning again."""
        heard = self.windows * WINDOW_SAMPLES
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
        self._late = False
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
            session = silero.session()
            while not self._closed:
                self._wake.wait(STALE_SECONDS / 2 if self._streams else None)
                self._wake.clear()
                self._receive()
                began = time.monotonic()
                self._detect(session)
                self._late = time.monotonic() - began > LATE_SECONDS
                self._settle(began)
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
        laying = [stream for stream in self._streams.values() if stream.pieces]
        too_much = any(stream.waiting > MAX_WAITING for stream in laying)
        most = CATCH_UP if too_much and self._late else MAX_WAITING
        gone = sum(stream.lay(self._audio[stream.slot], most) for stream in laying)
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
        """Some windows after some, each time for all calls that have them."""
        ready = [item for item in self._streams.items() if item[1].windows]
        # Beside each other those with as many: a run takes as long as if all had as many as its longest.
        ready.sort(key=lambda item: item[1].windows)
        heard = 0
        while ready and not self._closed:
            for first in range(0, len(ready), MAX_CALLS):
                self._hear(session, ready[first : first + MAX_CALLS], heard)
                time.sleep(REST_SECONDS)
            heard += MAX_STEPS
            further = []
            for detector, stream in ready:
                if stream.windows > heard:
                    further.append((detector, stream))
                else:
                    stream.pass_heard(self._audio[stream.slot])
            ready = further

    def _hear(self, session: InferenceSession, calls: list[tuple[Detector, _Stream]], heard: int) -> None:
        """The next windows of each of these calls, of which so many have been heard since it was laid down."""
        steps = [min(MAX_STEPS, stream.windows - heard) for _, stream in calls]
        windows = self._cut([stream.slot for _, stream in calls], heard, max(steps))
        powers = self._powers(windows)
        asked = [
            row for row, (_, stream) in enumerate(calls) if not stream.gate.quiet or max(powers[row][: steps[row]]) >= NOT_SPEECH
        ]  # fmt: skip
        confidences: dict[int, Sequence[float]] = dict.fromkeys(range(len(calls)), SILENT)
        if asked:
            if len(asked) < len(calls):
                windows = windows[:, asked]
            found = self._ask(session, windows, [calls[row][1].slot for row in asked], [steps[row] for row in asked])
            confidences.update(zip(asked, found, strict=True))
        for row, (detector, stream) in enumerate(calls):
            at_ms = stream.first_ms + heard * WINDOW_MS
            for step in range(steps[row]):
                change = stream.gate.hear(confidences[row][step], powers[row][step], int(at_ms + step * WINDOW_MS))
                if change is not None:
                    detector.tell(*change)
            if stream.gate.take_reset():
                self._states[:, stream.slot] = 0
                # The next window's context.
                end = (heard + steps[row]) * WINDOW_SAMPLES
                self._audio[stream.slot, end : end + CONTEXT_SAMPLES] = 0

    def _cut(self, slots: list[int], heard: int, steps: int) -> Windows:
        """The calls' windows with their contexts, [steps, calls, 64 + 512]; what lies behind a call's end is anything."""
        begin = heard * WINDOW_SAMPLES
        audio = self._audio[slots, begin : begin + CONTEXT_SAMPLES + steps * WINDOW_SAMPLES]
        overlapping = sliding_window_view(audio, CONTEXT_SAMPLES + WINDOW_SAMPLES, axis=1)[:, ::WINDOW_SAMPLES]
        return np.multiply(overlapping.swapaxes(0, 1), SCALE, order="C")

    def _powers(self, windows: Windows) -> list[list[float]]:
        """Of each call, each window."""
        audio = windows[:, :, CONTEXT_SAMPLES:]
        powers: list[list[float]] = (np.einsum("sci,sci->cs", audio, audio) / WINDOW_SAMPLES).tolist()
        return powers

    def _ask(self, session: InferenceSession, windows: Windows, slots: list[int], steps: list[int]) -> list[list[float]]:
        """The model's confidence in each of these windows, by call; of a call's windows only so many count."""
        audio = windows.reshape(-1, CONTEXT_SAMPLES + WINDOW_SAMPLES)
        inputs = {"audio": audio, "state": self._states[:, slots], "steps": np.array(steps, dtype=np.int32)}
        confidences, self._states[:, slots] = session.run(None, inputs)
        found: list[list[float]] = confidences.reshape(-1, len(slots)).T.tolist()
        return found

    def _settle(self, received_at: float) -> None:
        """Forget closed calls; who sends nothing any more has stopped speaking, as far as what came in was received."""
        for detector, stream in list(self._streams.items()):
            if detector.closed:
                self._free.append(stream.slot)
                del self._streams[detector]
            elif received_at - stream.fed_at > STALE_SECONDS:
                self._stopped(detector, stream, stream.end_ms)

    def _stopped(self, detector: Detector, stream: _Stream, at_ms: int) -> None:
        if stream.gate.stop():
            detector.tell(False, at_ms)
