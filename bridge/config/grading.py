"""Settings of judging answers for the report."""

from __future__ import annotations

from pydantic import BaseModel, Field


class GradingSettings(BaseModel):
    """The part about grading."""

    gradings: int = Field(
        3,
        ge=1,
        le=9,
        description="How often the model judges each answer for the report; the median counts and the spread is shown.",
    )
