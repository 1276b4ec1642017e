"""What a prompt is about, read without knowing who wrote it: the candidate's answer, the key points, prepared follow-ups, focus areas, numbers.

Prompts carry these as JSON, in tagged sections or under headings with bullets; all three are looked for. It is a reading for a stand-in: generous, and
blind where a prompt is unusual, in which case a test gives the material itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.likeness import stem

_POINTS = re.compile(r"key_?points?|rubric|criteria|expected", re.IGNORECASE)
_ANSWERS = re.compile(r"answer|said|transcript|utterance|user_?response", re.IGNORECASE)
_NOT_ANSWERS = re.compile(r"model|ideal|sample|expected", re.IGNORECASE)
_FOLLOW_UPS = re.compile(r"follow_?-?\s?ups?", re.IGNORECASE)
_FOCUS = re.compile(r"focus[\s_]?areas?", re.IGNORECASE)
_CANDIDATE = re.compile(r"candidate|user", re.IGNORECASE)
_TAG = re.compile(r"<([A-Za-z][\w-]*)[^>]*>(.*?)</\1>", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*)$")
_SPOKEN_LINE = re.compile(r"^\s*(?:candidate(?:'s answer)?|user|answer)\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_LABELLED = re.compile(r"^[\[(]?([A-Za-z]+[-_]?\d[\w-]*)[\])]?\s*[:.)\]-]?\s+(.*)$")
_COUNT = re.compile(
    r"(?:exactly|generate|write|create)\s+(\d{1,2})\b[^.\n]{0,30}questions|\b(\d{1,2})\s+(?:\w+\s+){0,2}questions", re.I
)
_MINUTES = re.compile(r"(\d{1,3})\s*(?:-\s*)?min", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
TELLING = 4
"""Letters from which on a word says something."""


@dataclass(frozen=True)
class Point:
    """One thing an answer should cover."""

    id: str
    text: str

    def share(self, answer: str) -> float:
        """0–1: how many of its telling words the answer has."""
        wanted = stems(self.text)
        return len(wanted & stems(answer)) / len(wanted) if wanted else 0.0


@dataclass
class Material:
    """What was found."""

    answer: str = ""
    points: list[Point] = field(default_factory=list)
    follow_ups: list[str] = field(default_factory=list)
    focus: list[str] = field(default_factory=list)


def stems(text: str) -> set[str]:
    """The stems of a text's telling words."""
    return {stem(word) for word in _WORD.findall(text.lower()) if len(word) >= TELLING}


def material(text: str) -> Material:
    """Read a prompt."""
    found = Material()
    answers: list[str] = []
    for value in json_values(text):
        _read(value, found, answers)
    for name, inside in _TAG.findall(text):
        _section(name.replace("-", "_"), inside, found, answers)
    for heading, bullets in _headed(text):
        _section(heading, bullets, found, answers)
    if not answers:
        answers = _SPOKEN_LINE.findall(text)
    found.answer = "\n".join(dict.fromkeys(answer.strip() for answer in answers if answer.strip()))
    return found


def asked_count(text: str) -> int | None:
    """How many questions are asked for, if it is said."""
    match = _COUNT.search(text)
    return int(match.group(1) or match.group(2)) if match else None


def asked_minutes(text: str) -> int | None:
    """The minutes named first."""
    match = _MINUTES.search(text)
    return int(match.group(1)) if match else None


def json_values(text: str) -> Iterator[Any]:
    """Every JSON object and array standing in a text."""
    decoder, at = json.JSONDecoder(), 0
    while (match := re.compile(r"[{\[]").search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, match.start())
        except ValueError:
            at = match.end()
        else:
            yield value


def _read(value: Any, found: Material, answers: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _read(item, found, answers)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if _FOCUS.search(key):
            found.focus += [str(area) for area in _listed(item)]
        elif _FOLLOW_UPS.search(key):
            found.follow_ups += [text for each in _listed(item) if (text := _text(each))]
        elif _POINTS.search(key) and isinstance(item, list):
            found.points = found.points or _points(item)
        elif (_ANSWERS.search(key) or _CANDIDATE.fullmatch(key)) and not _NOT_ANSWERS.search(key):
            answers += _spoken(item)
        else:
            _read(item, found, answers)


def _listed(item: Any) -> Sequence[Any]:
    return item if isinstance(item, list) else [item]


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return ""
    return next((str(item[key]) for key in ("text", "spoken", "point", "question", "description", "name") if key in item), "")


def _points(items: Sequence[Any]) -> list[Point]:
    read = []
    for item in items:
        text = _text(item)
        named = _LABELLED.match(text)
        if isinstance(item, dict) and "id" in item:
            read.append(Point(str(item["id"]), text))
        elif named:
            read.append(Point(named.group(1), named.group(2)))
        elif text:
            read.append(Point(f"kp{len(read) + 1}", text))
    return read


def _spoken(item: Any) -> list[str]:
    """The candidate's own words of an answer or transcript."""
    if isinstance(item, str):
        lines = _SPOKEN_LINE.findall(item)
        return lines or [item]
    if isinstance(item, dict):
        speaker = str(item.get("speaker", item.get("role", "candidate")))
        return [_text(item)] if _CANDIDATE.search(speaker) else []
    return [line for each in item for line in _spoken(each)] if isinstance(item, list) else []


def _section(name: str, inside: str, found: Material, answers: list[str]) -> None:
    try:
        value = json.loads(inside)
    except ValueError:
        value = None
    if value is not None:
        if not isinstance(value, dict):  # an object was found by `json_values` already
            _read({name: value}, found, answers)
        return
    bullets = [match.group(1) for line in inside.splitlines() if (match := _BULLET.match(line))]
    if _FOLLOW_UPS.search(name):
        found.follow_ups += bullets
    elif _POINTS.search(name.replace(" ", "_")):
        found.points = found.points or _points(bullets)
    elif _FOCUS.search(name):
        found.focus += bullets or [area.strip() for area in inside.split(",")]
    elif (_ANSWERS.search(name) or _CANDIDATE.search(name)) and not _NOT_ANSWERS.search(name):
        answers += _spoken(inside)


def _headed(text: str) -> Iterator[tuple[str, str]]:
    """(heading, what stands under it): a line ending in a colon with bullets below, or `Focus areas: a, b`."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        name, colon, rest = line.strip().lstrip("#-*• ").partition(":")
        if not colon or len(name) > 40:
            continue
        if rest.strip():
            if _FOCUS.search(name):
                yield name, rest
            continue
        below = []
        for following in lines[i + 1 :]:
            if not _BULLET.match(following):
                break
            below.append(following)
        if below:
            yield name, "\n".join(below)
