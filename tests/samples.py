"""Small, hand-made questions, set-ups and events shared by unit tests."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import QuestionAsked, Speaker, TurnRecorded, TurnSource
from bridge.domain.questions import FollowUp, KeyPoint, Question
from bridge.domain.setup import InterviewSetup

SETUP = InterviewSetup(InterviewType.SYSTEM_DESIGN, Difficulty.MEDIUM, 15, question_count=3)


def question(n: int, *, minutes: float = 4.0) -> Question:
    """The n-th sample question: two key points (cache, shard), a follow-up for each."""
    return Question(
        id=f"q{n}",
        type=InterviewType.SYSTEM_DESIGN,
        difficulty=Difficulty.MEDIUM,
        focus_area="caching",
        text=f"Question {n}: how do you keep reads fast?",
        spoken=f"Question {n}, how do you keep reads fast?",
        motivation="Shows whether the candidate knows where time goes.",
        rating=5,
        minutes=minutes,
        key_points=(
            KeyPoint("k1", "A cache in front", (("cache", "caching"),)),
            KeyPoint("k2", "Spread the data", (("shard", "partition"), ("key", "hash"))),
        ),
        follow_ups=(FollowUp("What sits in front of the database?", "k1"), FollowUp("How would you spread the data?", "k2")),
        model_answer="I would put a cache in front and shard by a hash of the key.",
        lesson="4.1",
    )


QUESTIONS = (question(1), question(2), question(3))


def asked(n: int, at_ms: int, follow_up: int = 0, text: str | None = None) -> QuestionAsked:
    """The interviewer begins to ask question n."""
    q = QUESTIONS[n - 1]
    return QuestionAsked(at_ms=at_ms, question_id=q.id, n=n, of=3, text=text or q.text, follow_up=follow_up)


def said(
    text: str, start_ms: int, end_ms: int, question_id: str | None = "q1", *, turn_id: str = "t1", final: bool = True
) -> TurnRecorded:
    """The candidate said something."""
    return TurnRecorded(
        at_ms=end_ms,
        turn_id=turn_id,
        speaker=Speaker.CANDIDATE,
        text=text,
        question_id=question_id,
        start_ms=start_ms,
        end_ms=end_ms,
        source=TurnSource.SPEECH,
        final=final,
    )


def setup_with(**changes: object) -> InterviewSetup:
    """The sample set-up with other values."""
    return replace(SETUP, **changes)  # type: ignore[arg-type]
