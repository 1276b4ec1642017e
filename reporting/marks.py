"""The arithmetic of a judged answer: from sub-scores to dimensions to the question's score, each with the sum in words (C-43).

Read next: `bridge.domain.criteria` (the weights), `scoring` (from questions to the overall, the same in every report).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bridge.domain.catalog import InterviewType
from bridge.domain.criteria import TIME, dimensions

from .scoring import number, rounded

TITLES = {
    "technicalCorrectness": "correctness",
    "completeness": "completeness",
    "communication": "communication",
    "depthOfThinking": "depth of thinking",
    "problemSolving": "problem solving",
    "tradeOffAnalysis": "trade-off analysis",
    "technicalDepth": "technical depth",
    "structure": "structure",
    "ownership": "ownership",
    "impact": "impact",
    TIME: "time management",
}


@dataclass(frozen=True)
class Scored:
    """A question's numbers, 0–100."""

    score: int
    dimensions: Mapping[str, int]
    """Those that are known."""
    arithmetic: str


def scored(interview_type: InterviewType, sub_scores: Mapping[str, float], time: int | None) -> Scored:
    """The score of one question. `sub_scores` are 0–10; `time` is 0–100, None where the clock does not know."""
    known, sums, parts = {}, [], []
    for dimension in dimensions(interview_type):
        if dimension.name == TIME:
            value, how = time, ""
        else:
            values = [sub_scores[name] for name in dimension.criteria]
            value, how = rounded(10 * fmean(values)), _how(dimension.criteria, values)
        if value is None:
            continue
        known[dimension.name] = value
        parts.append((value, dimension.weight))
        sums.append(f"{TITLES[dimension.name]} {how}{value} × {dimension.weight}")
    weight = sum(share for _, share in parts)
    score = rounded(sum(value * share for value, share in parts) / weight)
    return Scored(score, known, f"({' + '.join(sums)}) ÷ {weight} = {score}")


def _how(names: Sequence[str], values: Sequence[float]) -> str:
    if len(names) == 1:
        return ""
    terms = " + ".join(f"{TITLES[name]} {number(value)}" for name, value in zip(names, values, strict=True))
    return f"[({terms}) ÷ {len(names)} × 10 =] "
