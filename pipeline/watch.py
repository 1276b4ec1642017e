"""What operators see and hear of one live call. Nothing in the call waits for them, and nobody in it hears them (M7).

Events come here once they are stored, sound once it is in the recording: both sides on the call clock, about two seconds late. Read next:
`bridge.usecases.live_feed`, `operating`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np

from bridge.domain.events import Speaker
from bridge.usecases.call_log import Entry
from bridge.usecases.live_feed import LiveFeed
from bridge.wire.candidate import SAMPLE_RATE
from bridge.wire.live import LiveItem

LEVEL_MS = 200
LISTENER_SECONDS = 10
"""Seconds of sound, about, that wait for a slow listener before it loses the oldest."""


class CallWatch:
    """One leg's window."""

    def __init__(self, feed: LiveFeed, session_id: str, clock: Callable[[], int]) -> None:
        self._feed = feed
        self._session_id = session_id
        self._clock = clock
        self._listeners: set[asyncio.Queue[bytes]] = set()

    def stored(self, entry: Entry) -> None:
        """An event is durable."""
        self._feed.stored(self._session_id, entry.seq, entry.event)

    def partial(self, speaker: Speaker, text: str) -> None:
        """Words that may still change."""
        self._pass("partial", speaker=speaker.value, text=text)

    def _pass(self, kind: str, **data: object) -> None:
        if self._feed.watched(self._session_id):
            self._feed.publish(self._session_id, LiveItem(kind, self._clock(), dict(data)))

    def sound(self, frames: bytes) -> None:
        """Interleaved PCM16 of both sides (candidate left, interviewer right) that went into the recording."""
        if not frames:
            return
        for listener in self._listeners:
            if listener.full():
                listener.get_nowait()
            listener.put_nowait(frames)
        if self._feed.watched(self._session_id):
            candidate, interviewer = levels(frames)
            self._pass("levels", candidate=candidate, interviewer=interviewer)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[bytes]]:
        """Hear both sides while the block runs; a slow listener loses the oldest sound."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(LISTENER_SECONDS)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """The leg is over: listeners get an empty piece."""
        for listener in self._listeners:
            with suppress(asyncio.QueueEmpty):
                while listener.full():
                    listener.get_nowait()
            listener.put_nowait(b"")


def levels(frames: bytes) -> tuple[list[float], list[float]]:
    """Loudness (RMS, 0 to 1) of both sides in steps of 200 ms."""
    sides = np.frombuffer(frames, dtype="<i2").reshape(-1, 2).astype(np.float32) / 32768.0
    step = SAMPLE_RATE * LEVEL_MS // 1000
    found = [np.sqrt(np.mean(np.square(sides[i : i + step]), axis=0)) for i in range(0, len(sides), step)]
    return [round(float(level[0]), 3) for level in found], [round(float(level[1]), 3) for level in found]
