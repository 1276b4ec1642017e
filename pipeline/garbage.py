"""When the whole heap is gone through for garbage: by the calls that have ended, and never of itself while calls are live.

Going through it takes about a millisecond for every live call, in which nobody's audio moves: 185 ms at 160 calls, every ten seconds by Python's own count and once more
at every call's end. Young objects are still collected as ever. Read next: `supervisor`.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE = 700, 10
"""CPython's own thresholds (3.11 to 3.13): new objects, and rounds among the young, before the next older ones are gone through."""
NEVER = 1 << 30
"""The oldest, which are everything else, are not gone through by count."""
ROUNDS = 10
"""Rounds among the middle-aged, each of some 7,000 new objects, that CPython itself would let go by; here so many for each live call …"""
MOST_ROUNDS = 300
"""… and at most so many: a quarter of an hour at 160 calls, and at the very worst two million objects."""


def settle() -> None:
    """What has been loaded stays, and is not gone through again; from now on `Garbage` says when everything else is."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    gc.enable()


def is_due(*, live: int, ended: int, rounds: int) -> bool:
    """Whether it is worth its pause: as many calls have ended as are live, or enough `rounds` among the middle-aged have gone by.

    Finished calls are reference cycles around large native objects (pipecat.md §9); of them at most as many wait to be collected as are live.
    """
    return (ended > 0 and ended >= live) or rounds >= min(ROUNDS * (1 + live), MOST_ROUNDS)


class Garbage:
    """One process's."""

    def __init__(self) -> None:
        self._ended = 0

    def call_ended(self) -> None:
        """A call's tasks have let go of it, and left it behind as a cycle."""
        self._ended += 1

    def look(self, live: int) -> None:
        """Collect everything if that is due, with so many calls live."""
        if is_due(live=live, ended=self._ended, rounds=gc.get_count()[2]):
            self._ended = 0
            gc.collect()
