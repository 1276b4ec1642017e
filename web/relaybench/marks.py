"""Markers in audio: each 20 ms carries a number and the time at which it was sent, so that loss, order and latency are known at the other end.

Times are CLOCK_MONOTONIC, which all processes of a machine share. A stream is searched for markers, since a relay may cut it anew.
"""

from __future__ import annotations

import random
import struct
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

FRAME_BYTES = 640
FRAME_SECONDS = 0.02
MAGIC = b"\xa7\x50\x72\x4b"
MARK = struct.Struct("<4sIQ")
COUNTED = 1 << 31
"""Set in the number of a frame that was sent while the measurement ran."""


def noise(seconds: float = 2.0) -> bytes:
    """A voice's place taken by noise: 16 kHz PCM16, loud for a second, soft for another."""
    chance = random.Random(1)  # noqa: S311 - no secret
    loud = [int(chance.gauss(0, 3000 if n < 16_000 else 100)) for n in range(int(seconds * 16_000))]
    return struct.pack(f"<{len(loud)}h", *loud)


class Sender:
    """One stream's frames, one after the other."""

    def __init__(self, audio: bytes, offset: int) -> None:
        whole = len(audio) // FRAME_BYTES
        self._frames = [audio[n * FRAME_BYTES + MARK.size : (n + 1) * FRAME_BYTES] for n in range(whole)]
        self._seq = 0
        self._offset = offset
        self.counted = 0

    def next(self, *, counting: bool) -> bytes:
        """The next frame, stamped now."""
        self._seq += 1
        self.counted += counting
        frame = self._frames[(self._seq + self._offset) % len(self._frames)]
        return MARK.pack(MAGIC, self._seq | (COUNTED if counting else 0), time.monotonic_ns()) + frame


@dataclass
class Tally:
    """What came in on many streams."""

    got: int = 0
    disorder: int = 0
    took: array[float] = field(default_factory=lambda: array("f"))
    """Milliseconds."""
    late: array[float] = field(default_factory=lambda: array("f"))
    """Milliseconds by which our own sending was late: a load that is itself short of CPU measures nothing."""

    def summary(self) -> dict[str, Any]:
        """Counts and percentiles."""
        return {
            "got": self.got, "disorder": self.disorder, "p50": percentile(self.took, 50), "p99": percentile(self.took, 99),
            "late": percentile(self.late, 99),
        }  # fmt: skip


def percentile(values: array[float], percent: int) -> float:
    """The percentile, nan of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


class Receiver:
    """One stream's markers."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._tail = b""
        self._last = 0

    def feed(self, audio: bytes) -> None:
        """Take audio as it comes."""
        now = time.monotonic_ns()
        data = self._tail + audio
        at = data.find(MAGIC)
        while 0 <= at <= len(data) - MARK.size:
            _, number, sent = MARK.unpack_from(data, at)
            if 0 <= now - sent < 60_000_000_000:
                self._note(number, (now - sent) / 1e6)
            at = data.find(MAGIC, at + MARK.size)
        self._tail = data[-(MARK.size - 1) :]

    def _note(self, number: int, ms: float) -> None:
        seq = number & ~COUNTED
        if seq <= self._last:
            self._tally.disorder += 1
            return
        self._last = seq
        if number & COUNTED:
            self._tally.got += 1
            self._tally.took.append(ms)
