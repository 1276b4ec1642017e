"""The numbers over time made ready for their page: charts drawn, numbers written as people read them. Read next: `progress`, `charts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.catalog import DIFFICULTIES, TYPES, Difficulty, InterviewType

from . import charts
from .render import drawn, practise_url
from .text import day, signed

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short_day(moment: str) -> str:
    """`3 Dec 2025` for an RFC 3339 time."""
    year, month, date = moment[:10].split("-")
    return f"{int(date)} {MONTHS[int(month) - 1]} {year}"


def length(seconds: int) -> str:
    """`2 h 05 min`, `45 min`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def progress_context(statistics: Mapping[str, Any], progress: Mapping[str, Any]) -> dict[str, Any]:
    """Everything `web/templates/progress.html` needs."""
    return {
        "held": statistics["totalInterviews"],
        "numbers": _numbers(statistics),
        "overall": _series("All interviews", progress["overall"], width=640),
        "types": [
            {
                "slug": each["type"],
                "title": each["title"],
                "held": statistics["byType"].get(each["type"], {}).get("interviews", len(each["points"])),
                **_series(each["title"], each),
                "parts": [_part(part, "Skill") for part in each["skills"]] + [_part(part, "Area") for part in each["areas"]],
            }
            for each in progress["types"]
        ],
        "weaknesses": [_weakness(each) for each in progress["weaknesses"]],
        "benchmarks": progress["benchmarks"],
        "window": progress["window"],
    }


def _numbers(statistics: Mapping[str, Any]) -> list[dict[str, str]]:
    moves = statistics["trend"]
    rows = [
        ("Interviews", str(statistics["totalInterviews"]), f"{statistics['scoredInterviews']} with a score"),
        ("Time practised", length(statistics["totalSeconds"]), "in all interviews"),
        ("Average score", statistics["averageScore"], "of 100"),
        ("Best score", statistics["bestScore"], "of 100"),
        (
            "Last five",
            signed(moves["change"]) if moves else None,
            f"points: {moves['arithmetic']}" if moves else "a trend begins with the second score",
        ),
        ("Last interview", short_day(statistics["lastInterviewAt"]) if statistics["lastInterviewAt"] else None, ""),
    ]
    return [{"label": label, "value": "–" if value is None else str(value), "note": note} for label, value, note in rows]


def _series(title: str, series: Mapping[str, Any], width: float = 360) -> dict[str, Any]:
    points = [(short_day(point["date"]), point["score"]) for point in series["points"]]
    return {
        "chart": drawn(charts.trend_line(title, points, width=width)),
        "narrow": drawn(charts.trend_line(title, points)),
        "moves": {**series["trend"], "signed": signed(series["trend"]["change"])} if series["trend"] else None,
        "rows": [
            {
                "session_id": point["sessionId"],
                "when": day(point["date"]),
                "score": point["score"],
                "type": TYPES[InterviewType(point["type"])].title,
                "difficulty": DIFFICULTIES[Difficulty(point["difficulty"])].title,
            }
            for point in reversed(series["points"])
        ],
    }


def _part(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "title": part["title"],
        "latest": part["latest"],
        "best": part["best"],
        "count": len(part["points"]),
        "moves": signed(part["trend"]["change"]) if part["trend"] else None,
    }


def _weakness(weakness: Mapping[str, Any]) -> dict[str, Any]:
    asked = weakness["timesAsked"]
    return {
        **weakness,
        "times": f"Weak in {weakness['timesWeak']} of {asked} {'interview' if asked == 1 else 'interviews'} that asked for it",
        "last": day(weakness["lastSeenAt"]),
        "practise": practise_url(weakness["setup"]),
    }
