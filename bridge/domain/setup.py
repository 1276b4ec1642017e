"""What a candidate chose: the nine configuration fields and their limits (R-013, C-42).

Built by `web.schemas` from a request, stored as the session's configuration snapshot. Read next: `session`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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


class Mode(StrEnum):
    """Real: as in an exam. Study: hints may be asked for, and the report tells them (M12)."""

    REAL = "real"
    STUDY = "study"


FOLLOW_UP_DELTA = {FollowUpStyle.LIGHT: -1, FollowUpStyle.BALANCED: 0, FollowUpStyle.DEEP_DIVE: 1}
MAX_REQUIREMENTS = 2_000
"""Characters of free text (R-014)."""
MAX_SHORT_TEXT = 120
"""Characters of company, role, level and a free focus area."""
MAX_FOCUS_AREAS = 8
MAX_DOCUMENT = 20_000
"""Characters of a CV and of a job description."""


@dataclass(frozen=True)
class Language:
    """A language an interview may be held in."""

    title: str
    """In its own words."""
    english_name: str
    engines: frozenset[str]
    """Voice engines that hear and speak it. Languages in Latin letters only: `coverage` finds no others in an answer."""


_EVERYWHERE, _AT_VENDORS = frozenset({"vapi", "gemini", "local"}), frozenset({"vapi", "gemini"})
LANGUAGES = {
    "en": Language("English", "English", _EVERYWHERE),
    "de": Language("Deutsch", "German", _AT_VENDORS),
    "es": Language("Español", "Spanish", _AT_VENDORS),
    "fr": Language("Français", "French", _AT_VENDORS),
    "it": Language("Italiano", "Italian", _AT_VENDORS),
    "nl": Language("Nederlands", "Dutch", _AT_VENDORS),
    "pt": Language("Português", "Portuguese", _AT_VENDORS),
}
ENGLISH = "en"
"""The bank's language: what is left without a model or an engine for another."""


def spoken_languages(engines: Sequence[str], *, has_model: bool) -> tuple[str, ...]:
    """The languages a server can hold interviews in: questions in others need a model, hearing them needs its first engine."""
    if not has_model:
        return (ENGLISH,)
    return tuple(code for code, language in LANGUAGES.items() if engines[0] in language.engines)


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
    cv: str = field(default="", repr=False)
    """Text of a CV; it shapes the questions and is purged with the session."""
    job_description: str = field(default="", repr=False)

    mode: Mode = Mode.REAL

    @property
    def follow_up_budget(self) -> int:
        """Follow-ups the interviewer may ask for one question."""
        return max(0, DIFFICULTIES[self.difficulty].follow_ups + FOLLOW_UP_DELTA[self.follow_up_style])
