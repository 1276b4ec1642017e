"""When a stream of windows counts as speech: pipecat's rule (`pipecat.audio.vad.vad_analyzer` and `.silero`), one window at a time and without its cost.

Two differences: changes carry the time at which speech began or ended instead of when it was certain, and loudness is the plain power of the last 400 ms, since
BS.1770 costs more per window than the model. Read next: `batch_vad`.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum, auto

from pipecat.audio.vad.vad_analyzer import VADParams

WINDOW_SECONDS = 0.032
WINDOW_MS = 32
LOUDNESS_WINDOWS = 13
"""400 ms, BS.1770's gating block."""
ABSOLUTE_GATE = 1e-7
"""Power below which loudness counts as none (-70 LUFS)."""
SMOOTHING = 0.2
RESET_WINDOWS = 63
"""Two seconds: the model's state is cleared so often, but only in a clear pause."""
PAUSE_CONFIDENCE = 0.1
PAUSE_WINDOWS = 5


class _State(Enum):
    QUIET = auto()
    STARTING = auto()
    SPEAKING = auto()
    STOPPING = auto()


QUIET, STARTING, SPEAKING, STOPPING = _State
"""By these names: up to Python 3.11 a member is looked up by a function in Python each time it is named, several times a window."""


class SpeechGate:
    """One stream's state."""

    def __init__(self, params: VADParams) -> None:
        self._confidence = params.confidence
        self._min_volume = params.min_volume
        self._start_windows = max(1, round(params.start_secs / WINDOW_SECONDS))
        self._stop_windows = max(1, round(params.stop_secs / WINDOW_SECONDS))
        self._state = QUIET
        self._count = 0
        self._since_ms = 0
        self._powers: deque[float] = deque(maxlen=LOUDNESS_WINDOWS)
        self._volume = 0.0
        self._since_reset = 0
        self._low = 0

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks or seems to begin to."""
        return self._state is QUIET

    def hear(self, confidence: float, power: float, at_ms: int) -> tuple[bool, int] | None:
        """Take one window that begins at `at_ms`; what changed and since when, or None."""
        self._since_reset += 1
        self._low = self._low + 1 if confidence < PAUSE_CONFIDENCE else 0
        self._volume += SMOOTHING * (self._loudness(power) - self._volume)
        if confidence >= self._confidence and self._volume >= self._min_volume:
            return self._on_speech(at_ms)
        return self._on_pause(at_ms)

    def _loudness(self, power: float) -> float:
        """0 for -110 LUFS, 1 for -10; 0 until the block is full."""
        self._powers.append(power)
        if len(self._powers) < LOUDNESS_WINDOWS:
            return 0.0
        mean = sum(self._powers) / LOUDNESS_WINDOWS
        if mean < ABSOLUTE_GATE:
            return 0.0
        return min(1.0, max(0.0, (10 * math.log10(mean) - 0.691 + 110) / 100))

    def _on_speech(self, at_ms: int) -> tuple[bool, int] | None:
        state = self._state
        if state is SPEAKING:
            return None
        if state is STOPPING:
            self._state = SPEAKING
            return None
        if state is QUIET:
            self._state, self._count, self._since_ms = STARTING, 0, at_ms
        self._count += 1
        if self._count < self._start_windows:
            return None
        self._state = SPEAKING
        return True, self._since_ms

    def _on_pause(self, at_ms: int) -> tuple[bool, int] | None:
        state = self._state
        if state is QUIET:
            return None
        if state is STARTING:
            self._state = QUIET
            return None
        if state is SPEAKING:
            self._state, self._count, self._since_ms = STOPPING, 0, at_ms
        self._count += 1
        if self._count < self._stop_windows:
            return None
        self._state = QUIET
        return False, self._since_ms

    def stop(self) -> bool:
        """The stream broke off; whether somebody was speaking."""
        spoke = self._state in (SPEAKING, STOPPING)
        self._state = QUIET
        return spoke

    def take_reset(self) -> bool:
        """Whether the model's state must be cleared before it hears more: that is due, and there is a clear pause just now. Asked after each run of windows."""
        due = self._since_reset >= RESET_WINDOWS and self.quiet and self._low >= PAUSE_WINDOWS
        if due:
            self._since_reset = 0
        return due
