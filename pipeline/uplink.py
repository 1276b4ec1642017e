"""Microphone to upstream: one 20 ms frame per 20 ms of wall clock, silence where nothing came, never a catch-up burst (vapi-protocol §2.2).

A frame goes out in the call that brought it when it is due, or due within `EARLY`; the ticker sends what had to wait and fills what is missing. Latency does
not stay after a network gap: of a standing backlog pauses are skipped, then single frames, and beyond `MAX_BACKLOG` the oldest audio goes. Read next: `downlink`.
"""

from __future__ import annotations

import numpy as np

from .sound import BYTES_PER_SECOND, FRAME_BYTES, FRAME_MS, SILENCE, Counters, Send

FRAME_SECONDS = FRAME_MS / 1000
EARLY_SECONDS = 0.02
"""Jitter taken without delaying a frame; with the frame due and one made up for, at most three go out together."""
PATIENCE_SECONDS = 0.02
"""How long a due frame is waited for before silence takes its place."""
AHEAD_SECONDS = 0.01
"""A microphone may begin, or go on after silence was filled in, a whole frame ahead of its places, where every bit of jitter has it wait; this much ahead it is at ease."""
SLIDE_SECONDS = 0.001
"""By so much a frame the places come forward to it, a twentieth faster, …"""
SLIDE_MOST = 0.06
"""… and by so much in all, until silence was filled in again or a frame was late: no burst, and no way to speak faster than time."""
MAX_BACKLOG = 300 * BYTES_PER_SECOND // 1000
STANDING_BACKLOG = 40 * BYTES_PER_SECOND // 1000
"""Audio still waiting when the next message comes: delay that does not go away by itself."""
QUIET_PEAK = 400
"""Samples below this (-38 dBFS) are a pause, which is skipped at once."""
SKIP_SECONDS = 0.25
"""Without a pause, a frame this often is skipped all the same: it is hardly heard, and delay always is."""


class Uplink:
    """One call's microphone audio on its way up."""

    __slots__ = (
        "_counters",
        "_due",
        "_filling",
        "_may_slide",
        "_muted",
        "_send",
        "_skipped_at",
        "backlog",
    )

    def __init__(self, counters: Counters, now: float) -> None:
        self._counters = counters
        self._send: Send | None = None
        self._muted = False
        self.backlog = bytearray()
        """Audio that waits for its place; a tick sends it."""
        self._due = now
        self._skipped_at = now
        self._filling = True
        self._may_slide = SLIDE_MOST

    @property
    def fills_at(self) -> float:
        """When silence takes the place of the next frame, unless it has come."""
        return self._due if self._filling else self._due + PATIENCE_SECONDS

    def connect(self, send: Send | None, now: float) -> None:
        """Send there from now on; None for nowhere. What waited for another is out of date."""
        self._drop()
        self._send = send
        self._due = max(self._due, now)

    def mute(self, on: bool) -> None:
        """Silence from the next frame on, or the microphone again."""
        self._muted = on
        if on:
            self._drop()

    def forget(self) -> None:
        """Drop what waits: its speaker is gone."""
        self._drop()

    def _drop(self) -> None:
        self._counters.up_dropped_bytes += len(self.backlog)
        self.backlog.clear()
        self._filling = True

    def take(self, pcm: bytes, now: float) -> None:
        """One microphone message."""
        self._counters.up_bytes += len(pcm)
        self._counters.last_up_at = now
        if self._muted:
            self._counters.up_dropped_bytes += len(pcm)
            return
        backlog = self.backlog
        if self._may_slide > 0 and self._due - now > AHEAD_SECONDS and len(backlog) < STANDING_BACKLOG:
            slide = min(self._may_slide, SLIDE_SECONDS * len(pcm) / FRAME_BYTES)
            self._may_slide -= slide
            self._due -= slide
        if not backlog and len(pcm) == FRAME_BYTES and now >= self._due - EARLY_SECONDS:
            self._forward(pcm, now)
            return
        if len(backlog) >= STANDING_BACKLOG:
            self._catch_up(now)
        else:
            self._skipped_at = now
        backlog += pcm
        self._filling = False
        if len(backlog) > MAX_BACKLOG:
            self._counters.up_dropped_bytes += len(backlog) - MAX_BACKLOG
            del backlog[: len(backlog) - MAX_BACKLOG]
        self._pump(now)

    def tick(self, now: float) -> None:
        """Send what has become due, or silence in its place; without a `backlog` there is nothing to do before `fills_at`."""
        if len(self.backlog) >= FRAME_BYTES:
            self._pump(now)
        elif now >= self.fills_at:
            self._fill(now)

    def _pump(self, now: float) -> None:
        while len(self.backlog) >= FRAME_BYTES and now >= self._due - EARLY_SECONDS:
            frame = bytes(self.backlog[:FRAME_BYTES])
            del self.backlog[:FRAME_BYTES]
            self._forward(frame, now)

    def _fill(self, now: float) -> None:
        """A frame of silence; it completes a torn frame, which would otherwise wait for ever."""
        torn = bytes(self.backlog)
        self.backlog.clear()
        self._counters.up_filled += self._forward(torn + SILENCE[len(torn) :], now)
        self._filling = True
        self._may_slide = SLIDE_MOST

    def _forward(self, frame: bytes, now: float) -> bool:
        self._filling = False
        self._due += FRAME_SECONDS
        if self._due < now:
            self._due = now
            self._may_slide = SLIDE_MOST
        if self._send is None:
            return False
        if self._send(frame):
            self._counters.up_frames += 1
            return True
        self._counters.up_dropped_bytes += FRAME_BYTES
        return False

    def _catch_up(self, now: float) -> None:
        """Skip the oldest frame, if it is a pause or none was skipped for a while."""
        head = np.frombuffer(self.backlog, dtype="<i2", count=FRAME_BYTES // 2).astype(np.int32)
        quiet = int(np.abs(head).max()) < QUIET_PEAK
        if quiet or now - self._skipped_at >= SKIP_SECONDS:
            del self.backlog[:FRAME_BYTES]
            self._counters.up_dropped_bytes += FRAME_BYTES
            self._skipped_at = now
