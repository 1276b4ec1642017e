"""Who said what, written as it happens: utterances into turns, each tied to the question that had been heard (R-019, R-058).

`CandidateTurns` is plain Python: finals come in with their speech times, growing turns go to the log. `Ear` and `Mouth` are the two processors that listen for
it in the pipeline. Read next: `interviewer`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    Frame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    TranscriptionFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from bridge.domain.agenda import Agenda
from bridge.domain.events import Speaker, TurnRecorded, TurnSource
from bridge.usecases.call_log import CallLog


class CandidateTurns:
    """The candidate's open turn: grows with each final utterance, closed when the turn is over."""

    def __init__(self, agenda: Agenda, log: CallLog, on_words: Callable[[str], None] | None = None) -> None:
        self._agenda = agenda
        self._log = log
        self._on_words = on_words or (lambda _: None)
        self._open: TurnRecorded | None = None

    @property
    def text(self) -> str:
        """Words of the open turn; empty when there is none."""
        return self._open.text if self._open else ""

    def heard(self, text: str, start_ms: int, end_ms: int, source: TurnSource = TurnSource.SPEECH) -> TurnRecorded | None:
        """A final utterance. It opens a turn, or grows the open one unless it belongs to another question."""
        text = " ".join(text.split())
        if not text:
            return None
        owner = self._agenda.transcript.owner(start_ms)
        if self._open and (self._open.question_id != owner or self._open.source is not source):
            self.finish()
        if self._open is None:
            self._open = TurnRecorded(
                at_ms=end_ms, turn_id=uuid4().hex, speaker=Speaker.CANDIDATE, text=text, question_id=owner,
                start_ms=start_ms, end_ms=end_ms, source=source, final=False,
            )  # fmt: skip
        else:
            self._open = TurnRecorded(
                at_ms=max(end_ms, self._open.at_ms), turn_id=self._open.turn_id, speaker=Speaker.CANDIDATE,
                text=f"{self._open.text} {text}", question_id=owner, start_ms=self._open.start_ms,
                end_ms=max(end_ms, self._open.end_ms), source=source, final=False,
            )  # fmt: skip
        self._log.append(self._open)
        self._on_words("")
        return self._open

    def hearing(self, text: str) -> None:
        """Words of an utterance that is not final yet, all of it each time: nothing is kept of them, but the director listens."""
        self._on_words(" ".join(text.split()))

    def finish(self) -> TurnRecorded | None:
        """Close the open turn; None when there is none."""
        turn, self._open = self._open, None
        if turn is None:
            return None
        final = TurnRecorded(**{**turn.__dict__, "final": True})
        self._log.append(final)
        return final

    def typed(self, text: str, now_ms: int) -> TurnRecorded | None:
        """A typed answer: a whole turn at once, to the question the page shows; None when it is blank."""
        self.finish()
        text = " ".join(text.split())
        if not text:
            return None
        question = self._agenda.current
        turn = TurnRecorded(
            at_ms=now_ms,
            turn_id=uuid4().hex,
            speaker=Speaker.CANDIDATE,
            text=text,
            question_id=question.id if question else self._agenda.transcript.owner(now_ms),
            start_ms=now_ms,
            end_ms=now_ms,
            source=TurnSource.TYPED,
        )
        self._log.append(turn)
        self._on_words("")
        return turn


OnUtterance = Callable[[str, Any], Awaitable[None]]


class Ear(FrameProcessor):
    """Right behind the recogniser: finals go to the call; silenced once the browser's own recogniser is in use."""

    def __init__(self, on_final: OnUtterance, on_interim: Callable[[str], None]) -> None:
        super().__init__()
        self._prepkit_on_final = on_final
        self._prepkit_on_interim = on_interim
        self._prepkit_unfinished: tuple[str, Any] | None = None
        self.prepkit_browser_hears = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass everything on, finals after the call has taken them."""
        await super().process_frame(frame, direction)
        if isinstance(frame, (TranscriptionFrame, InterimTranscriptionFrame)) and frame.user_id != "browser":
            if self.prepkit_browser_hears:
                return
            final = isinstance(frame, TranscriptionFrame)
            self._prepkit_unfinished = None if final else (frame.text, frame.result)
            if final:
                await self._prepkit_on_final(frame.text, frame.result)
            else:
                self._prepkit_on_interim(frame.text)
        await self.push_frame(frame, direction)

    async def take_unfinished(self) -> None:
        """At the end of a leg: words heard so far that no final came for are kept as they were heard, rather than lost."""
        unfinished, self._prepkit_unfinished = self._prepkit_unfinished, None
        if unfinished is not None and not self.prepkit_browser_hears:
            await self._prepkit_on_final(*unfinished)


OnSaid = Callable[[str, int, bool], Awaitable[None]]


class Mouth(FrameProcessor):
    """Right behind the output: collects what was really played and reports it line by line (text, start_ms, interrupted)."""

    def __init__(self, clock: Callable[[], int], on_started: Callable[[], None], on_said: OnSaid) -> None:
        super().__init__()
        self._prepkit_clock = clock
        self._prepkit_on_started = on_started
        self._prepkit_on_said = on_said
        self._prepkit_started_ms: int | None = None
        self._prepkit_text: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Watch the line being played; pass everything on."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            match frame:
                case BotStartedSpeakingFrame():
                    if self._prepkit_started_ms is None:
                        self._prepkit_started_ms = self._prepkit_clock()
                    self._prepkit_on_started()
                case TTSTextFrame():
                    self._prepkit_text.append(frame.text)
                case LLMFullResponseEndFrame():
                    await self._prepkit_report(interrupted=False)
                case InterruptionFrame() if self._prepkit_started_ms is not None:
                    await self._prepkit_report(interrupted=True)
                case InterruptionFrame():
                    self._prepkit_text.clear()
        await self.push_frame(frame, direction)

    async def _prepkit_report(self, *, interrupted: bool) -> None:
        text, self._prepkit_text = " ".join(self._prepkit_text), []
        started_ms, self._prepkit_started_ms = self._prepkit_started_ms, None
        await self._prepkit_on_said(text, started_ms if started_ms is not None else self._prepkit_clock(), interrupted)
