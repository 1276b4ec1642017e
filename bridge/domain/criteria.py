"""What a judge is asked to score in an answer, and how much each part weighs: the judged rubric, per type of interview (R-079, R-080, C-43).

A dimension is the mean of its criteria times ten, 0–100; a question's score is the mean of its dimensions by weight. Time management has no
criterion: it comes from the clocks alone. Read next: `reporting.judge` (which scores count), `reporting.marks` (the sums).
"""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import InterviewType

RUBRIC_NAME = "Judged answers"
RUBRIC_VERSION = "1"
"""Changes with any rule or weight; a report names the rules it was made by."""
SUB_SCORES = ("technicalCorrectness", "completeness", "communication", "depthOfThinking")
"""The four of R-080, judged in every type."""
TIME = "timeManagement"


@dataclass(frozen=True)
class Dimension:
    """A part of the breakdown."""

    name: str
    weight: int
    """Of 100."""
    criteria: tuple[str, ...] = ()
    """Names of sub-scores; none for what the clocks say."""


TECHNICAL = (
    Dimension("technicalDepth", 40, ("technicalCorrectness", "depthOfThinking")),
    Dimension("communication", 15, ("communication",)),
    Dimension("problemSolving", 25, ("completeness", "problemSolving")),
    Dimension("tradeOffAnalysis", 15, ("tradeOffAnalysis",)),
    Dimension(TIME, 5),
)
BEHAVIORAL = (
    Dimension("structure", 25, ("structure", "completeness")),
    Dimension("ownership", 25, ("ownership", "depthOfThinking")),
    Dimension("impact", 25, ("impact", "technicalCorrectness")),
    Dimension("communication", 20, ("communication",)),
    Dimension(TIME, 5),
)


def dimensions(interview_type: InterviewType) -> tuple[Dimension, ...]:
    """The type's dimensions, in the order they are shown."""
    return BEHAVIORAL if interview_type is InterviewType.BEHAVIORAL else TECHNICAL


def criteria(interview_type: InterviewType) -> tuple[str, ...]:
    """Every criterion judged in this type, the four of R-080 first."""
    own = [name for dimension in dimensions(interview_type) for name in dimension.criteria]
    return tuple(dict.fromkeys([*SUB_SCORES, *own]))
