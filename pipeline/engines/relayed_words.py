"""Who said what in a relayed call, and which question was heard: a vendor's transcripts tied to our own audio and cursor (R-058, M5). Plain Python.

A vendor's words come late and in pieces. Their times are taken from the stretches of speech in the audio; a question counts as asked when the interviewer's next stretch
is heard after a tool's answer or a line of ours; what a barge-in cut off is not in the transcript. Read next: `windows`, `bridge.domain.segments`.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.events import QuestionAsked, Speaker, TurnRecorded, TurnSource
from bridge.usecases.conducting import Line

from .engine import CallParts
from .windows import SpeechWindows, VoiceWindows, heard_words

BRIDGE_MS = 1_500
"""About how long a vendor's interviewer leads over before the question itself is heard."""
WORD_MS = 330


class RelayedWords:
    """Both speakers of one leg."""

    def __init__(self, parts: CallParts) -> None:
        self._parts = parts
        self.candidate = SpeechWindows()
        self.interviewer = VoiceWindows()
        self.asks: QuestionAsked | None = None
        """A question that was given to the interviewer and has not been heard yet."""
        self._asks_since = 0
        self._bridge_ms = BRIDGE_MS
        self._turn: TurnRecorded | None = None
        """The interviewer's newest turn, which further words of the same stretch of speech extend."""

    # Questions ------------------------------------------------------------------------------------------------------
    def expect_line(self, line: Line) -> None:
        """A line of ours is about to be said."""
        self._expect(line.asks, len(line.bridge.split()) * WORD_MS)

    def expect_answer(self, asks: QuestionAsked) -> None:
        """A tool's answer is about to be said."""
        self._expect(asks, BRIDGE_MS)

    def _expect(self, asks: QuestionAsked | None, bridge_ms: int) -> None:
        self.asks, self._bridge_ms, self._asks_since = asks, bridge_ms, self._parts.clock()

    def voice_began(self, at_ms: int) -> None:
        """The interviewer begins a stretch of speech: the answer before it is over, and what it asks is about to be heard."""
        self._turn = None
        if not self.candidate.speaking:
            self._parts.turns.finish()
        self._ask(at_ms + self._bridge_ms)

    def tick(self, now_ms: int, *, playing: bool) -> None:
        """A question said without a pause behind something else is heard by now."""
        if playing and now_ms - self._asks_since > 2 * BRIDGE_MS:
            self._ask(now_ms)

    def _ask(self, at_ms: int) -> None:
        if self.asks is not None:
            self._parts.log.append(replace(self.asks, at_ms=at_ms))
            self.asks = None

    # Words ----------------------------------------------------------------------------------------------------------
    def candidate_said(self, text: str) -> None:
        """Final words of the candidate."""
        start_ms, end_ms = self.candidate.take(self._parts.clock(), len(text.split()))
        self._parts.turns.heard(text, start_ms, end_ms)

    def interviewer_said(self, text: str) -> str:
        """Final words of the interviewer; returns those that were heard."""
        now, window = self._parts.clock(), self.interviewer.last
        share = window.heard_share if window else 1.0
        text = heard_words(text, share)
        if not text:
            return ""
        earlier = self._turn
        start_ms = window.start_ms if window else max(0, now - len(text.split()) * WORD_MS)
        end_ms = max(start_ms, window.end_ms if window else now)
        self._turn = TurnRecorded(
            at_ms=now,
            turn_id=earlier.turn_id if earlier else f"i{self._parts.leg_number}-{start_ms}",
            speaker=Speaker.INTERVIEWER,
            text=f"{earlier.text} {text}" if earlier else text,
            question_id=self._parts.agenda.transcript.owner(max(now, end_ms + BRIDGE_MS)),
            start_ms=start_ms,
            end_ms=end_ms,
            source=TurnSource.SPEECH,
            interrupted=share < 1,
        )
        self._parts.log.append(self._turn)
        return text
