"""The arithmetic of a score, and nothing else: from key points shown to a question's score, to the overall, to a band's name.

A score says how much of a question's key points the words covered. It is made by adding and dividing, so every result here
comes with a sentence that a reader can check with a pencil. What was not answered is left out, never counted as zero.
Read next: `assess` (where the points come from) and `write`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.catalog import InterviewType
from bridge.domain.coverage import Shown

RUBRIC_NAME = "Key-point coverage"
RUBRIC_VERSION = "1"
"""Changes whenever a rule below changes; a report names the rules it was made by."""

VALUES: dict[Shown, float] = {Shown.YES: 1.0, Shown.PARTLY: 0.5, Shown.NO: 0.0}
"""What one key point is worth."""


class Status(StrEnum):
    """What became of one question."""

    ASSESSED = "assessed"
    """Asked and answered: it has a score."""
    UNANSWERED = "unanswered"
    """Asked, and no answer was heard."""
    SKIPPED = "skipped"
    """Asked, and passed over at the candidate's wish without an answer."""
    NOT_REACHED = "not-reached"
    """The interview ended before it was asked."""


@dataclass(frozen=True)
class Band:
    """A named range of scores, both ends included."""

    name: str
    lowest: int
    highest: int


BANDS = (
    Band("Starting out", 0, 39),
    Band("Taking shape", 40, 59),
    Band("Good coverage", 60, 79),
    Band("Broad coverage", 80, 94),
    Band("Full coverage", 95, 100),
)

DIMENSIONS = ("technicalDepth", "communication", "problemSolving", "tradeOffAnalysis", "timeManagement")
BEHAVIORAL_DIMENSIONS = ("structure", "ownership", "impact", "communication", "timeManagement")
NEEDS_JUDGEMENT = "This needs judgement, and a coverage report does not judge: it only compares words with key points."
NO_CLOCK = "The time spent on the questions is not known."

EASY_SHARE = (0.4, 1.1)
"""Using between these shares of a question's minutes counts in full for time management."""
SHARE_AT_ZERO = 2.0
"""Using this many times a question's minutes, or more, counts nothing."""


def rounded(value: float) -> int:
    """To the nearest whole number, halves up (the way people round)."""
    return math.floor(value + 0.5)


def number(value: float) -> str:
    """A number as a person writes it: no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def band_of(score: int, bands: Sequence[Band] = BANDS) -> Band:
    """The band a score lies in."""
    return next(band for band in bands if score <= band.highest)


def question_score(shown: Sequence[Shown]) -> int | None:
    """0–100: the mean value of the key points; None without key points."""
    if not shown:
        return None
    return rounded(100 * sum(VALUES[s] for s in shown) / len(shown))


def question_arithmetic(shown: Sequence[Shown]) -> str:
    """The sum behind `question_score`, to be checked by hand."""
    terms = " + ".join(f"{shown.count(kind)} × {number(VALUES[kind])}" for kind in Shown)
    return f"({terms}) ÷ {len(shown)} × 100 = {question_score(shown)}" if shown else ""


def weights(minutes: Iterable[float]) -> list[float]:
    """Weights of questions: their minutes; all alike when the minutes say nothing."""
    values = [max(value, 0.0) for value in minutes]
    return values if any(values) else [1.0 for _ in values]


def weighted(parts: Sequence[tuple[int, float]]) -> int | None:
    """The mean of (score, minutes) pairs weighted by minutes; None for an empty list."""
    if not parts:
        return None
    shares = weights(minutes for _, minutes in parts)
    return rounded(sum(score * share for (score, _), share in zip(parts, shares, strict=True)) / sum(shares))


def weighted_arithmetic(parts: Sequence[tuple[int, float]]) -> str:
    """The sum behind `weighted`, to be checked by hand."""
    if not parts:
        return ""
    shares = weights(minutes for _, minutes in parts)
    terms = " + ".join(f"{score} × {number(share)}" for (score, _), share in zip(parts, shares, strict=True))
    return f"({terms}) ÷ {number(sum(shares))} = {weighted(parts)}"


def time_score(share: float) -> int:
    """0–100 for the share of its minutes that a question took: full in the easy range, falling on both sides."""
    low, high = EASY_SHARE
    if share < low:
        return rounded(100 * max(share, 0.0) / low)
    if share <= high:
        return 100
    return rounded(100 * max(0.0, (SHARE_AT_ZERO - share) / (SHARE_AT_ZERO - high)))


def breakdown(interview_type: InterviewType, time_management: int | None) -> tuple[dict[str, int | None], dict[str, str]]:
    """The type's dimensions (C-43) and, for each that is null, why. Only time management can be had without judgement."""
    names = BEHAVIORAL_DIMENSIONS if interview_type is InterviewType.BEHAVIORAL else DIMENSIONS
    values: dict[str, int | None] = dict.fromkeys(names)
    values["timeManagement"] = time_management
    reasons = {name: NO_CLOCK if name == "timeManagement" else NEEDS_JUDGEMENT for name, value in values.items() if value is None}
    return values, reasons
