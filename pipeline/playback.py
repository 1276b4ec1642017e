"""Interviewer audio as it is heard: into the recording, at 16 kHz, at its place on the call clock."""

from __future__ import annotations

from collections.abc import Callable

from bridge.wire.candidate import SAMPLE_RATE

from .recorder import CallRecorder
from .sound import resampler


class PlaybackTap:
    """Takes what the output transport sends. Audio that a barge-in dropped was never sent, so it is never recorded."""

    def __init__(self, rate: int, clock: Callable[[], int], recorder: CallRecorder | None) -> None:
        self._rate = rate
        self._clock = clock
        self.recorder = recorder
        """None once nothing can be recorded any more."""
        self._resample = resampler(rate, SAMPLE_RATE)

    def played(self, pcm: bytes, in_ms: int) -> None:
        """Audio at the wire's rate that begins to be heard `in_ms` from now."""
        if self.recorder is not None:
            self.heard(self._resample(pcm), in_ms)

    def heard(self, pcm: bytes, in_ms: int) -> None:
        """Audio at 16 kHz that begins to be heard `in_ms` from now."""
        if self.recorder is not None:
            self.recorder.interviewer(pcm, self._clock() + in_ms)
