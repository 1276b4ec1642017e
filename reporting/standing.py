"""Where a score stands: against this server's other interviews, and against the last time (R-077, R-129, C-44, M14).

Nothing is compared with a group that is too small, or small enough to tell who is in it; then the numbers are null and words say why. This is
looked up when a report is read, so that every form of it (page, JSON, PDF, letter, share link) says the same. Read next: `progress`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from itertools import pairwise
from statistics import median
from typing import Any

from bridge.domain.catalog import DIFFICULTIES
from bridge.domain.standing import ReportFacts, Scores

from . import advice
from .scoring import rounded

MIN_GROUP = 20
"""Interviews a group needs."""
MIN_PEOPLE = 5
"""People a group needs, unless all of it is one person's own."""
MIN_CHANGES = 3
"""Changes from one interview to the next that an expected improvement is made of."""


def compared(score: int | None, group: Scores) -> dict[str, Any]:
    """A score against its group, with `percentileRank` (share of the other interviews with a lower score); nulls and words without one."""
    big = group.interviews >= MIN_GROUP
    if score is None or not big or 1 < group.people < MIN_PEOPLE:
        reason = advice.NOT_ENOUGH if score is None or not big else "not enough people on this server yet"
        return _comparison(score, None, None, None, group.interviews, reason)
    average = rounded(group.average or 0)
    rank = rounded(100 * group.below(score) / (group.interviews - 1))
    whose = "of your own" if group.people == 1 else f"of {group.people} people"
    away = score - average
    where = "at" if not away else f"{abs(away)} {'point' if abs(away) == 1 else 'points'} {'above' if away > 0 else 'below'}"
    message = f"{where} the average of {group.interviews} interviews {whose} of this type and difficulty on this server"
    return _comparison(score, average, group.top, rank, group.interviews, message)


def _comparison(
    score: int | None, average: int | None, top: int | None, rank: int | None, interviews: int, message: str
) -> dict[str, Any]:
    return {
        "yourScore": score,
        "averageForDifficulty": average,
        "topPerformerScore": top,
        "percentileRank": rank,
        "groupSize": interviews,
        "minimumGroup": MIN_GROUP,
        "statusMessage": message,
    }


def since_last_time(body: Mapping[str, Any], before: ReportFacts | None) -> dict[str, Any] | None:
    """What changed since the last scored interview of the same type; None where either has no score."""
    score = body["overallScore"]
    if before is None or before.overall_score is None or score is None:
        return None
    now = {area["area"]: area for area in body["coverage"]["byFocusArea"] if area["score"] is not None}
    return {
        "sessionId": before.session_id,
        "date": before.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "difficulty": before.difficulty.value,
        "difficultyTitle": DIFFICULTIES[before.difficulty].title,
        "sameDifficulty": before.difficulty.value == body["setup"]["difficulty"],
        "previousScore": before.overall_score,
        "change": score - before.overall_score,
        "areas": [
            {
                "area": slug,
                "title": now[slug]["title"],
                "previous": was,
                "now": now[slug]["score"],
                "change": now[slug]["score"] - was,
            }
            for slug, was in before.areas.items()
            if slug in now
        ],
    }


def expected_improvement(own: Sequence[ReportFacts]) -> tuple[int | None, str]:
    """The typical change from one of the person's interviews of a type to the next, and what it is made of (R-082)."""
    scores = [row.overall_score for row in sorted(own, key=lambda row: row.at) if row.overall_score is not None]
    changes = [later - earlier for earlier, later in pairwise(scores)]
    if len(changes) < MIN_CHANGES:
        return None, f"Not known: it takes {MIN_CHANGES + 1} of your own interviews of this type."
    return rounded(median(changes)), f"The median change between your last {len(scores)} interviews of this type."


def placed(body: Mapping[str, Any], *, group: Scores, before: ReportFacts | None, own: Sequence[ReportFacts]) -> dict[str, Any]:
    """The report with its comparison, what changed since last time, and the improvement to expect."""
    figure, reason = expected_improvement(own)
    suggestion = dict(body["suggestionForNextInterview"]) | {"estimatedImprovement": figure, "estimatedImprovementReason": reason}
    return dict(body) | {
        "comparisonToStandards": compared(body["overallScore"], group),
        "sinceLastTime": since_last_time(body, before),
        "suggestionForNextInterview": suggestion,
    }
