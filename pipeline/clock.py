"""The call clock: milliseconds of interview, running only while a candidate is connected, and the recording's own time line.

`MicClock` maps microphone audio (counted in samples) onto it, so that turn times come from audio and not from arrival (M5).
"""

from __future__ import annotations

import time
from collections.abc import Callable

GAP_MS = 250
"""Microphone audio this far off its expected place starts a new anchor: it stood still (mute, lost network) or came in a burst."""


class CallClock:
    """Milliseconds since the interview began, continued from `base_ms` on a resumed leg."""

    def __init__(self, base_ms: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._base_ms = base_ms
        self._monotonic = monotonic
        self._began = monotonic()

    def __call__(self) -> int:
        """Now, in milliseconds."""
        return self._base_ms + int((self._monotonic() - self._began) * 1000)


class MicClock:
    """Where on the call clock each millisecond of microphone audio belongs."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._fed_ms = 0.0
        self._anchors: list[tuple[float, float]] = []

    def feed(self, duration_ms: float) -> int:
        """Take `duration_ms` of audio that has just arrived; returns the call time of its first sample."""
        arrived = self._clock() - duration_ms
        if not self._anchors or abs(self.at(self._fed_ms) - arrived) > GAP_MS:
            self._anchors.append((self._fed_ms, max(0.0, arrived)))
        start = self.at(self._fed_ms)
        self._fed_ms += duration_ms
        return start

    def at(self, fed_ms: float) -> int:
        """Call time of the audio `fed_ms` into the microphone stream."""
        for anchor_fed, anchor_clock in reversed(self._anchors):
            if anchor_fed <= fed_ms:
                return int(anchor_clock + fed_ms - anchor_fed)
        return self._clock()
