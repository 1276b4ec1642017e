"""Writing interview questions into whatever schema asks for them: which places there are to fill, and what goes where.

Places are read from the prompt (`1. focusArea "caching" (Caching); difficulty 6; about 5 minutes`), else made from its focus areas and numbers.
What was asked before, or stands in the prompt as written already, is not asked again. Read next: `gemini_angles`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.domain.similarity import similarity

from .gemini_angles import ANGLES, SCENES, Angle
from .gemini_filling import UNSET, Choices, Path, label
from .gemini_material import asked_count, asked_minutes, json_values, material

USUAL_QUESTIONS = 5
USUAL_MINUTES = 20
USUAL_TOPIC = "caching"
ALIKE = 0.75
"""Similarity from which a question counts as asked before; the product draws its line higher."""
_PLACE = re.compile(
    r"^\s*(\d+)\.\s+(?:focusArea \"(?P<area>[\w-]+)\"|the candidate's own area).*?difficulty (?P<rating>\d+); about (?P<minutes>[\d.]+) minutes", re.MULTILINE
)  # fmt: skip
_OTHERS = "Written by a colleague"
_AREAS = re.compile(r"^Focus areas: ([\w-]+)", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """One question to write."""

    number: int
    area: str
    rating: int
    minutes: float
    text: str
    angle: Angle


class QuestionWriter(Choices):
    """Fills a schema of questions."""

    def __init__(self, text: str) -> None:
        self._asked = [line for line in _strings(list(json_values(text))) if line.endswith(("?", "."))]
        self.places = [self._write(*place) for place in _places(text)]

    def _write(self, number: int, area: str, rating: int, minutes: float) -> Place:
        angle = ANGLES[(number - 1) % len(ANGLES)]
        ask = angle.ask.format(topic=area.replace("-", " "))
        for at in range(len(SCENES)):
            text = f"{SCENES[(number - 1 + at) % len(SCENES)]} {ask}"
            if not any(similarity("", text, asked) >= ALIKE for asked in self._asked):
                break
        return Place(number, area, rating, minutes, text, angle)

    def count(self, path: Path, schema: dict[str, Any]) -> int | None:
        """Questions as asked; the angle's points, words and follow-ups."""
        names = label(path).split(".")
        if names[-1] == "questions":
            return len(self.places)
        angle = self._place(path).angle
        if re.search(r"shows|word|phrase|term", names[-1]):
            return len(angle.points[_inner(path) % len(angle.points)][1])
        return len(angle.points) if "point" in names[-1] else len(angle.follow_ups) if "follow" in names[-1] else None

    def _place(self, path: Path) -> Place:
        at = next((step for step in path if isinstance(step, int)), 0)
        return self.places[at % len(self.places)]

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        """By the names of the fields."""
        kind = schema.get("type")
        if kind not in ("STRING", "INTEGER", "NUMBER"):
            return UNSET
        name, place = label(path), self._place(path)
        if "follow" in name:
            return self._follow_up(name, str(kind), path, place.angle)
        if "point" in name:
            return self._point(name, path, place.angle)
        for pattern, value in (
            (r"number$|order$", place.number),
            (r"difficulty|rating|level", place.rating),
            (r"minutes|time|duration", place.minutes),
            (r"focus|topic|area|category", place.area),
            (
                r"motivation|why|reason|rationale",
                f"Shows whether the candidate has really worked with {place.area.replace('-', ' ')}.",
            ),
            (r"(model|ideal|sample|expected)answer", place.angle.answer),
            (r"(spoken|text|question|display|title)$", place.text),
        ):
            if re.search(pattern, name):
                return value
        return UNSET

    @staticmethod
    def _follow_up(name: str, kind: str, path: Path, angle: Angle) -> Any:
        text, about = angle.follow_ups[_last(path) % len(angle.follow_ups)]
        if re.search(r"about|point", name):
            return about if kind != "STRING" else f"k{about}"
        return text

    @staticmethod
    def _point(name: str, path: Path, angle: Angle) -> Any:
        listed = bool(re.search(r"(shows|words?|phrases?|terms?)$", name))
        point, words = angle.points[(_inner(path) if listed else _last(path)) % len(angle.points)]
        if listed:
            return words[_last(path) % len(words)] if isinstance(path[-1], int) else "|".join(words)
        return f"k{_last(path) + 1}" if name.endswith("id") else point


def _places(text: str) -> Iterator[tuple[int, str, int, float]]:
    """(number, area, rating, minutes)."""
    first = match.group(1) if (match := _AREAS.search(text)) else USUAL_TOPIC
    found = list(_PLACE.finditer(text.partition(_OTHERS)[0]))
    for match in found:
        yield int(match.group(1)), match.group("area") or first, int(match.group("rating")), float(match.group("minutes"))
    if found:
        return
    focus = material(text).focus or [USUAL_TOPIC]
    count = asked_count(text) or USUAL_QUESTIONS
    minutes = max(1, (asked_minutes(text) or USUAL_MINUTES) - 2) / count
    for n in range(count):
        yield n + 1, focus[n % len(focus)], 4 + n % 5, minutes


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(item)


def _last(path: Path) -> int:
    """The innermost list position."""
    return next((step for step in reversed(path) if isinstance(step, int)), 0)


def _inner(path: Path) -> int:
    """The second list position: which key point of a question."""
    places = [step for step in path if isinstance(step, int)]
    return places[1] if len(places) > 1 else 0
