"""The answer of a model that writes questions: its shape, in the product document's names, and its way into our `Question` (R-032, R-035).

Bounds here only keep an answer from being endless; what makes a good question is decided by `bridge.domain.question_checks`, question by question, so
that one bad question does not cost the others. Flat on purpose: see `bridge.clients.gemini_schema`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..domain.catalog import Difficulty, InterviewType
from ..domain.questions import FollowUp, KeyPoint, Question

Line = Annotated[str, Field(max_length=1_000)]
LONGEST_MINUTES = 15.0


class _Written(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False)


class WrittenKeyPoint(_Written):
    """One thing a good answer covers."""

    point: Line = Field(description="What it is, in one short sentence")
    words: str = Field(max_length=1_000, description="Words and short phrases that show it, separated by |")


class WrittenFollowUp(_Written):
    """A further question on the same item."""

    text: Line
    about: int = Field(description="Number of its key point, from 1")


class WrittenQuestion(_Written):
    """One question."""

    number: int = Field(description="Number of the place")
    focus_area: Line
    text: Line
    spoken: Line
    motivation: Line
    key_points: list[WrittenKeyPoint] = Field(max_length=20)
    difficulty: int
    time_allocation: float = Field(description="Minutes")
    follow_ups: list[WrittenFollowUp] = Field(max_length=20)
    model_answer: str = Field(max_length=4_000)

    def to_question(
        self, question_id: str, interview_type: InterviewType, difficulty: Difficulty, *, rating: int, lesson: str
    ) -> Question:
        """In our words: one line of text each, key points k1, k2 …; id, rating and lesson are set by us (R-033)."""
        points = tuple(
            KeyPoint(f"k{n}", _line(point.point), (_alternatives(point.words),)) for n, point in enumerate(self.key_points, 1)
        )
        return Question(
            id=question_id,
            type=interview_type,
            difficulty=difficulty,
            focus_area=self.focus_area.strip(),
            text=_line(self.text),
            spoken=_line(self.spoken),
            motivation=_line(self.motivation),
            rating=rating,
            minutes=min(max(self.time_allocation, 1.0), LONGEST_MINUTES),
            key_points=points,
            follow_ups=tuple(FollowUp(_line(follow_up.text), f"k{follow_up.about}") for follow_up in self.follow_ups),
            model_answer=_line(self.model_answer),
            lesson=lesson,
        )

    def to_json(self) -> dict[str, Any]:
        """As it was written, for sending it back."""
        return self.model_dump(by_alias=True)


class WrittenQuestions(_Written):
    """The whole answer."""

    questions: list[WrittenQuestion] = Field(max_length=20)


def _line(text: str) -> str:
    return " ".join(text.split())


def _alternatives(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for part in words.split("|") if (word := _line(part).lower())))
