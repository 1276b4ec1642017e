"""An interview played out for the report's tests: questions of the bank, answers in words, clocks that move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.events import CursorMoved, Event, InterviewEnded, QuestionAsked, Speaker, TurnRecorded, TurnSource
from bridge.domain.questions import Question
from bridge.domain.segments import Segment, Transcript, Turn
from bridge.domain.session import InterviewSession, ReportStatus, SessionStatus
from bridge.domain.setup import InterviewSetup
from reporting.write import build_report

from ..samples import QUESTIONS, SETUP

NOW = datetime(2026, 12, 3, 10, 45, 0, 999, tzinfo=UTC)
FULL = "I would put a cache in front of it. Then I shard the rows by a hash of their key."
HALF = "First a cache. Later we would partition the data somehow."


@dataclass
class Play:
    """Writes an interview's events: `ask`, `answer`, `leave` a question, then `end`."""

    questions: tuple[Question, ...] = QUESTIONS
    setup: InterviewSetup = SETUP
    at_ms: int = 0
    events: list[Event] = field(default_factory=list)
    spoken: int = 0

    def _say(
        self, speaker: Speaker, text: str, question_id: str | None, source: TurnSource, *, seconds: float, wait: float
    ) -> Play:
        self.spoken += 1
        start = self.at_ms + round(wait * 1000)
        self.at_ms = start + round(seconds * 1000)
        self.events.append(
            TurnRecorded(
                at_ms=self.at_ms,
                turn_id=f"t{self.spoken}",
                speaker=speaker,
                text=text,
                question_id=question_id,
                start_ms=start,
                end_ms=self.at_ms,
                source=source,
            )
        )
        return self

    def ask(self, n: int, follow_up: str | None = None, seconds: float = 5) -> Play:
        """The interviewer asks question n, or a follow-up to it."""
        question = self.questions[n - 1]
        text = follow_up or question.text
        asked = QuestionAsked(
            at_ms=self.at_ms, question_id=question.id, n=n, of=len(self.questions), text=text, follow_up=1 if follow_up else 0
        )
        self.events.append(asked)
        return self._say(Speaker.INTERVIEWER, text, question.id, TurnSource.SCRIPT, seconds=seconds, wait=0)

    def answer(self, n: int, text: str, *, seconds: float = 10, wait: float = 2, source: TurnSource = TurnSource.SPEECH) -> Play:
        """The candidate says `text` to question n, `wait` seconds later."""
        return self._say(Speaker.CANDIDATE, text, self.questions[n - 1].id, source, seconds=seconds, wait=wait)

    def leave(self, n: int, reason: str = "answered") -> Play:
        """The floor moves on from question n."""
        to_id = self.questions[n].id if n < len(self.questions) else None
        self.events.append(CursorMoved(at_ms=self.at_ms, from_id=self.questions[n - 1].id, to_id=to_id, reason=reason))
        return self

    def end(self, reason: str = "finished") -> Play:
        """The interview is over."""
        self.events.append(InterviewEnded(at_ms=self.at_ms, reason=reason))
        return self

    @property
    def turns(self) -> list[Turn]:
        """As stored."""
        return list(Transcript(self.questions, self.events).turns.values())

    @property
    def segments(self) -> list[Segment]:
        """As stored."""
        return list(Transcript(self.questions, self.events).segments.values())

    def session(self, **changes: Any) -> InterviewSession:
        """The ended session of these events."""
        made = InterviewSession(
            id="0b9f7d4e-7f0e-4b8a-9a55-1f2f3c4d5e6f",
            user_id="8d7f0f86-3f0b-4b9e-8f6e-0a1b2c3d4e5f",
            setup=self.setup,
            questions=self.questions,
            status=SessionStatus.COMPLETED,
            created_at=NOW,
            started_at=NOW,
            ended_at=NOW + timedelta(milliseconds=self.at_ms),
            end_reason="finished",
            elapsed_ms=self.at_ms,
            report_status=ReportStatus.QUEUED,
            has_recording=True,
        )
        return replace(made, **changes)

    def report(self, **changes: Any) -> dict[str, Any]:
        """The report on it."""
        return build_report(self.session(**changes), self.turns, self.segments, self.events, now=NOW)


def played(*answers: str | None, questions: Sequence[Question] = QUESTIONS, setup: InterviewSetup = SETUP) -> Play:
    """An interview with one answer a question; None is silence, fewer answers than questions end it early."""
    play = Play(tuple(questions), setup)
    for n, text in enumerate(answers, 1):
        play.ask(n)
        if text is not None:
            play.answer(n, text)
        play.leave(n)
    return play.end()
