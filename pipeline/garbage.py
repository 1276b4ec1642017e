"""When the whole heap is gone through for garbage: by the calls that have ended, and never of itself while calls are live.

Going through it takes about a millisecond for every live call, in which nobody's audio moves: 185 ms at 160 calls, every ten seconds by Python's own count and once more
at every call's end. Young objects are still collected as ever. Read next: `supervisor`.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE = 700, 10
"""Python's own thresholds."""
NEVER = 1 << 30
ROUNDS = 10
"""Rounds of the middle generation that Python itself would let go by."""


def settle() -> None:
    """What has been loaded stays, and is not gone through again; from now on `Garbage` says when everything else is."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.enable()


def is_due(*, live: int, ended: int, rounds: int) -> bool:
    """Whether it is worth its pause: as many calls have ended as are live, or so many objects have grown old as so many calls may leave behind.

    Finished calls are reference cycles around large native objects (pipecat.md §9), so what waits to be collected is at most as much as is in use.
    """
    return (ended > 0 and ended >= live) or rounds >= ROUNDS * (1 + live)


class Garbage:
    """One process's."""

    def __init__(self) -> None:
        self._ended = 0

    def call_ended(self) -> None:
        """A call has left something behind."""
        self._ended += 1

    def look(self, live: int) -> None:
        """Collect everything if that is due, with so many calls live."""
        if is_due(live=live, ended=self._ended, rounds=gc.get_count()[2]):
            self._ended = 0
            gc.collect()
