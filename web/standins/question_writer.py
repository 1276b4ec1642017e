"""Writes questions as a good model would, for PrepKit's own prompt: one for each place, taken from the bundled bank and put in the model's words.

Hook it into a stand-in: `StandinBrain().when(question_writer.write, purpose="questions")`. The same prompt gives the same questions. Read next:
`bridge.prompts.questions`, `bridge.wire.written_questions`.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from typing import Any, Protocol

from bridge import bank
from bridge.domain.catalog import TYPES, InterviewType
from bridge.domain.question_checks import faults, tidy
from bridge.domain.question_plan import Slot
from bridge.domain.questions import Question
from bridge.wire.written_questions import WrittenQuestion

_TYPE = re.compile(r"^Interview type: (.+)$", re.MULTILINE)
_PLACES = re.compile(r"^Write exactly \d+ questions, for these places:\n((?:\d+\. .*\n)+)", re.MULTILINE)
_PLACE = re.compile(r"(\d+)\. (?:focusArea \"([a-z-]+)\")?[^;\n]*; difficulty (\d+)")


class Prompted(Protocol):
    """Anything with a prompt."""

    @property
    def prompt(self) -> str:
        """All text of the conversation."""


def write(request: Prompted) -> str:
    """The answer, as JSON."""
    return json.dumps({"questions": [written(number, question) for number, question in chosen(request.prompt)]})


def chosen(prompt: str) -> list[tuple[int, Question]]:
    """(number of the place, question) for every place of the last task in the prompt."""
    title = _TYPE.search(prompt)
    listed = _PLACES.search(prompt)
    kind = next((profile.type for profile in TYPES.values() if title and profile.title == title.group(1)), None)
    if kind is None or listed is None:
        return []
    places = [(int(n), area, int(rating)) for n, area, rating in _PLACE.findall(listed.group(1))]
    found: list[tuple[int, Question]] = []
    for number, area, rating in places:
        pool = [q for q in _good(kind) if area in ("", q.focus_area) and q.text not in prompt]
        # Places of one interview are written in separate requests: the number keeps them apart.
        pool.sort(key=lambda q: (abs(q.rating - rating), zlib.crc32(f"{number}{q.id}".encode())))
        taken = {question.id for _, question in found}
        found.append((number, next(q for q in pool if q.id not in taken)))
    return found


@cache
def _good(kind: InterviewType) -> list[Question]:
    """The questions of the bank that pass as written ones."""

    def passes(question: Question) -> bool:
        sent = WrittenQuestion.model_validate(written(1, question))
        read = sent.to_question("", kind, question.difficulty, rating=question.rating, lesson=question.lesson)
        return not faults(tidy(read), Slot(1, question.focus_area, None, question.rating, question.minutes))

    return [question for question in bank.load(kind) if passes(question)]


def written(number: int, question: Question) -> dict[str, Any]:
    """A question of the bank in the shape and the words of the prompt."""
    order = [point.id for point in question.key_points]
    return {
        "number": number,
        "focusArea": question.focus_area,
        "text": question.text,
        "spoken": question.spoken,
        "motivation": question.motivation,
        "keyPoints": [{"point": p.text, "words": " | ".join(p.shows[0])} for p in question.key_points],
        "difficulty": question.rating,
        "timeAllocation": question.minutes,
        "followUps": [{"text": f.text, "about": order.index(f.about) + 1} for f in question.follow_ups],
        "modelAnswer": question.model_answer,
    }
