"""What a candidate chose: the nine configuration fields and their limits (R-013, C-42).

Built by `web.schemas` from a request, stored as the session's configuration snapshot. Read next: `session`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .catalog import DIFFICULTIES, Difficulty, InterviewType


class Voice(StrEnum):
    """Engine-neutral voices; each engine maps them to its own (R-044)."""

    NEUTRAL = "neutral"
    WARM = "warm"
    DEEP = "deep"


class Pace(StrEnum):
    """How fast the interviewer speaks."""

    SLOW = "slow"
    MODERATE = "moderate"
    FAST = "fast"


class FollowUpStyle(StrEnum):
    """How many follow-ups beside the difficulty's own number."""

    LIGHT = "light"
    BALANCED = "balanced"
    DEEP_DIVE = "deep-dive"


FOLLOW_UP_DELTA = {FollowUpStyle.LIGHT: -1, FollowUpStyle.BALANCED: 0, FollowUpStyle.DEEP_DIVE: 1}
MAX_REQUIREMENTS = 2_000
"""Characters of free text (R-014)."""
MAX_SHORT_TEXT = 120
"""Characters of company, role, level and a free focus area."""
MAX_FOCUS_AREAS = 8
LANGUAGES = {"en": "English"}
"""Languages this build can hear and speak without a key; others fall back to English with a clear word."""


@dataclass(frozen=True)
class InterviewSetup:
    """One validated choice. Free text is data: it is shown and stored, never executed or templated."""

    type: InterviewType
    difficulty: Difficulty
    duration_minutes: int
    focus_areas: tuple[str, ...] = ()
    """Slugs of the type's areas."""
    other_areas: tuple[str, ...] = ()
    """Areas kept as free text because the type has no such slug (C-41)."""
    specific_requirements: str = ""
    language: str = "en"
    voice: Voice = Voice.NEUTRAL
    pace: Pace = Pace.MODERATE
    follow_up_style: FollowUpStyle = FollowUpStyle.BALANCED
    company: str = ""
    role: str = ""
    level: str = ""
    question_count: int | None = None
    """Explicit number of questions, 3–10 (C-39)."""

    @property
    def follow_up_budget(self) -> int:
        """Follow-ups the interviewer may ask for one question."""
        return max(0, DIFFICULTIES[self.difficulty].follow_ups + FOLLOW_UP_DELTA[self.follow_up_style])
