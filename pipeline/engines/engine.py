"""The contract of a voice engine, and what every engine of a leg shares.

An engine talks until the interview is over (`CallParts.end`), until it is stopped, or until it is lost: then `run` raises `EngineLost` and the leg goes on with the
next engine, with cursor, transcript, recording and clock untouched (M2). Read next: `local`, `vapi`, `gemini`; `pipeline.call` drives them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from bridge.domain.agenda import Agenda
from bridge.domain.events import Speaker, ToolAnswered
from bridge.domain.session import InterviewSession
from bridge.usecases.call_log import CallLog
from bridge.usecases.conducting import Conductor, Line

if TYPE_CHECKING:
    from ..clock import CallClock, MicClock
    from ..leg import Leg
    from ..playback import PlaybackTap
    from ..turns import CandidateTurns


class Do(Enum):
    """What an engine can be told."""

    OPEN = auto()
    TURN_OVER = auto()
    TYPED = auto()
    DONE = auto()
    HINT = auto()
    NEXT = auto()
    END = auto()
    SAY = auto()
    """An operator has the interviewer say these words."""
    WHISPER = auto()
    """An operator tells the interviewer something that nobody else hears."""
    TICK = auto()
    LINE_SAID = auto()
    DECIDED = auto()
    """Told by the local interviewer to itself: an answer has been weighed."""


class EngineLost(Exception):
    """The engine cannot go on. `reason` is ours to log; `message` tells the candidate, in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


@dataclass
class CallParts:
    """One leg's own things, which outlive an engine."""

    session: InterviewSession
    leg: Leg
    leg_number: int
    agenda: Agenda
    log: CallLog
    clock: CallClock
    mic: MicClock
    turns: CandidateTurns
    conductor: Conductor
    playback: PlaybackTap
    end: Callable[[str], None]
    """Ends the leg for a reason: finished, time, ended_by_candidate, ended_by_operator."""
    ready: Callable[[dict[str, str]], Awaitable[None]]
    """To be awaited once the client is ready: tells it the voices, the clock and the question on the floor."""
    partial: Callable[[Speaker, str], None]
    """To be told words that may still change; whoever watches sees them, nobody waits."""
    tool: Callable[[str, dict[str, Any], str], Awaitable[dict[str, Any]]]
    """Name, arguments and id of a live tool call → its answer, stored."""
    taking_over: bool = False
    """An engine before this one was lost in this very leg."""

    def opening(self) -> Line:
        """The first line of an engine in this leg."""
        return self.conductor.open(taking_over=self.taking_over)


class Engine(Protocol):
    """One engine in one leg."""

    name: str

    async def run(self) -> None:
        """Talk until stopped. Raises EngineLost."""

    async def ready_to_read(self) -> None:
        """Returns once audio and messages can be taken."""

    def take_audio(self, pcm: bytes) -> None:
        """Microphone audio in pieces of 60 to 100 ms, PCM16 16 kHz mono, as it is read: must not wait. `pcm` is in the recording already."""

    async def take_rtvi(self, message: dict[str, Any]) -> None:
        """An allowed RTVI message (client-ready)."""

    async def take_browser_words(self, text: str, *, final: bool) -> None:
        """Words the browser recognised; where the engine hears for itself they are left alone."""

    def tell(self, what: Do, text: str = "") -> None:
        """A button, a typed answer or a tick of the clock."""

    def tool_answered(self, answer: ToolAnswered) -> None:
        """A tool call of this engine's interviewer was answered by `CallParts.tool`: what it asks is about to be said."""

    def mute(self, *, on: bool) -> None:
        """The candidate's microphone is off or on."""

    async def stop(self) -> None:
        """Stop talking and keep the words heard so far; a repeat does nothing."""
