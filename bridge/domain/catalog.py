"""The one table each for types, focus areas, difficulties, durations, question counts and prices.

Everything that shows, checks, quotes or times an interview reads these tables (C-01, C-39, C-41, C-43). Aliases accept
the product document's several spellings. Read next: `setup` (one candidate's choice) and `questions` (what is asked).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class InterviewType(StrEnum):
    """What is practised; the value is the public slug (C-41)."""

    JAVASCRIPT = "javascript"
    MACHINE_CODING = "machine-coding"
    DSA = "dsa"
    SYSTEM_DESIGN = "system-design"
    BEHAVIORAL = "behavioral"


class Difficulty(StrEnum):
    """How deep it goes (R-008…R-011)."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"
    EXPERT = "expert"


@dataclass(frozen=True)
class TypeProfile:
    """How a type is named and which areas it offers; `areas` maps slug to title in display order."""

    type: InterviewType
    title: str
    module: int
    """Curriculum module number (R-003…R-007)."""
    unit: str
    """What the module counts: lessons, patterns or problems."""
    units: int
    blurb: str
    areas: dict[str, str]


@dataclass(frozen=True)
class DifficultyProfile:
    """Minutes, question count, price and style of a difficulty (C-01, C-39, R-100)."""

    difficulty: Difficulty
    title: str
    blurb: str
    min_minutes: int
    max_minutes: int
    default_minutes: int
    questions: int
    """Wanted number of questions, before `question_count` clamps it to the minutes."""
    follow_ups: int
    """Follow-ups the interviewer may ask for one question."""
    hints: int
    """Guiding hints offered for one question (R-020)."""
    price_paise: int


TYPES: dict[InterviewType, TypeProfile] = {
    profile.type: profile
    for profile in (
        TypeProfile(
            InterviewType.JAVASCRIPT,
            "JavaScript & Frontend",
            1,
            "lessons",
            22,
            "Closures, the event loop, the browser, frameworks and speed.",
            {
                "language-core": "Language Core",
                "async": "Asynchronous JavaScript",
                "browser-dom": "Browser & DOM",
                "frameworks": "Components & Frameworks",
                "web-performance": "Web Performance",
            },
        ),
        TypeProfile(
            InterviewType.MACHINE_CODING,
            "Machine Coding Patterns",
            2,
            "patterns",
            42,
            "Talk through building a working interface or small system in an hour.",
            {
                "component-design": "Component Design",
                "state-management": "State Management",
                "ui-patterns": "UI Patterns",
                "async-data": "Asynchronous Data",
                "code-quality": "Edge Cases & Code Quality",
            },
        ),
        TypeProfile(
            InterviewType.DSA,
            "Data Structures & Algorithms",
            3,
            "problems",
            130,
            "Explain your approach, its cost and its edge cases out loud.",
            {
                "arrays-strings": "Arrays & Strings",
                "stacks-queues": "Linked Lists, Stacks & Queues",
                "trees-graphs": "Trees & Graphs",
                "dynamic-programming": "Dynamic Programming",
                "sorting-searching": "Sorting & Searching",
            },
        ),
        TypeProfile(
            InterviewType.SYSTEM_DESIGN,
            "System Design & Architecture",
            4,
            "lessons",
            15,
            "Design systems at scale and defend the trade-offs.",
            {
                "scalability": "Scalability & Performance",
                "database-design": "Database Design",
                "caching": "Caching Strategies",
                "api-design": "API Design",
                "microservices": "Microservices",
            },
        ),
        TypeProfile(
            InterviewType.BEHAVIORAL,
            "Behavioural & HR",
            5,
            "lessons",
            12,
            "Tell your own stories: situation, action, result, and what you learnt.",
            {
                "teamwork": "Teamwork & Conflict",
                "leadership": "Leadership & Ownership",
                "communication": "Communication",
                "failure-learning": "Failure & Learning",
                "motivation": "Motivation & Career",
            },
        ),
    )
}

