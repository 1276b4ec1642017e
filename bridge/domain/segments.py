"""Turns folded into transcript segments: each question with its own answer, live (R-058, C-22).

A candidate's words belong to the question that had last been *heard* when they began to speak, so an answer that runs on after a move stays
with its question. A fold over `events`; nothing here is stored that the log does not hold. Read next: `agenda`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .events import CursorMoved, Event, InterviewEnded, QuestionAsked, Speaker, TurnRecorded
from .questions import Question


@dataclass(frozen=True)
class Turn:
    """What one speaker said until the floor changed; milliseconds on the call clock."""

    id: str
    speaker: Speaker
    text: str
    question_id: str | None
    start_ms: int
    end_ms: int
    source: str
    final: bool
    interrupted: bool


@dataclass(frozen=True)
class Segment:
    """A question with its answer turns."""

    question_id: str
    n: int
    question: str
    follow_ups: tuple[str, ...] = ()
    turn_ids: tuple[str, ...] = ()
    """The candidate's turns, in order of speech."""
    answer: str = ""
    """Their texts, joined by a single space."""
    start_ms: int = 0
    end_ms: int = 0
    closed: bool = False


def turn_of(event: TurnRecorded) -> Turn:
    """The turn an event carries."""
    return Turn(
        event.turn_id, event.speaker, event.text, event.question_id, event.start_ms, event.end_ms,
        event.source.value, event.final, event.interrupted,
    )  # fmt: skip


class Transcript:
    """The running fold: turns in order of first appearance and one segment a question asked."""

    def __init__(self, questions: Sequence[Question], events: Iterable[Event] = ()) -> None:
        self._n = {question.id: n for n, question in enumerate(questions, 1)}
        self.turns: dict[str, Turn] = {}
        self.segments: dict[str, Segment] = {}
        self._heard: list[tuple[int, str]] = []
        for event in events:
            self.apply(event)

    def owner(self, start_ms: int) -> str | None:
        """The question that had last been asked aloud when speech began at `start_ms`."""
        before = [question_id for asked_ms, question_id in self._heard if asked_ms <= start_ms]
        return before[-1] if before else self._heard[0][1] if self._heard else None

    def apply(self, event: Event) -> tuple[Segment, ...]:
        """Take one event in; returns the segments it changed."""
        match event:
            case QuestionAsked():
                self._heard.append((event.at_ms, event.question_id))
                segment = self.segments.get(event.question_id) or Segment(
                    event.question_id, event.n, event.text, start_ms=event.at_ms, end_ms=event.at_ms
                )
                if event.follow_up and event.text not in segment.follow_ups:
                    segment = replace(segment, follow_ups=(*segment.follow_ups, event.text))
                return self._keep(segment)
            case TurnRecorded(speaker=Speaker.CANDIDATE):
                self.turns[event.turn_id] = turn_of(event)
                return self._retell(event.question_id)
            case TurnRecorded():
                self.turns[event.turn_id] = turn_of(event)
                if event.question_id in self.segments:
                    segment = self.segments[event.question_id]
                    return self._keep(replace(segment, end_ms=max(segment.end_ms, event.end_ms)))
                return ()
            case CursorMoved(from_id=str() as question_id) if question_id in self.segments:
                return self._keep(replace(self.segments[question_id], closed=True))
            case InterviewEnded():
                still_open = [s for s in self.segments.values() if not s.closed]
                return tuple(changed for s in still_open for changed in self._keep(replace(s, closed=True)))
            case _:
                return ()

    def _retell(self, question_id: str | None) -> tuple[Segment, ...]:
        if question_id not in self.segments:
            return ()
        own = sorted(
            (t for t in self.turns.values() if t.speaker is Speaker.CANDIDATE and t.question_id == question_id),
            key=lambda turn: turn.start_ms,
        )
        segment = self.segments[question_id]
        return self._keep(
            replace(
                segment,
                turn_ids=tuple(turn.id for turn in own),
                answer=" ".join(turn.text for turn in own),
                end_ms=max(segment.end_ms, *(turn.end_ms for turn in own)),
            )
        )

    def _keep(self, segment: Segment) -> tuple[Segment, ...]:
        if self.segments.get(segment.question_id) == segment:
            return ()
        self.segments[segment.question_id] = segment
        return (segment,)
