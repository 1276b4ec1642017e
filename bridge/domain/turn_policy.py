"""How long a question's silences are: when an answer is taken for over, when the page says "take your time", when the interviewer says a word (M6).

The policy belongs to the question: a design question is thought about longer than a definition. One table by type, stretched by difficulty and pace, kept
within what the question's own minutes allow. Times in ms or seconds as named. Read next: `intents` (who asks for time), `pipeline.interviewer`, `pipeline.engines.holding`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .catalog import Difficulty, InterviewType
from .questions import Question
from .setup import InterviewSetup, Pace


@dataclass(frozen=True)
class TurnPolicy:
    """One question's patience."""

    pause_seconds: float
    """Silence after an unfinished sentence that ends the turn; a finished one ends sooner, where the engine can tell (local)."""
    wait_seconds: float
    """Silence that ends the turn where the engine cannot tell a finished sentence from another (Gemini), or is told the least it must be (Vapi)."""
    notice_ms: int
    """Quiet after which the page says "Take your time"."""
    nudge_ms: int
    """Quiet after which the interviewer says a word."""
    hold_ms: int
    """Quiet after "let me think" before that word: a silence that was asked for."""


T, D = InterviewType, Difficulty
BASE: dict[InterviewType, TurnPolicy] = {
    T.JAVASCRIPT: TurnPolicy(pause_seconds=4.5, wait_seconds=1.1, notice_ms=10_000, nudge_ms=25_000, hold_ms=35_000),
    T.BEHAVIORAL: TurnPolicy(pause_seconds=5.0, wait_seconds=1.2, notice_ms=12_000, nudge_ms=30_000, hold_ms=45_000),
    T.DSA: TurnPolicy(pause_seconds=5.0, wait_seconds=1.2, notice_ms=12_000, nudge_ms=30_000, hold_ms=50_000),
    T.MACHINE_CODING: TurnPolicy(pause_seconds=5.5, wait_seconds=1.4, notice_ms=14_000, nudge_ms=35_000, hold_ms=60_000),
    T.SYSTEM_DESIGN: TurnPolicy(pause_seconds=5.5, wait_seconds=1.4, notice_ms=14_000, nudge_ms=35_000, hold_ms=60_000),
}
"""A medium question at a moderate pace."""
BY_DIFFICULTY = {D.EASY: 0.9, D.MEDIUM: 1.0, D.HARD: 1.1, D.EXPERT: 1.2}
BY_PACE = {Pace.SLOW: 1.25, Pace.MODERATE: 1.0, Pace.FAST: 0.75}
"""Who wants a slower interviewer gets one that waits longer."""
MAX_PAUSE_SECONDS = 7.5
"""Below the local engine's own limit of a turn."""
NUDGE_SHARE = 0.25
HOLD_SHARE = 0.4
"""Shares of a question's minutes that may pass in silence, so that the silence does not eat the answer."""
LEAST_MS = 8_000


def policy_of(question: Question, pace: Pace) -> TurnPolicy:
    """The patience of one question of an interview held at this pace."""
    base, stretch = BASE[question.type], BY_DIFFICULTY[question.difficulty] * BY_PACE[pace]
    room_ms = question.minutes * 60_000
    nudge_ms = _within(base.nudge_ms * stretch, room_ms * NUDGE_SHARE)
    return TurnPolicy(
        pause_seconds=round(min(MAX_PAUSE_SECONDS, base.pause_seconds * stretch), 2),
        wait_seconds=round(base.wait_seconds * stretch, 2),
        notice_ms=min(nudge_ms, _within(base.notice_ms * stretch, room_ms * NUDGE_SHARE)),
        nudge_ms=nudge_ms,
        hold_ms=max(nudge_ms, _within(base.hold_ms * stretch, room_ms * HOLD_SHARE)),
    )


def longest_wait(setup: InterviewSetup, questions: Iterable[Question]) -> float:
    """Seconds, for an engine that is told once for all its questions: the most patient one's."""
    return max((policy_of(question, setup.pace).wait_seconds for question in questions), default=BASE[setup.type].wait_seconds)


def _within(wanted_ms: float, room_ms: float) -> int:
    return int(max(LEAST_MS, min(wanted_ms, room_ms)))
