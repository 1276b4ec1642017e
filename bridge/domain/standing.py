"""What is kept of a report so that hundreds can be read at once: its facts, and sums over many of them (R-126, R-127, M14).

Facts are made by `reporting.facts` when a report is written, and can be made again from it. Read next: `reporting.progress`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .catalog import Difficulty, InterviewType


@dataclass(frozen=True)
class Points:
    """Key points of one concept in one interview; `missed` counts a point shown in part as half."""

    asked: int
    missed: float


@dataclass(frozen=True)
class ReportFacts:
    """The numbers of a session's current report."""

    session_id: str
    user_id: str
    report_id: str
    type: InterviewType
    difficulty: Difficulty
    at: datetime
    """When the interview was held."""
    overall_score: int | None
    dimensions: Mapping[str, int] = field(default_factory=dict)
    """Scores 0–100 by dimension; what was not assessed is not there."""
    areas: Mapping[str, int] = field(default_factory=dict)
    """Scores 0–100 by focus area."""
    concepts: Mapping[str, Points] = field(default_factory=dict)


@dataclass(frozen=True)
class TypeTotals:
    """A person's interviews of one type: all that were held, and what those with a score add up to."""

    type: InterviewType
    interviews: int
    seconds: int
    last_at: datetime | None
    scored: int = 0
    average: float | None = None
    best: int | None = None


@dataclass(frozen=True)
class Scores:
    """The scores of every interview of one type and difficulty on this server."""

    people: int = 0
    counts: Mapping[int, int] = field(default_factory=dict)
    """How many interviews have each score."""

    @property
    def interviews(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def average(self) -> float | None:
        """Their mean; None without any."""
        return sum(score * count for score, count in self.counts.items()) / self.interviews if self.counts else None

    @property
    def top(self) -> int | None:
        """Where the best tenth begins, by nearest rank; None without any."""
        rank, seen = -(-9 * self.interviews // 10), 0
        for score, count in sorted(self.counts.items()):
            seen += count
            if seen >= rank:
                return score
        return None

    def below(self, score: int) -> int:
        """Interviews with a lower score."""
        return sum(count for other, count in self.counts.items() if other < score)
