"""Loads the bundled question bank and curriculum, checked once, from package data.

Shapes: `bridge/data/bank/<type>.json` is a list of questions (`Question` in snake_case), `bridge/data/curriculum/<type>.json`
its module with the lessons and the concepts these teach. Read next: `bridge.domain.questions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from .domain.catalog import InterviewType
from .domain.questions import Question


@dataclass(frozen=True)
class Lesson:
    """One lesson, pattern or problem of a module."""

    ref: str
    """Module and number, for example `4.5`."""
    title: str
    focus_area: str


@dataclass(frozen=True)
class Concept:
    """One thing that can be weak again and again: a group of lessons, or a skill that runs through all areas (M13)."""

    slug: str
    title: str
    focus_area: str
    """Empty for a skill that runs through all areas."""
    lessons: tuple[str, ...]
    """The lessons it groups; every lesson is in one group."""
    phrases: tuple[str, ...]
    """Beginnings of words, any of which makes a key point one of this skill."""

    def names(self, text: str) -> bool:
        """Whether a key point's text is about this skill."""
        return any(re.search(rf"\b{re.escape(phrase)}", text, re.IGNORECASE) for phrase in self.phrases)


@dataclass(frozen=True)
class Module:
    """A curriculum module: the only source of lesson references in reports (C-45), and the fixed list of its concepts."""

    number: int
    type: InterviewType
    title: str
    lessons: tuple[Lesson, ...]
    concepts: tuple[Concept, ...] = ()

    def concept(self, lesson: str | None, text: str) -> Concept | None:
        """What a key point belongs to: the first skill its text names, else the group of its question's lesson."""
        skill = next((concept for concept in self.concepts if concept.names(text)), None)
        return skill or next((concept for concept in self.concepts if lesson in concept.lessons), None)


@cache
def load(interview_type: InterviewType) -> tuple[Question, ...]:
    """The questions of one type, in file order."""
    path = files("bridge") / "data" / "bank" / f"{interview_type}.json"
    return TypeAdapter(tuple[Question, ...]).validate_json(path.read_bytes())


@cache
def questions() -> tuple[Question, ...]:
    """Every question of the bank."""
    return tuple(question for interview_type in InterviewType for question in load(interview_type))


@cache
def module(interview_type: InterviewType) -> Module:
    """The curriculum module of one type."""
    path = files("bridge") / "data" / "curriculum" / f"{interview_type}.json"
    return TypeAdapter(Module).validate_json(path.read_bytes())
