"""When to leave a failing vendor alone: a circuit breaker as a plain state machine, told the time and asked before each call.

closed → (`THRESHOLD` failures in a row, or a pause the vendor asked for) → open → (the pause is over) → one trial → closed, or open for twice
as long. Read next: `bridge.clients.gemini`, which owns one for each purpose.
"""

from __future__ import annotations

THRESHOLD = 3
"""Failures in a row that open it."""
FIRST_PAUSE_SECONDS = 20.0
LONGEST_PAUSE_SECONDS = 300.0


class Breaker:
    """Seconds are of any clock that only goes forward. Every admitted call must end in `succeeded`, `failed` or `abandoned`."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._open_until: float | None = None
        self._trial = False

    def admits(self, now: float) -> bool:
        """Whether a call may be made; after a pause exactly one may, until it is known how it went."""
        if self._open_until is None:
            return True
        if now < self._open_until or self._trial:
            return False
        self._trial = True
        return True

    def wait(self, now: float) -> float:
        """Seconds until the next trial; 0 when a call would be admitted or a trial is under way."""
        return max(0.0, self._open_until - now) if self._open_until is not None else 0.0

    def troubled(self, now: float) -> bool:
        """Whether the vendor failed lately and has not answered since: while it is left alone, and some time after, until somebody tries."""
        return self._open_until is not None and now < self._open_until + LONGEST_PAUSE_SECONDS

    def succeeded(self) -> None:
        """The vendor answered, whatever the answer was worth."""
        self._failures, self._pause, self._open_until, self._trial = 0, FIRST_PAUSE_SECONDS, None, False

    def failed(self, now: float, *, pause_seconds: float | None = None) -> None:
        """The vendor did not answer; `pause_seconds` is what it asked for, and opens at once."""
        self._failures += 1
        if pause_seconds is not None:
            self._open(now + min(pause_seconds, LONGEST_PAUSE_SECONDS))
        elif self._trial or self._failures >= THRESHOLD:
            self._open(now + self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def abandoned(self) -> None:
        """The call was given up by us: it says nothing about the vendor, and a trial is free again."""
        self._trial = False

    def _open(self, until: float) -> None:
        # A call that began before may still fail after the vendor asked for a longer pause.
        self._open_until = max(until, self._open_until or until)
        self._trial = False
