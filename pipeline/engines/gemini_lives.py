"""What all Gemini Live calls of this process share: client, clock, detection, handles to come back by, and a circuit breaker.

A candidate who is gone for a moment costs nothing meanwhile: the line is closed with their leg, and the next leg resumes the session by its handle.
Read next: `gemini`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.domain import persona
from bridge.domain.breaker import Breaker
from bridge.domain.events import Speaker
from bridge.domain.session import InterviewSession
from bridge.domain.turn_policy import longest_wait
from bridge.errors import Trouble, UpstreamFailed
from bridge.prompts import data_block
from bridge.usecases.calling import RECLAIM_SECONDS

from ..ticker import Ticker
from ..voice.batch_vad import BatchVad
from .engine import CallParts, Do, EngineLost

BOOK_EVERY_SECONDS = 60.0
REFUSED = frozenset({f"gemini_{trouble.value}" for trouble in (Trouble.UNAUTHORISED, Trouble.UNKNOWN_MODEL)})
"""Reasons that only an operator mends: told at once, and seldom tried again."""
REFUSED_PAUSE_SECONDS = 60.0
LEFT_ALONE = "Google's voice service has just failed several times and is left alone for a moment."


class Ended(Protocol):
    """Why a line is gone (`bridge.clients.gemini_live.Ended`)."""

    @property
    def reason(self) -> str:
        """For the log."""

    @property
    def message(self) -> str:
        """For the candidate."""

    @property
    def final(self) -> bool:
        """Whether dialling again makes no sense."""


@dataclass(frozen=True)
class Told:
    """A button, a typed answer, a tick."""

    what: Do
    text: str = ""


@dataclass(frozen=True)
class Spoke:
    """Somebody began or stopped to be heard, by our own ears."""

    speaker: Speaker
    at_ms: int
    speaking: bool


@dataclass(frozen=True)
class Tokens:
    """What one turn used, as Gemini counts it."""

    text_in: int = 0
    audio_in: int = 0
    text_out: int = 0
    audio_out: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        """Both together."""
        return Tokens(
            self.text_in + other.text_in,
            self.audio_in + other.audio_in,
            self.text_out + other.text_out,
            self.audio_out + other.audio_out,
        )


@dataclass(frozen=True)
class Person:
    """How the interviewer of one session is set up at Gemini."""

    model: str
    voice: str
    language: str
    """Our code: en, de…"""
    instruction: str
    silence_ms: int
    """So much silence ends the candidate's turn."""


@dataclass(frozen=True)
class Live:
    """What the composition root gives."""

    build: Callable[[], Any]
    """The SDK's client; slow, called once in a thread."""
    explain: Callable[[BaseException], Ended]
    book: Callable[[str, Tokens, float], Awaitable[None]]
    """Session id, tokens and minutes on the line: into the ledger."""
    model: str
    voices: Mapping[str, str]
    """Our voices' names at Gemini."""


class Meter:
    """What one leg uses, booked a minute at a time, so that little is lost with the process."""

    def __init__(self, live: Live, session_id: str) -> None:
        self._live = live
        self._session_id = session_id
        self._used = Tokens()
        self._since = time.monotonic()

    def add(self, tokens: Tokens) -> None:
        """A turn's."""
        self._used += tokens

    async def book(self, *, at_once: bool = False) -> None:
        """What was used since the last time, if a minute is over."""
        seconds = time.monotonic() - self._since
        if self._used == Tokens() or (seconds < BOOK_EVERY_SECONDS and not at_once):
            return
        used, self._used, self._since = self._used, Tokens(), time.monotonic()
        await self._live.book(self._session_id, used, seconds / 60)


class GeminiLives:
    """Every Gemini Live call of this process."""

    def __init__(self, live: Live, vad: BatchVad | None = None) -> None:
        self.live = live
        self.ticker = Ticker()
        self.vad = vad or BatchVad()
        self._breaker = Breaker()
        self._lost = ""
        """Words of the newest failure."""
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._handles: dict[str, tuple[str, float]] = {}
        """Session id → handle and the monotonic time until which it may be used."""

    async def client(self) -> Any:
        """The SDK's client, and everything heavy imported. Raises UpstreamFailed while Gemini is left alone."""
        if not self._breaker.admits(time.monotonic()):
            raise UpstreamFailed(LEFT_ALONE, reason="gemini_circuit_open")
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self.live.build)
        return self._client

    # How it goes, told once for each admitted call ------------------------------------------------------------------
    def answered(self) -> None:
        """A line was set up."""
        self._breaker.succeeded()

    def failed(self, lost: EngineLost) -> None:
        """No line could be had, or one fell silent."""
        self._lost = lost.message
        self._breaker.failed(time.monotonic(), pause_seconds=REFUSED_PAUSE_SECONDS if lost.reason in REFUSED else None)

    def troubled(self) -> str:
        """In words why lines have failed lately and none was had since; empty while all is well."""
        return self._lost if self._breaker.troubled(time.monotonic()) else ""

    def given_up(self) -> None:
        """The candidate left before it was known."""
        self._breaker.abandoned()

    # Coming back ----------------------------------------------------------------------------------------------------
    def keep(self, session_id: str, handle: str | None) -> None:
        """A leg ends; its session may be resumed within the reclaim window."""
        if handle is not None:
            self._handles[session_id] = (handle, time.monotonic() + RECLAIM_SECONDS + 30)

    def take(self, session_id: str) -> str | None:
        """The handle of a session that goes on; used once."""
        now = time.monotonic()
        self._handles = {key: kept for key, kept in self._handles.items() if kept[1] > now}
        kept = self._handles.pop(session_id, None)
        return kept[0] if kept else None

    def leg_ended(self, session_id: str, *, over: bool) -> None:
        """Nothing is kept of an interview that is over."""
        if over:
            self._handles.pop(session_id, None)

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aio.aclose()
            self._client.close()
            self._client = None


def person_of(parts: CallParts, live: Live) -> Person:
    """The interviewer of a session."""
    setup = parts.session.setup
    silence_ms = int(longest_wait(setup, parts.agenda.questions[max(0, parts.agenda.position - 1) :]) * 1000)
    return Person(live.model, live.voices[setup.voice.value], setup.language, instruction(parts), silence_ms)


def instruction(parts: CallParts) -> str:
    """The system instruction for what is left of an interview."""
    agenda = parts.agenda
    minutes_left = max(1.0, (agenda.duration_ms - parts.clock()) / 60_000)
    questions = agenda.questions[max(0, agenda.position - 1) :]
    told = persona.instructions(
        parts.session.setup,
        [(question, question.spoken) for question in questions],
        minutes_left=minutes_left,
        notes=f"\n{data_block('candidate_notes', notes(parts.session))}",
        goodbye=persona.GOODBYE,
    )
    return f"{told}\n\n{persona.DIRECTOR}"


def notes(session: InterviewSession) -> dict[str, str]:
    """What the candidate wrote at set-up, bounded."""
    setup = session.setup
    written = {
        "topics": "; ".join([*setup.other_areas, setup.specific_requirements]),
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
    }
    return {name: " ".join(text.split())[:2_000] for name, text in written.items()}
