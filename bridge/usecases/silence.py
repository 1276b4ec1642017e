"""The silences of one call: asked for with "let me think", held, shown as "Take your time", and broken with a word only when they have lasted (M6).

How long is the question's own policy. The same for every engine: what a vendor's interviewer does by itself is kept back by the tool's answer
(`conducting`), what ours does by asking here. Read next: `bridge.domain.turn_policy`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..domain import script
from ..domain.agenda import Agenda
from ..domain.events import Noted
from ..domain.intents import asks_for_time
from ..domain.turn_policy import BASE, TurnPolicy, policy_of
from .call_log import CallLog

NOTICE = "take_your_time"
"""Code of the notice that the page shows while a silence is held."""


class Silence:
    """Whose turn a silence is, and what is due in it. `clock` gives milliseconds on the call clock."""

    def __init__(self, agenda: Agenda, log: CallLog, clock: Callable[[], int]) -> None:
        self._agenda = agenda
        self._log = log
        self._clock = clock
        self._asked_ms: int | None = None
        self._told = False
        self._nudged = False

    @property
    def policy(self) -> TurnPolicy:
        """Of the question on the floor."""
        question, setup = self._agenda.current, self._agenda.setup
        return policy_of(question, setup.pace) if question else BASE[setup.type]

    @property
    def held(self) -> bool:
        """Whether the candidate has asked for time, and has it still."""
        return self._asked_ms is not None and self._clock() - self._asked_ms <= self.policy.hold_ms

    def words(self, utterance: str) -> bool:
        """The candidate's finished words: whether they ask for time to think, which is then theirs. Other words end it."""
        self.end()
        if self._agenda.current is None or not asks_for_time(utterance):
            return False
        self._asked_ms = self._clock()
        self._tell()
        return True

    def asked(self) -> None:
        """The interviewer has put something: another silence begins."""
        self.end()

    def end(self) -> None:
        """The candidate goes on, or is done."""
        self._asked_ms = None
        self._told = self._nudged = False

    def look(self, quiet_ms: int) -> bool:
        """After so much quiet: tells the page when it is due; True once when the interviewer is to say a word."""
        policy = self.policy
        if quiet_ms > policy.notice_ms and not self._told:
            self._tell()
        due = quiet_ms > (policy.nudge_ms if self._asked_ms is None else policy.hold_ms)
        nudge, self._nudged = due and not self._nudged, due or self._nudged
        return nudge

    def _tell(self) -> None:
        self._told = True
        self._log.append(Noted(at_ms=self._clock(), code=NOTICE, detail=script.TAKE_YOUR_TIME))
