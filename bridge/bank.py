"""Loads the bundled question bank and curriculum, checked once, from package data.

Shapes: `bridge/data/bank/<type>.json` is a list of questions (`Question` in snake_case), `bridge/data/curriculum/<type>.json`
its module. Read next: `bridge.domain.questions`.
"""

from __future__ import annotations

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
class Module:
    """A curriculum module: the only source of lesson references in reports (C-45)."""

    number: int
    type: InterviewType
    title: str
    lessons: tuple[Lesson, ...]


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
