"""Which question has the floor, and what the interviewer does next: the server-owned cursor (R-046, R-047, C-38).

`Agenda` is a fold over the call's events plus a few decisions; it reads no clock and no I/O: time comes in as `now_ms` on the call clock. The
same decisions answer Vapi's tools, Gemini's tools, the local interviewer and typed mode. Read next: `bridge.usecases.conducting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .coverage import PointCoverage, Shown, cover
from .events import (
    CursorMoved,
    Event,
    HintGiven,
    InterviewEnded,
    OperatorActed,
    QuestionAsked,
    Speaker,
    ToolAnswered,
    TurnRecorded,
)
from .hints import Hint, allowance, next_hint
from .judging import Judgement, first_askable
from .questions import FollowUp, KeyPoint, Question
from .segments import Transcript
from .setup import InterviewSetup

CLOSING_MS = 45_000
"""Kept for the goodbye: no question is opened with less than this left."""
MIN_QUESTION_MS = 30_000
"""A question is not opened with less asking time than this left before the closing."""
FOLLOW_UP_SHARE = 0.85
"""Share of a question's minutes after which no follow-up is begun."""
OVERRUN_SHARE = 1.25
"""Share of a question's minutes after which the interviewer cuts in (R-049)."""


@dataclass(frozen=True)
class Decision:
    """What to do after an answer: ask `follow_up`, or move on."""

    follow_up: FollowUp | None
    covered: tuple[PointCoverage, ...]
    """Coverage of the question's key points by all said so far."""
    judged: bool = False
    """It follows from a director's judgement, not from the prepared plan alone."""


