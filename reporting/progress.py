"""A person's numbers over time: totals, trends by type and skill, and the weaknesses that come back (R-126, R-127, M13).

Pure: facts in, public JSON out, and every trend with the sum it comes from. Read next: `standing` (comparison), `facts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge import bank
from bridge.domain.catalog import DIFFICULTIES, TYPES, Difficulty, InterviewType
from bridge.domain.standing import Points, ReportFacts, Scores, TypeTotals

from .advice import Names
from .facts import AREA
from .render import DIMENSION_TITLES
from .scoring import number, rounded
from .standing import compared

WINDOW = 50
"""Interviews that trends and weaknesses look at, the newest."""
TREND = 5
"""Scores that a trend is made of."""
WEAK_SHARE = 0.4
"""More than this share of a concept's key points missed makes it weak in that interview."""
HALF_LIFE_DAYS = 30.0
"""After so long a missed point counts half."""
MOST_WEAKNESSES = 10


def date(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second, with Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def trend(scores: Sequence[int]) -> dict[str, Any] | None:
    """How the last five scores move, oldest first: the newer half's average less the older half's; None below two scores."""
    last = list(scores[-TREND:])
    half = len(last) // 2
    if not half:
        return None
    older, newer = last[:half], last[-half:]
    before, now = sum(older) / half, sum(newer) / half
    change = rounded(now - before)
    return {
        "scores": last,
        "change": change,
        "percent": rounded(100 * (now - before) / before) if before else None,
        "arithmetic": f"{_mean(newer)} − {_mean(older)} = {number(now - before) if now >= before else '−' + number(before - now)}",
    }


def _mean(scores: Sequence[int]) -> str:
    return f"({' + '.join(map(str, scores))}) ÷ {len(scores)}" if len(scores) > 1 else str(scores[0])


def statistics(totals: Sequence[TypeTotals], rows: Sequence[ReportFacts]) -> dict[str, Any]:
    """The person's totals; `rows` are the newest facts, newest first, for the trend."""
    scored = sum(total.scored for total in totals)
    points = sum((total.average or 0) * total.scored for total in totals)
    moves = trend([row.overall_score for row in reversed(rows) if row.overall_score is not None])
    return {
        "totalInterviews": sum(total.interviews for total in totals),
        "scoredInterviews": scored,
        "totalSeconds": sum(total.seconds for total in totals),
        "averageScore": rounded(points / scored) if scored else None,
        "bestScore": max((total.best for total in totals if total.best is not None), default=None),
        "lastInterviewAt": date(max((total.last_at for total in totals if total.last_at), default=None)),
        "improvementTrend": moves["percent"] if moves else None,
        "trend": moves,
        "byType": {
            total.type.value: {
                "title": TYPES[total.type].title,
                "interviews": total.interviews,
                "seconds": total.seconds,
                "averageScore": rounded(total.average) if total.average is not None else None,
                "bestScore": total.best,
                "lastInterviewAt": date(total.last_at),
            }
            for total in totals
        },
    }


def progress(
    rows: Sequence[ReportFacts], groups: Mapping[tuple[InterviewType, Difficulty], Scores], *, now: datetime
) -> dict[str, Any]:
    """Trends by type, skill and area, weaknesses, and comparison, over the newest facts (newest first)."""
    ordered = sorted(rows, key=lambda row: row.at)
    latest = latest_scores(ordered)
    return {
        "interviews": len(ordered),
        "window": WINDOW,
        "overall": _series(ordered, [row.overall_score for row in ordered]),
        "types": [_type(each, [row for row in ordered if row.type is each]) for each in _practised(ordered)],
        "weaknesses": weaknesses(ordered, now),
        "benchmarks": [
            {
                "type": kind.value,
                "typeTitle": TYPES[kind].title,
                "difficulty": difficulty.value,
                "difficultyTitle": DIFFICULTIES[difficulty].title,
                **compared(latest.get((kind, difficulty)), group),
            }
            for (kind, difficulty), group in groups.items()
        ],
    }


def latest_scores(rows: Sequence[ReportFacts]) -> dict[tuple[InterviewType, Difficulty], int]:
    """The newest score of each type and difficulty that has one: what is compared with a group."""
    found: dict[tuple[InterviewType, Difficulty], int] = {}
    for row in sorted(rows, key=lambda row: row.at):
        if row.overall_score is not None:
            found[row.type, row.difficulty] = row.overall_score
    return {key: found[key] for key in sorted(found, key=lambda key: (list(InterviewType).index(key[0]), _order(key[1])))}


def _order(difficulty: Difficulty) -> int:
    return list(Difficulty).index(difficulty)


def _practised(rows: Sequence[ReportFacts]) -> list[InterviewType]:
    return [each for each in InterviewType if any(row.type is each for row in rows)]


def _type(kind: InterviewType, rows: Sequence[ReportFacts]) -> dict[str, Any]:
    names = Names(kind)
    skills = [name for name in DIMENSION_TITLES if any(name in row.dimensions for row in rows)]
    areas = [slug for slug in TYPES[kind].areas if any(slug in row.areas for row in rows)]
    return {
        "type": kind.value,
        "title": TYPES[kind].title,
        **_series(rows, [row.overall_score for row in rows]),
        "skills": [
            {"skill": name, "title": DIMENSION_TITLES[name], **_series(rows, [row.dimensions.get(name) for row in rows])}
            for name in skills
        ],
        "areas": [
            {"area": slug, "title": names.area(slug), **_series(rows, [row.areas.get(slug) for row in rows])} for slug in areas
        ],
    }


def _series(rows: Sequence[ReportFacts], values: Sequence[int | None]) -> dict[str, Any]:
    """The interviews that have a value, oldest first, and how it moves."""
    points = [(row, score) for row, score in zip(rows, values, strict=True) if score is not None]
    scores = [score for _, score in points]
    return {
        "points": [
            {
                "sessionId": row.session_id,
                "date": date(row.at),
                "type": row.type.value,
                "difficulty": row.difficulty.value,
                "score": score,
            }
            for row, score in points
        ],
        "latest": scores[-1] if scores else None,
        "best": max(scores, default=None),
        "average": rounded(sum(scores) / len(scores)) if scores else None,
        "trend": trend(scores),
    }


def is_weak(points: Points) -> bool:
    """Whether a concept was weak in one interview."""
    return points.missed > WEAK_SHARE * points.asked


def weaknesses(rows: Sequence[ReportFacts], now: datetime) -> list[dict[str, Any]]:
    """Concepts that were weak, heaviest first: still weak before improving, older points counting less (M13)."""
    ordered = sorted(rows, key=lambda row: row.at)
    seen: dict[tuple[InterviewType, str], list[tuple[ReportFacts, Points]]] = {}
    for row in ordered:
        for slug, points in row.concepts.items():
            seen.setdefault((row.type, slug), []).append((row, points))
    found = [_weakness(kind, slug, met, now) for (kind, slug), met in seen.items() if any(is_weak(p) for _, p in met)]
    found.sort(key=lambda item: (item["state"] == "improving", -item["weight"], item["type"], item["concept"]))
    return found[:MOST_WEAKNESSES]


def _weakness(kind: InterviewType, slug: str, met: Sequence[tuple[ReportFacts, Points]], now: datetime) -> dict[str, Any]:
    weak = [(row, points) for row, points in met if is_weak(points)]
    still = is_weak(met[-1][1])
    known = bank.module(kind)
    concept = next((each for each in known.concepts if each.slug == slug), None)
    area = concept.focus_area if concept else slug.removeprefix(AREA)
    lessons = [lesson for lesson in known.lessons if concept and lesson.ref in concept.lessons]
    return {
        "concept": slug,
        "title": concept.title if concept else Names(kind).area(area),
        "type": kind.value,
        "typeTitle": TYPES[kind].title,
        "area": area or None,
        "areaTitle": Names(kind).area(area) if area else None,
        "timesWeak": len(weak),
        "timesAsked": len(met),
        "firstSeenAt": date(weak[0][0].at),
        "lastSeenAt": date(weak[-1][0].at),
        "state": "improving" if not still else "recurring" if len(weak) > 1 else "new",
        "weight": round(sum(points.missed * _faded(row.at, now) for row, points in weak), 2),
        "missedLast": {"asked": met[-1][1].asked, "missed": met[-1][1].missed},
        "lessons": [Names(kind).lesson(lesson) for lesson in lessons[:3]],
        "setup": {"type": kind.value, "difficulty": met[-1][0].difficulty.value, "focusAreas": [area] if area else []},
    }


def _faded(at: datetime, now: datetime) -> float:
    """What something of that time still counts."""
    days = max(0.0, (now - at).total_seconds() / 86_400)
    return math.exp2(-days / HALF_LIFE_DAYS)