DIFFICULTIES: dict[Difficulty, DifficultyProfile] = {
    profile.difficulty: profile
    for profile in (
        DifficultyProfile(Difficulty.EASY, "Easy", "Basic concepts, guided questions", 5, 12, 10, 5, 1, 2, 9_900),
        DifficultyProfile(Difficulty.MEDIUM, "Medium", "Real-world scenarios, follow-ups", 15, 20, 20, 5, 2, 1, 14_900),
        DifficultyProfile(Difficulty.HARD, "Hard", "Complex scenarios, deep questions", 20, 30, 25, 6, 2, 0, 19_900),
        DifficultyProfile(
            Difficulty.EXPERT,
            "Expert (L4+)",
            "In the style of senior big-company rounds, extensive follow-ups",
            30,
            45,
            35,
            7,
            3,
            0,
            29_900,
        ),
    )
}

TYPE_ALIASES: dict[str, InterviewType] = {
    "javascript/frontend": InterviewType.JAVASCRIPT,
    "javascript-frontend": InterviewType.JAVASCRIPT,
    "frontend": InterviewType.JAVASCRIPT,
    "js": InterviewType.JAVASCRIPT,
    "machine-coding-patterns": InterviewType.MACHINE_CODING,
    "machinecoding": InterviewType.MACHINE_CODING,
    "data-structures-&-algorithms": InterviewType.DSA,
    "data-structures-and-algorithms": InterviewType.DSA,
    "algorithms": InterviewType.DSA,
    "systemdesign": InterviewType.SYSTEM_DESIGN,
    "system-design-&-architecture": InterviewType.SYSTEM_DESIGN,
    "system-design-and-architecture": InterviewType.SYSTEM_DESIGN,
    "behavioural": InterviewType.BEHAVIORAL,
    "behavioral-&-hr": InterviewType.BEHAVIORAL,
    "behavioral-&-hr-round": InterviewType.BEHAVIORAL,
    "behavioural-&-hr": InterviewType.BEHAVIORAL,
    "hr": InterviewType.BEHAVIORAL,
}

AREA_ALIASES: dict[str, str] = {
    "databases": "database-design",
    "database": "database-design",
    "scalability-&-performance": "scalability",
    "cache": "caching",
    "caching-strategies": "caching",
    "apis": "api-design",
    "micro-services": "microservices",
    "arrays": "arrays-strings",
    "strings": "arrays-strings",
    "trees": "trees-graphs",
    "graphs": "trees-graphs",
    "dp": "dynamic-programming",
    "sorting": "sorting-searching",
    "searching": "sorting-searching",
    "promises": "async",
    "event-loop": "async",
    "dom": "browser-dom",
    "performance": "web-performance",
    "react": "frameworks",
    "conflict": "teamwork",
    "ownership": "leadership",
}

CURRENCY = "INR"
OPENING_AND_CLOSING_MINUTES = 2
"""Kept free of questions for the greeting and the closing summary (C-59)."""
MIN_MINUTES_PER_QUESTION = 2.5
QUESTION_COUNT_OVERRIDE = range(3, 11)
"""What a set-up may ask for explicitly (C-39)."""


def _slug(text: str) -> str:
    return "-".join(text.strip().lower().replace("_", "-").split())


def parse_type(text: str) -> InterviewType | None:
    """The type a slug or any of the document's spellings names, or None."""
    slug = _slug(text)
    if slug in set(InterviewType):
        return InterviewType(slug)
    return TYPE_ALIASES.get(slug)


def parse_area(interview_type: InterviewType, text: str) -> str | None:
    """The focus-area slug of this type that a slug, alias or title names, or None when it is free text (C-41)."""
    areas = TYPES[interview_type].areas
    slug = _slug(text)
    slug = AREA_ALIASES.get(slug, slug)
    if slug in areas:
        return slug
    return next((area for area, title in areas.items() if _slug(title) == slug), None)


def question_count(difficulty: Difficulty, duration_minutes: int, override: int | None = None) -> int:
    """How many questions fit: the difficulty's number, clamped to 2.5 minutes each; an override is taken as given."""
    if override is not None:
        return override
    room = int((duration_minutes - OPENING_AND_CLOSING_MINUTES) / MIN_MINUTES_PER_QUESTION)
    return max(1, min(DIFFICULTIES[difficulty].questions, room))
