"""A judge's answer about one answered question, and about the whole report: its shape, nothing decided (R-071…R-080).

Quotes and reasons stand before the score, so that the score is written after them. Bounds keep an answer from being endless; which of it counts is
decided by `reporting.judge`. Flat on purpose: see `bridge.clients.gemini_schema`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..domain.catalog import InterviewType

Line = Annotated[str, Field(max_length=600)]
Verbatim = Annotated[str, Field(max_length=1_200)]


class _Written(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False)


class SubScore(_Written):
    """One criterion."""

    quotes: list[Verbatim] = Field(
        max_length=6, description="Verbatim words of the answer that the score stands on, one to three"
    )
    why: Line = Field(description="One short sentence")
    score: float = Field(ge=0, le=10)


class Claim(_Written):
    """One thing said about the answer."""

    quote: Verbatim = Field(description="Verbatim words of the answer that it is about")
    text: Line = Field(description="One sentence to the candidate, beginning with You")


class PointVerdict(_Written):
    """One key point."""

    id: str = Field(max_length=40)
    quote: Verbatim = Field(description="Verbatim words that show it; empty for no")
    shown: Literal["yes", "partly", "no"]


class Grade(_Written):
    """What is judged in every type."""

    key_points: list[PointVerdict] = Field(max_length=20)
    done_well: list[Claim] = Field(max_length=8)
    could_be_better: list[Claim] = Field(max_length=8)
    technical_correctness: SubScore
    completeness: SubScore
    communication: SubScore
    depth_of_thinking: SubScore

    def sub_scores(self) -> dict[str, SubScore]:
        """By the public name of the criterion."""
        named = ((to_camel(name), getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in named if isinstance(value, SubScore)}


class TechnicalGrade(Grade):
    """An answer to a technical question."""

    problem_solving: SubScore
    trade_off_analysis: SubScore


class BehavioralGrade(Grade):
    """An answer about the candidate's own experience."""

    structure: SubScore
    ownership: SubScore
    impact: SubScore


def grade_schema(interview_type: InterviewType) -> type[Grade]:
    """The shape for a type."""
    return BehavioralGrade if interview_type is InterviewType.BEHAVIORAL else TechnicalGrade


class Remark(_Written):
    """A strength or a habit to change, resting on a finding."""

    finding: str = Field(max_length=20, description="Id of the finding it rests on")
    text: Line = Field(description="One or two sentences to the candidate, without numbers")


class Weakness(Remark):
    """Something to work on."""

    focus_on: Line = Field(description="What to practise, in one sentence")


class Assembled(_Written):
    """The words around the numbers."""

    summary: str = Field(max_length=1_500, description="Two or three sentences to the candidate, without numbers")
    strengths: list[Remark] = Field(max_length=8)
    weaknesses: list[Weakness] = Field(max_length=8)
    pitfalls: list[Remark] = Field(max_length=6)
    lessons: list[Annotated[str, Field(max_length=20)]] = Field(max_length=8, description="References from the list of lessons")
