"""Ears and mouth of a candidate without a browser: when the interviewer is silent, and a microphone that is always on.

`Hearing` plays the interviewer's audio on a clock of its own: what has arrived is heard at the speed it plays. `Microphone` sends 20 ms messages at
wall-clock pace, silence when nothing is being said. Read next: `client`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bridge.wire.candidate import BYTES_PER_MS

FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
SILENT_FRAME = bytes(FRAME_BYTES)
LOST_STOP_SECONDS = 3.0
"""Without audio for this long the interviewer has stopped, even if nobody said so."""
GAP_SECONDS = 2.5
"""Silence that counts as an end even if no line was said to be over."""
LOOK_SECONDS = 0.02


class Hearing:
    """The interviewer as heard: speaking while RTVI says so or audio is still playing."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self.forget()

    def forget(self) -> None:
        """A new connection: nothing was heard on it yet."""
        self._playing_until = self._now()
        self._speaking_since: float | None = None
        self.lines = 0
        """Lines begun on this connection."""
        self.cut = False
        """The last line was flushed by a barge-in and no other has begun."""
        self.line_over = False
        """The server has stored the line being heard, so it is whole."""
        self.first_audio_at: float | None = None
        """When the line being heard began."""

    def audio(self, pcm: bytes) -> None:
        """Audio that has arrived."""
        now = self._now()
        if now >= self._playing_until:
            self.first_audio_at = now
        self._playing_until = max(now, self._playing_until) + len(pcm) / (1000 * BYTES_PER_MS)

    def flush(self) -> None:
        """What has not been heard yet never will be."""
        self._playing_until = self._now()
        self._speaking_since, self.cut = None, True

    def started(self) -> None:
        """RTVI: the interviewer begins to speak."""
        if self._speaking_since is None:
            self._speaking_since = self._now()
            self.lines += 1
            self.line_over = False
        self.cut = False

    def line_said(self) -> None:
        """The whole line has been sent and stored."""
        self.line_over = True

    def stopped(self) -> None:
        """RTVI: the interviewer has stopped."""
        self._speaking_since = None

    @property
    def silent_for(self) -> float:
        """Seconds since the interviewer was last heard; 0 while speaking."""
        quiet = max(0.0, self._now() - self._playing_until)
        if self._speaking_since is not None and quiet < LOST_STOP_SECONDS:
            return 0.0
        return quiet

    @property
    def speaking_for(self) -> float:
        """Seconds the interviewer has been speaking without a pause; 0 when silent."""
        if self._speaking_since is None or self.silent_for:
            return 0.0
        return self._now() - self._speaking_since

    async def silence(self, seconds: float) -> None:
        """Return once the interviewer has been silent this long at the end of a line; a gap within one is no end."""
        while self.silent_for < (seconds if self.line_over else GAP_SECONDS):
            await asyncio.sleep(LOOK_SECONDS)


class Microphone:
    """20 ms messages at wall-clock pace for as long as `run` runs."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._now = monotonic
        self._pcm = b""
        self.sent = 0
        """Bytes sent of what was last to be said."""
        self._said = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled. Raises ConnectionError when the socket is gone."""
        due = self._now()
        while True:
            frame = self._pcm[self.sent : self.sent + FRAME_BYTES]
            await self._send(frame + SILENT_FRAME[len(frame) :])
            if frame:
                self.sent += len(frame)
                if self.sent >= len(self._pcm):
                    self._said.set()
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - self._now()))

    async def say(self, pcm: bytes, give_way: Callable[[], bool]) -> None:
        """Send this instead of silence; returns once all is sent, or once `give_way` says to stop. `sent` tells how far it got."""
        self._pcm, self.sent = pcm, 0
        self._said.clear()
        try:
            while pcm and not self._said.is_set() and not give_way():
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._pcm = b""
