"""How long Gemini is waited for, and what follows when it does nothing (F2, F7): no silence of more than three seconds without a word to the candidate.

Plain Python over a monotonic clock. A line to be said, a candidate who has stopped, a connection being dialled each start a wait; sound, a tool call or patience end
it. Read next: `gemini`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto

CONNECT_SECONDS = 8.0
"""All dialling together; then another engine takes over."""
MOMENT_SECONDS = 3.0
"""A wait that gets longer is told to the candidate."""
SPEECHLESS_SECONDS = 6.5
"""No sound so long after something was given to be said: it is lost."""
NUDGE_SECONDS = 5.0
"""A candidate has stopped so long ago without an answer: the interviewer is told that they have."""
SILENT_SECONDS = 9.0
"""So long: it is lost."""
SPEECH_MS = 800
"""What is shorter was no answer: a cough, a yes."""


class Verdict(Enum):
    """What is to be done now; each once a wait."""

    FINE = auto()
    CONNECTING = auto()
    ONE_MOMENT = auto()
    NUDGE = auto()
    LOST = auto()


NOTICES = {
    Verdict.CONNECTING: ("connecting", "Still connecting to the voice service…"),
    Verdict.ONE_MOMENT: ("one_moment", "One moment, please…"),
}
"""Code and words of a wait the candidate is told of."""


class GeminiWatch:
    """One leg's waiting."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._dialled_at: float | None = None
        self._given_at: float | None = None
        self._asked_at: float | None = None
        self._patient = False
        self._told: set[Verdict] = set()
        self.turn_is_over = False
        """What was given last has been said in full."""

    def dialled(self) -> None:
        """A connection is being made."""
        self._dialled_at = self._dialled_at or self._monotonic()
        self._told.clear()

    def connected(self) -> None:
        """It is there: what waits to be said is waited for from now on."""
        self._dialled_at = None
        self._told.clear()
        if self._given_at is not None:
            self._given_at = self._monotonic()

    def given(self) -> None:
        """The interviewer has something to say: a line, a tool's answer."""
        self._given_at, self._asked_at = self._monotonic(), None
        self.turn_is_over = False
        self._told.clear()

    def asked(self) -> None:
        """The candidate has answered in another way than by voice: typed, or by the button."""
        self._asked_at = self._monotonic()
        self._told.clear()

    def candidate(self, *, speaking: bool, lasted_ms: int = 0) -> None:
        """The candidate began or stopped to speak."""
        if speaking:
            self._asked_at, self._patient = None, False
        elif lasted_ms >= SPEECH_MS and not self._patient:
            self.asked()

    def heard(self) -> None:
        """The interviewer is heard, or was cut off."""
        self._given_at = self._asked_at = None
        self._told.clear()

    def patience(self) -> None:
        """The candidate asked for time to think: nothing is owed until they speak again."""
        self._asked_at, self._patient = None, True

    def turn_over(self) -> None:
        """The interviewer's turn is complete."""
        self.turn_is_over = True

    def look(self, *, speaks: bool) -> Verdict:
        """What is due. `speaks`: whether the interviewer is heard now."""
        now = self._monotonic()
        if self._dialled_at is not None:
            return self._due(now - self._dialled_at, (MOMENT_SECONDS, Verdict.CONNECTING), (CONNECT_SECONDS, Verdict.LOST))
        if self._given_at is not None:
            return self._due(now - self._given_at, (MOMENT_SECONDS, Verdict.ONE_MOMENT), (SPEECHLESS_SECONDS, Verdict.LOST))
        if self._asked_at is not None and not speaks:
            return self._due(
                now - self._asked_at,
                (MOMENT_SECONDS, Verdict.ONE_MOMENT), (NUDGE_SECONDS, Verdict.NUDGE), (SILENT_SECONDS, Verdict.LOST),
            )  # fmt: skip
        return Verdict.FINE

    def _due(self, waited: float, *steps: tuple[float, Verdict]) -> Verdict:
        due = [verdict for seconds, verdict in steps if waited > seconds]
        if not due or due[-1] in self._told:
            return Verdict.FINE
        self._told.update(due)
        return due[-1]
