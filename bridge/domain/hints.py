"""What a hint says in study mode: made from the question's prepared material, one rung deeper each time, with no key point in it (M12, R-020, A9).

How many there are is the difficulty's (`DifficultyProfile.hints`), and with them how deep: with several the first only says where to look, the last asks
what leads to a point not heard yet. Everything is checked as a model's follow-up is, before it may be said. Read next: `follow_up_checks`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .catalog import DIFFICULTIES, TYPES
from .follow_up_checks import gives_away
from .questions import KeyPoint, Question
from .setup import InterviewSetup, Mode


@dataclass(frozen=True)
class Hint:
    """What is said, and the key point it leads to (None: it says only where to look)."""

    text: str
    about: str | None = None


def allowance(setup: InterviewSetup) -> int:
    """Hints for one question; none outside study mode."""
    return DIFFICULTIES[setup.difficulty].hints if setup.mode is Mode.STUDY else 0


def next_hint(
    question: Question, n: int, of: int, open_points: Sequence[KeyPoint], used: Collection[str], answer: str
) -> Hint | None:
    """The n-th hint of `of`; None where nothing is left that may be said. `used` are the texts asked or hinted already, `answer` what was said so far."""
    shown = frozenset(point.id for point in question.key_points) - {point.id for point in open_points}
    leading = [
        Hint(each.text, each.about)
        for point in open_points for each in question.follow_ups
        if each.about == point.id and each.text not in used and not gives_away(each.text, question, answer, shown)
    ]  # fmt: skip
    where = Hint(
        f"Look at it from the side of {TYPES[question.type].areas[question.focus_area]}, and go on from what you said last."
    )
    if n < of and where.text not in used:
        return where
    return leading[0] if leading else None if where.text in used else where