class Agenda:
    """The questions of one interview, the cursor, and what was asked and answered so far."""

    def __init__(self, setup: InterviewSetup, questions: Sequence[Question], events: Iterable[Event] = ()) -> None:
        self.setup = setup
        self.questions = tuple(questions)
        self.transcript = Transcript(self.questions)
        self._ids = [question.id for question in self.questions]
        self._cursor: int | None = None
        self._started_ms: dict[str, int] = {}
        self._follow_ups: dict[str, list[str]] = {question_id: [] for question_id in self._ids}
        self._hints: dict[str, list[str]] = {question_id: [] for question_id in self._ids}
        self._tools: dict[str, ToolAnswered] = {}
        self._moves: dict[str, str | None] = {}
        self._extended_ms = 0
        self._covered: dict[str, tuple[str, tuple[PointCoverage, ...]]] = {}
        """Question id → (answer, its coverage): looked at several times for each tool call."""
        self._drawn_out: set[tuple[str, str]] = set()
        """(Question id, key point id) of follow-ups that were asked."""
        self.last_text: str = ""
        """What the interviewer last asked, for a repeat."""
        self.over = False
        """The questions are over; only the goodbye is left."""
        self.ended = False
        for event in events:
            self.apply(event)

    # State ----------------------------------------------------------------------------------------------------------
    @property
    def duration_ms(self) -> int:
        """The whole interview's time, with what operators added to it."""
        return self.setup.duration_minutes * 60_000 + self._extended_ms

    @property
    def extended(self) -> bool:
        """Whether an operator added time."""
        return self._extended_ms > 0

    @property
    def current(self) -> Question | None:
        """The question on the floor."""
        return None if self._cursor is None or self.over else self.questions[self._cursor]

    @property
    def position(self) -> int:
        """1-based number of the question on the floor; 0 before the first."""
        return 0 if self._cursor is None else self._cursor + 1

    def answer(self, question_id: str) -> str:
        """All the candidate has said to a question."""
        segment = self.transcript.segments.get(question_id)
        return segment.answer if segment else ""

    def coverage(self, question: Question, hint: str = "") -> tuple[PointCoverage, ...]:
        """Coverage of the question's key points by all said so far; by the hint where nothing was heard yet."""
        answer = self.answer(question.id) or hint
        known = self._covered.get(question.id)
        if known is None or known[0] != answer:
            self._covered[question.id] = known = answer, cover(question.key_points, answer)
        return known[1]

    def open_points(self, question: Question, hint: str = "") -> tuple[KeyPoint, ...]:
        """The key points neither fully heard yet nor asked about in a follow-up."""
        heard = {found.key_point_id for found in self.coverage(question, hint) if found.shown is Shown.YES}
        return tuple(
            point for point in question.key_points if point.id not in heard and (question.id, point.id) not in self._drawn_out
        )

    def answered(self) -> int:
        """Questions with at least a few words of answer."""
        return sum(1 for question_id in self._ids if len(self.answer(question_id).split()) >= 3)

    def tool_answer(self, tool_call_id: str) -> ToolAnswered | None:
        """The answer already given to this tool call."""
        return self._tools.get(tool_call_id)

    # Fold -----------------------------------------------------------------------------------------------------------
    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.transcript.apply(event)
        match event:
            case CursorMoved():
                if event.from_id is not None:
                    self._moves[event.from_id] = event.to_id
                if event.to_id is None:
                    self.over = True
                else:
                    self._cursor = self._ids.index(event.to_id)
            case QuestionAsked():
                self.last_text = event.text
                self._started_ms.setdefault(event.question_id, event.at_ms)
                if event.follow_up and event.text not in self._follow_ups[event.question_id]:
                    self._follow_ups[event.question_id].append(event.text)
                if event.about is not None:
                    self._drawn_out.add((event.question_id, event.about))
            case TurnRecorded(speaker=Speaker.INTERVIEWER, question_id=str() as question_id):
                self._started_ms.setdefault(question_id, event.start_ms)
            case ToolAnswered():
                self._tools[event.tool_call_id] = event
            case HintGiven():
                self._hints[event.question_id].append(event.text)
            case OperatorActed():
                self._extended_ms += event.minutes * 60_000
            case InterviewEnded():
                self.over = self.ended = True

    # Decisions ------------------------------------------------------------------------------------------------------
    def spent_ms(self, question: Question, now_ms: int) -> int:
        """Time since the question was first asked."""
        return max(0, now_ms - self._started_ms.get(question.id, now_ms))

    def overrun(self, now_ms: int) -> bool:
        """Whether the question on the floor has used up its time and a quarter (R-049)."""
        question = self.current
        return question is not None and self.spent_ms(question, now_ms) > question.minutes * 60_000 * OVERRUN_SHARE

    def out_of_time(self, now_ms: int) -> bool:
        """Whether only the goodbye still fits."""
        return now_ms > self.duration_ms - CLOSING_MS

    def may_follow_up(self, question_id: str, now_ms: int) -> bool:
        """Whether a follow-up on this question fits the budgets of count and time."""
        question = self.questions[self._ids.index(question_id)]
        in_time = self.spent_ms(question, now_ms) < question.minutes * 60_000 * FOLLOW_UP_SHARE
        return question is self.current and in_time and len(self._follow_ups[question_id]) < self.setup.follow_up_budget

    def decide(
        self, question_id: str, now_ms: int, hint: str = "", judgement: Judgement | None = None, *, fresh: bool = False
    ) -> Decision:
        """Follow up on the first key point not shown, within the budgets of count and time; else move on (R-047).

        `hint` is what somebody else believes to have heard: it counts only where our own transcript of the question is empty (C-18). What a judgement
        saw shown stays shown; its follow-ups are asked only while it is `fresh`, before the prepared ones.
        """
        question = self.questions[self._ids.index(question_id)]
        covered = self.coverage(question, hint)
        if not self.may_follow_up(question_id, now_ms):
            return Decision(None, covered, judged=judgement is not None)
        asked = [*self._follow_ups[question_id], *self._hints[question_id]]
        shown = judgement.shown if judgement else frozenset()
        missing = [
            point.key_point_id for how in (Shown.NO, Shown.PARTLY) for point in covered
            if point.shown is how and point.key_point_id not in shown
        ]  # fmt: skip
        if judgement is not None and fresh:
            # What was asked about once is not asked again in other words: the judgement may not have seen the answer to it.
            left = [point_id for point_id in missing if (question_id, point_id) not in self._drawn_out]
            if not left:
                return Decision(None, covered, judged=True)
            if follow_up := first_askable(left, judgement.follow_ups, asked):
                return Decision(follow_up, covered, judged=True)
        in_order = [each for point_id in missing for each in question.follow_ups if each.about == point_id]
        return Decision(first_askable(missing, in_order, asked), covered)

    def hints_left(self, question: Question) -> int:
        """How many more may be asked for."""
        return max(0, allowance(self.setup) - len(self._hints[question.id]))

    def hint(self, question: Question) -> Hint | None:
        """The next hint; None when they are used up or nothing may be said."""
        if not self.hints_left(question):
            return None
        used = [*self._follow_ups[question.id], *self._hints[question.id]]
        n = len(self._hints[question.id]) + 1
        return next_hint(question, n, allowance(self.setup), self.open_points(question), used, self.answer(question.id))

    def follow_ups_asked(self, question_id: str) -> tuple[str, ...]:
        """Texts of the follow-ups this question has had."""
        return tuple(self._follow_ups[question_id])

    def follow_up_number(self, question_id: str) -> int:
        """How many follow-ups this question has had."""
        return len(self._follow_ups[question_id])

    def next_after(self, question_id: str | None, now_ms: int) -> tuple[bool, Question | None]:
        """Compare-and-set of the cursor: (moved, question to ask).

        `question_id` is the question the caller believes has the floor. When it does, the move is new (moved True); when the cursor has
        already left it, the earlier answer is given again and nothing moves. None opens the interview.
        """
        current = self.current
        if question_id is None:
            return (True, self.questions[0]) if self._cursor is None else (False, current)
        if question_id in self._moves:
            to_id = self._moves[question_id]
            return False, None if to_id is None else self.questions[self._ids.index(to_id)]
        if current is None or current.id != question_id:
            return False, current
        following = self.position
        room = self.duration_ms - CLOSING_MS - now_ms
        if following >= len(self.questions) or room < MIN_QUESTION_MS:
            return True, None
        return True, self.questions[following]
