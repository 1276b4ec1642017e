"""Which audio belongs to which utterance: pre-roll, what is not yet recognised, and where it stood on the clock. Pure bookkeeping.

The clock counts every sample that reached the service, so a position is the same for the recogniser, for us and after a restart. Audio is
kept until the recogniser has finished the piece it lies in; that copy is what a restarted recogniser is told again. Read next: `sphinx`.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .sphinx_wire import RATE

KEEP_S = 3.0
"""Seconds of the immediate past kept for pre-roll."""


@dataclass
class Utterance:
    """One stretch of speech, from voice activity starting to its stopping."""

    id: int
    start: int
    """Clock position of its first sample, pre-roll included."""
    started_at: float
    """`time.monotonic()` of that sample."""
    chunks: deque[bytes] = field(default_factory=deque)
    """Audio from `done` on."""
    done: int = 0
    """Samples of it that are recognised for good."""
    fed: int = 0
    """Samples of it there are."""
    heard: int = 0
    """Samples of it the recogniser has listened to."""
    closed: bool = False
    retold: bool = False
    """Whether a recogniser has already died on it."""
    pieces: int = 0
    held: Any = None
    """The newest words and where they lie, until it is known whether more follow."""

    def add(self, pcm: bytes) -> None:
        """Append audio."""
        self.chunks.append(pcm)
        self.fed += len(pcm) // 2

    def finish(self, at: int) -> None:
        """The recogniser is done with everything before sample `at`."""
        while self.chunks and self.done + len(self.chunks[0]) // 2 <= at:
            self.done += len(self.chunks.popleft()) // 2
        if self.chunks and self.done < at:
            self.chunks[0] = self.chunks[0][(at - self.done) * 2 :]
            self.done = at
        self.heard = max(self.heard, at)
        self.pieces += 1


class Ears:
    """Every sample passes through `hear`; utterances open and close around them."""

    def __init__(self, preroll_secs: float) -> None:
        self._preroll = round(preroll_secs * RATE)
        self._recent = bytearray()
        self._free_from = 0
        """First sample that no utterance has taken."""
        self._ids = 0
        self.clock = 0
        """Samples heard since the service started."""
        self.open: Utterance | None = None
        self.pending: deque[Utterance] = deque()
        """Utterances not recognised to their end, oldest first; the open one is the last."""

    def hear(self, pcm: bytes) -> Utterance | None:
        """Take audio in; returns the utterance it belongs to."""
        self.clock += len(pcm) // 2
        self._recent += pcm
        if len(self._recent) > KEEP_S * RATE * 2:
            del self._recent[: len(self._recent) - int(KEEP_S * RATE) * 2]
        if self.open is not None:
            self.open.add(pcm)
            self._free_from = self.clock
        return self.open

    def begin(self, late_secs: float = 0.0) -> Utterance:
        """Open an utterance reaching back over the pre-roll, `late_secs` further, and never into the one before."""
        back = min(self._preroll + round(max(0.0, late_secs) * RATE), self.clock - self._free_from, len(self._recent) // 2)
        utterance = Utterance(self._ids, self.clock - back, time.monotonic() - back / RATE)
        if back:
            utterance.add(bytes(self._recent[-back * 2 :]))
        self._ids += 1
        self._free_from = self.clock
        self.open = utterance
        self.pending.append(utterance)
        return utterance

    def close(self) -> Utterance | None:
        """Close the open utterance."""
        utterance, self.open = self.open, None
        if utterance is not None:
            utterance.closed = True
        return utterance

    def find(self, utterance_id: int) -> Utterance | None:
        """A pending utterance."""
        return next((u for u in self.pending if u.id == utterance_id), None)

    def drop(self, utterance: Utterance) -> None:
        """It is recognised, or given up."""
        if utterance in self.pending:
            self.pending.remove(utterance)
        if utterance is self.open:
            self.open = None

    @property
    def owed(self) -> bool:
        """Whether the recogniser has something to say: audio it has not listened to, or an end it has not reported."""
        return any(u.closed or u.fed - u.heard > RATE for u in self.pending)

    @property
    def waiting_secs(self) -> float:
        """Seconds of speech not recognised for good yet."""
        return sum(u.fed - u.done for u in self.pending) / RATE
