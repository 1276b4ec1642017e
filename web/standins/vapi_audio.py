"""Sound of one call: how the uplink kept time, when the candidate speaks, the paced downlink, and the recording.

Everything counts PCM16 LE mono at the call's own rate. Read next: `vapi_call`.
"""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

FRAME_MS = 20
LOUD = 300.0
"""Root mean square from which on a frame holds a voice."""
ONSET_MS = 60
"""Voice in a row that begins a turn."""
BURST_MS = 500
LAG_SECONDS = 0.1
"""Lateness of our own that is made up for; more is lost, so that there is no burst."""
ODD_SHIFT = 1
"""Bytes by which every other downlink message is too long, and the next too short, when audio is to be odd."""


@dataclass
class Uplink:
    """What the client's audio did against the wall clock."""

    rate: int
    frames: int = 0
    bytes: int = 0
    odd_frames: int = 0
    """Messages of an odd number of bytes: half a sample."""
    first_at: float | None = None
    """Monotonic time of the first message."""
    last_at: float = 0.0
    max_gap_ms: float = 0.0
    """Longest time without a message."""
    max_burst: int = 0
    """Longest run of messages each of which came within a quarter of its own length after the one before: a catch-up burst."""
    max_ahead_ms: float = 0.0
    """Most audio that had come before its time."""
    max_behind_ms: float = 0.0
    """Most audio that was missing."""
    _run: int = 0

    def note(self, size: int, now: float) -> None:
        """A message of `size` bytes came."""
        length_ms = size * 500 / self.rate
        if self.first_at is None:
            self.first_at = now
        else:
            gap_ms = (now - self.last_at) * 1000
            self.max_gap_ms = max(self.max_gap_ms, gap_ms)
            self._run = self._run + 1 if gap_ms < length_ms / 4 else 1
            self.max_burst = max(self.max_burst, self._run)
            lead = self.audio_ms - (now - self.first_at) * 1000
            self.max_ahead_ms, self.max_behind_ms = max(self.max_ahead_ms, lead), max(self.max_behind_ms, -lead)
        self.frames += 1
        self.bytes += size
        self.odd_frames += size % 2
        self.last_at = now

    @property
    def audio_ms(self) -> float:
        """Audio received."""
        return self.bytes * 500 / self.rate

    @property
    def wall_ms(self) -> float:
        """Time from the first message to the last."""
        return 0.0 if self.first_at is None else (self.last_at - self.first_at) * 1000

    def as_json(self) -> dict[str, float]:
        """For the control endpoint."""
        names = (
            "frames",
            "bytes",
            "odd_frames",
            "max_gap_ms",
            "max_burst",
            "max_ahead_ms",
            "max_behind_ms",
            "audio_ms",
            "wall_ms",
        )
        return {name: round(getattr(self, name), 1) for name in names}


class TurnDetector:
    """The candidate's turns by energy. Silence counts only when it is heard: an uplink that stops ends no turn."""

    def __init__(self, rate: int, silence_seconds: float) -> None:
        self._rate = rate
        self._silence_ms = silence_seconds * 1000
        self._onset_ms = 0.0
        self._quiet_ms = 0.0
        self.speaking = False
        self.voiced_ms = 0.0
        """Voice in the open turn, or in the last one."""

    def hear(self, pcm: bytes) -> Literal["started", "ended"] | None:
        """One message of audio."""
        samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2)
        if not len(samples):
            return None
        length_ms = len(samples) * 1000 / self._rate
        loud = float(np.sqrt(np.mean(np.square(samples, dtype=np.float32)))) >= LOUD
        if not self.speaking:
            self._onset_ms = self._onset_ms + length_ms if loud else 0.0
            if self._onset_ms < ONSET_MS:
                return None
            self.speaking, self.voiced_ms, self._onset_ms, self._quiet_ms = True, self._onset_ms, 0.0, 0.0
            return "started"
        if loud:
            self.voiced_ms += length_ms
            self._quiet_ms = 0.0
            return None
        self._quiet_ms += length_ms
        if self._quiet_ms < self._silence_ms:
            return None
        self.speaking = False
        return "ended"


class Mouth:
    """The downlink: 20 ms messages at wall-clock pace, speech when there is some, else silence (or nothing)."""

    def __init__(self, send: Callable[[bytes], Awaitable[bool]], rate: int, *, idle_audio: bool) -> None:
        """`send` gives False while there is nobody to hear; speech then waits."""
        self._send = send
        self._rate = rate
        self._idle_audio = idle_audio
        self._speech = b""
        self._at = 0
        self._over = asyncio.Event()
        self._something = asyncio.Event()
        self.muted = False
        self.bursty = False
        self.odd = False

    @property
    def share(self) -> float:
        """How much of the last speech has been sent, 0 to 1."""
        return self._at / len(self._speech) if self._speech else 1.0

    def say(self, pcm: bytes) -> None:
        """Speak; whatever was being said is dropped."""
        self._speech, self._at = pcm, 0
        self._over.clear()
        self._something.set()

    def cut(self) -> None:
        """Stop at once."""
        self._over.set()

    async def finished(self, seconds: float) -> bool:
        """Wait at most so long for the end of speech; whether it is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic()
        shift = 0
        while True:
            if not self._idle_audio and (self._over.is_set() or not self._speech):
                self._something.clear()
                await self._something.wait()
                due = max(due, time.monotonic())
            length_ms = BURST_MS if self.bursty and self._talking else FRAME_MS
            shift = -shift if shift > 0 else ODD_SHIFT * self.odd
            await self._step(self._rate * length_ms // 1000 * 2 + shift)
            due = max(due + length_ms / 1000, time.monotonic() - LAG_SECONDS)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    @property
    def _talking(self) -> bool:
        return not self._over.is_set() and self._at < len(self._speech)

    async def _step(self, size: int) -> None:
        talking = self._talking
        piece = self._speech[self._at : self._at + size] if talking else b""
        frame = bytes(size) if self.muted else piece + bytes(size - len(piece))
        if not await self._send(frame):
            return
        if talking and not self._over.is_set():
            self._at += len(piece)
            if self._at >= len(self._speech):
                self._over.set()


@dataclass
class Tape:
    """Both sides of a call, each placed where it was on the call's clock."""

    rate: int
    _began: float = field(default_factory=time.monotonic)
    _sides: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))

    def candidate(self, pcm: bytes) -> None:
        """Audio from the client."""
        self._put(0, pcm)

    def assistant(self, pcm: bytes) -> None:
        """Audio to the client."""
        self._put(1, pcm)

    def _put(self, side: int, pcm: bytes) -> None:
        track = self._sides[side]
        now = int((time.monotonic() - self._began) * self.rate) * 2
        if now - len(track) > self.rate // 5:  # a tenth of a second behind: there was a gap
            track.extend(bytes(now - len(track)))
        track.extend(pcm)

    def wav(self, what: Literal["mono", "stereo", "customer", "assistant"]) -> bytes:
        """As a WAV file; `stereo` has the candidate on the left."""
        size = max(len(track) for track in self._sides) // 2 * 2
        left, right = (np.frombuffer(bytes(track).ljust(size, b"\0")[:size], dtype="<i2") for track in self._sides)
        mixed = {
            "customer": left,
            "assistant": right,
            "stereo": np.stack([left, right], axis=1).reshape(-1),
            "mono": np.clip(left.astype(np.int32) + right, -32_768, 32_767).astype("<i2"),
        }[what]
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(2 if what == "stereo" else 1)
            out.setsampwidth(2)
            out.setframerate(self.rate)
            out.writeframes(mixed.tobytes())
        return file.getvalue()
