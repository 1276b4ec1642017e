"""What both directions of a relay share: lengths, counters, the tap that gathers small messages for whoever listens, loudness, another rate.

Read next: `uplink`, `downlink`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from bridge.wire.candidate import BYTES_PER_MS

BYTES_PER_SECOND = BYTES_PER_MS * 1000
FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
SILENCE = bytes(FRAME_BYTES)
GATHER_BYTES = 100 * BYTES_PER_MS
GATHER_SECONDS = 0.12
"""A tap waits no longer than this for more."""
JITTER_SECONDS = 0.03
"""Audio whose place is this near the end of what was gathered is its continuation."""

Send = Callable[[bytes], bool]
"""Writes one binary message without waiting; False when the socket is gone or its buffer is full, and nothing was taken."""

Tap = Callable[[bytes, int], None]
"""Called with 100 to 240 ms of PCM16 16 kHz mono (the rest before a pause may be shorter) and the ms from now at which its first sample is heard; negative for the past."""


@dataclass(slots=True)
class Counters:
    """What went through since the relay was made. Times are of the relay's monotonic clock, 0.0 for never."""

    up_frames: int = 0
    """20 ms frames sent upstream, filled ones included."""
    up_filled: int = 0
    """Of these, frames of silence because no microphone audio was there."""
    up_bytes: int = 0
    """Microphone bytes taken from candidates."""
    up_dropped_bytes: int = 0
    """Microphone audio thrown away: beyond the backlog's cap, pauses skipped to catch up, refused by the upstream."""
    down_messages: int = 0
    down_bytes: int = 0
    """Taken from upstream."""
    played_bytes: int = 0
    """Sent to candidates."""
    down_dropped_bytes: int = 0
    """Upstream audio thrown away: nobody there, a candidate too slow, beyond the queue's cap, a changed upstream."""
    flushed_bytes: int = 0
    """Upstream audio thrown away by barge-ins."""
    last_up_at: float = 0.0
    last_down_at: float = 0.0
    last_sound_at: float = 0.0
    """When upstream last sent anything but digital silence."""


class Gatherer:
    """Gathers consecutive audio and hands it on in pieces of about 100 ms, with the place of its first sample."""

    __slots__ = ("_audio", "_began", "_length", "_tap", "due", "newest")

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._audio: list[bytes] = []
        self._length = 0
        self._began = 0.0
        self.due = math.inf
        """When what there is has waited long enough."""
        self.newest = b""

    def add(self, pcm: bytes, at: float, now: float) -> None:
        """Take audio whose first sample is heard at monotonic time `at`; nothing happens without any."""
        if not pcm:
            return
        if self._length and abs(self._began + self._length / BYTES_PER_SECOND - at) > JITTER_SECONDS:
            self.hand_on(now)
        if not self._length:
            self._began, self.due = at, now + GATHER_SECONDS
        self._audio.append(pcm)
        self._length += len(pcm)
        if self._length >= GATHER_BYTES:
            self.hand_on(now)

    def tick(self, now: float) -> None:
        """Hand on what has waited long enough."""
        if now >= self.due:
            self.hand_on(now)

    def hand_on(self, now: float) -> None:
        """Hand on what there is."""
        if self._length:
            self.newest = b"".join(self._audio)
            self._audio.clear()
            self._length = 0
            self.due = math.inf
            self._tap(self.newest, round((self._began - now) * 1000))

    @property
    def level(self) -> float:
        """Loudness of the newest piece, 0 to 1."""
        return loudness(self.newest)


def loudness(pcm: bytes) -> float:
    """RMS of PCM16, 0 to 1; 0 of nothing. Every eighth sample tells as much."""
    # For more than 500 elements, and for `dot` always, numpy lets go of the GIL, and the event loop would then wait for it.
    samples = np.frombuffer(pcm, dtype="<i2")[::8].astype(np.float32)
    return math.sqrt(float(np.vdot(samples, samples)) / len(samples)) / 32768 if len(samples) else 0.0


def resampler(from_rate: int, to_rate: int) -> Callable[[bytes], bytes]:
    """PCM16 mono from one rate to another, piece by piece."""
    if from_rate == to_rate:
        return lambda pcm: pcm
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16")

    def resample(pcm: bytes) -> bytes:
        turned: bytes = stream.resample_chunk(np.frombuffer(pcm, dtype="<i2")).astype("<i2").tobytes()
        return turned

    return resample
