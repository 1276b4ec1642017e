"""Two-channel recording on the call clock: candidate left, interviewer right, silence where nobody speaks (R-053, M5).

Audio comes in with the call time of its first sample; a second is held back so that late audio still finds its place. Samples, not messages, decide the
position: millisecond t of the call is frame 16 t of the file. Read next: `bridge.ports.RecordingFile`.
"""

from __future__ import annotations

import numpy as np

from bridge.ports import RecordingFile

PER_MS = 16
"""Samples of one channel a millisecond (16 kHz)."""
HOLD_MS = 1_000
JITTER_MS = 250
"""Audio this close to the end of what is there is taken as its continuation."""


class _Channel:
    def __init__(self) -> None:
        self.samples = bytearray()

    def put(self, pcm: bytes, offset_ms: int) -> None:
        """Lay `pcm` at `offset_ms` from the channel's first kept sample, or right behind what is there."""
        have_ms = len(self.samples) // (2 * PER_MS)
        if offset_ms - have_ms > JITTER_MS:
            self.samples.extend(bytes((offset_ms - have_ms) * 2 * PER_MS))
        self.samples.extend(pcm)

    def take(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        """The first `count` samples, silence where there are fewer."""
        raw = bytes(self.samples[: count * 2])
        del self.samples[: count * 2]
        return np.frombuffer(raw + bytes(count * 2 - len(raw)), dtype="<i2")


class CallRecorder:
    """Writes one leg into the session's recording, from `base_ms` on."""

    def __init__(self, file: RecordingFile, base_ms: int) -> None:
        self._file = file
        self._written_ms = file.duration_ms
        self._candidate = _Channel()
        self._interviewer = _Channel()
        self._pad_to(base_ms)

    def _pad_to(self, ms: int) -> None:
        while self._written_ms < ms:
            step = min(ms - self._written_ms, 10_000)
            self._file.append(bytes(step * PER_MS * 4))
            self._written_ms += step

    def candidate(self, pcm: bytes, at_ms: int) -> None:
        """Microphone audio, PCM16 16 kHz mono, whose first sample is at `at_ms`."""
        self._candidate.put(pcm, at_ms - self._written_ms)

    def interviewer(self, pcm: bytes, at_ms: int) -> None:
        """Interviewer audio as it is played, PCM16 16 kHz mono."""
        self._interviewer.put(pcm, at_ms - self._written_ms)

    def flush(self, until_ms: int) -> bytes:
        """Write everything before `until_ms`; the frames written, candidate left, interviewer right."""
        count = (until_ms - self._written_ms) * PER_MS
        if count <= 0:
            return b""
        frames = np.empty(count * 2, dtype="<i2")
        frames[0::2] = self._candidate.take(count)
        frames[1::2] = self._interviewer.take(count)
        written = frames.tobytes()
        self._file.append(written)
        self._written_ms = until_ms
        return written

    def close(self, at_ms: int) -> None:
        """Write the rest and close the file."""
        self.flush(at_ms)
        self._file.close()
