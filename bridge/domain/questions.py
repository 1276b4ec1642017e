"""What is asked: questions with their key points and follow-ups, and the choice of a set for one interview.

The bank itself is data (`bridge/data/bank/*.json`, loaded by `bridge.bank`). Choosing is deterministic for a given seed, so
that a test or a repeat can reproduce it. Read next: `coverage` (what an answer shows) and `agenda` (asking).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from .catalog import OPENING_AND_CLOSING_MINUTES, Difficulty, InterviewType


@dataclass(frozen=True)
class KeyPoint:
    """One thing a good answer covers, and the words that show it."""

    id: str
    text: str
    shows: tuple[tuple[str, ...], ...]
    """Groups of alternatives; hearing one word or phrase of every group shows the point fully."""


@dataclass(frozen=True)
class FollowUp:
    """A prepared extra question on the same item; asked when the key point `about` is missing."""

    text: str
    about: str
    """Id of the key point it draws out."""


@dataclass(frozen=True)
class Question:
    """One prepared question (R-032). Never shown whole to a candidate before the interview is over (C-31)."""

    id: str
    type: InterviewType
    difficulty: Difficulty
    focus_area: str
    text: str
    """Display form."""
    spoken: str
    """What the interviewer says: no symbols, abbreviations spelled for the ear (R-036)."""
    motivation: str
    rating: int
    """1–10 (R-032)."""
    minutes: float
    """Time it deserves; in a chosen set, the share of the interview it gets."""
    key_points: tuple[KeyPoint, ...]
    follow_ups: tuple[FollowUp, ...]
    model_answer: str
    """A spoken answer that covers every key point; shown in the report."""
    lesson: str
    """Curriculum reference, for example `4.5` (C-45)."""


def choose(
    bank: Sequence[Question],
    *,
    interview_type: InterviewType,
    difficulty: Difficulty,
    focus_areas: Sequence[str],
    count: int,
    duration_minutes: int,
    recent: Collection[str] = (),
    seed: int = 0,
) -> tuple[Question, ...]:
    """Choose `count` questions: right type, focus covered in turn, nearest difficulty, none of `recent` while others last.

    Minutes are shared out in proportion to what the questions deserve, so that they sum to the duration less opening and
    closing (C-59). Raises ValueError when the bank has fewer than `count` questions of the type.
    """
    order = list(Difficulty)
    wanted = order.index(difficulty)
    rng = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    pool = [question for question in bank if question.type is interview_type]
    if len(pool) < count:
        raise ValueError(f"the bank has {len(pool)} {interview_type} questions, {count} are needed")
    rng.shuffle(pool)
    areas = tuple(dict.fromkeys(focus_areas)) or tuple(dict.fromkeys(q.focus_area for q in pool))

    def rank(question: Question) -> tuple[bool, bool, bool, int]:
        """Fresh before asked lately, near in difficulty before far, in focus before beside it."""
        distance = abs(order.index(question.difficulty) - wanted)
        return question.id in recent, distance > 1, question.focus_area not in areas, distance

    def fits(question: Question) -> bool:
        """Fresh, and near in difficulty; an area that was asked for is not left out for want of near ones, so its first question need not be."""
        asked_lately, far, *_ = rank(question)
        missing = bool(focus_areas) and not any(q.focus_area == question.focus_area for q in chosen)
        return not asked_lately and (missing or not far)

    pool.sort(key=rank)
    chosen: list[Question] = []
    while len(chosen) < count:
        # One of each area in turn, as long as there are fresh, near ones; then whatever ranks next.
        best = [next((q for q in pool if q.focus_area == area and fits(q)), None) for area in areas]
        for pick in [q for q in best if q is not None][: count - len(chosen)] or pool[:1]:
            pool.remove(pick)
            chosen.append(pick)
    chosen.sort(key=lambda q: q.rating)
    return fit_minutes(chosen, duration_minutes)


def fit_minutes(questions: Sequence[Question], duration_minutes: int) -> tuple[Question, ...]:
    """Share the asking time out in proportion to each question's own minutes, rounded down to a tenth."""
    room = duration_minutes - OPENING_AND_CLOSING_MINUTES
    total = sum(q.minutes for q in questions)
    return tuple(replace(q, minutes=int(room * q.minutes / total * 10) / 10) for q in questions)
