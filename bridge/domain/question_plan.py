"""What the written questions of one interview are to be about: one place each, with area, difficulty and minutes, before anything is written.

Areas take turns, difficulty climbs within the level's band, minutes are equal shares of the asking time (C-59). Read next: `question_checks`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from .catalog import OPENING_AND_CLOSING_MINUTES, TYPES, Difficulty
from .setup import InterviewSetup

RATINGS = {Difficulty.EASY: (2, 4), Difficulty.MEDIUM: (4, 6), Difficulty.HARD: (6, 8), Difficulty.EXPERT: (8, 10)}
"""Lowest and highest rating of a level's questions, as in the bank."""
WRITTEN_PREFIX = "gm-"
"""How the id of a question begins that the model wrote; the bank's begin with their type."""


@dataclass(frozen=True)
class Slot:
    """The place of one question."""

    number: int
    """From 1."""
    area: str | None
    """Slug of the focus area; None where the candidate named one of their own."""
    other: int | None
    """Which of the candidate's own areas."""
    rating: int
    minutes: float


def plan(setup: InterviewSetup, count: int) -> tuple[Slot, ...]:
    """The places of an interview, the candidate's choices in turn, all areas of the type when there are none."""
    chosen: list[tuple[str | None, int | None]] = [(area, None) for area in setup.focus_areas]
    chosen += [(None, i) for i in range(len(setup.other_areas))]
    chosen = chosen or [(area, None) for area in TYPES[setup.type].areas]
    low, high = RATINGS[setup.difficulty]
    minutes = int((setup.duration_minutes - OPENING_AND_CLOSING_MINUTES) / count * 10) / 10
    slots = []
    for i in range(count):
        area, other = chosen[i % len(chosen)]
        rating = round(low + (high - low) * i / max(1, count - 1))
        slots.append(Slot(i + 1, area, other, rating, minutes))
    return tuple(slots)


def origin(question_ids: Collection[str]) -> Literal["gemini", "bank", "both"]:
    """Where an interview's questions come from: `gemini`, `bank` or `both`."""
    written = sum(question_id.startswith(WRITTEN_PREFIX) for question_id in question_ids)
    if written == 0:
        return "bank"
    return "gemini" if written == len(question_ids) else "both"
