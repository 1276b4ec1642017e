"""A report made ready for its page: charts drawn, numbers written as people read them, covered words marked in the answers.

`report_context` turns the public JSON into what `web/templates/report.html` needs and nothing else is computed there. Text stays text:
only the charts, made here from escaped labels, are markup. Read next: `charts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from . import charts
from .charts import Stretch, Value

DIMENSION_TITLES = {
    "technicalDepth": "Technical depth",
    "communication": "Communication",
    "problemSolving": "Problem solving",
    "tradeOffAnalysis": "Trade-off analysis",
    "structure": "Structure",
    "ownership": "Ownership",
    "impact": "Impact",
    "timeManagement": "Time management",
}
SOURCE_TITLES = {"typed": "typed", "browser": "heard by the browser"}
COMFORTABLE_PACE = (130, 160)


def report_context(report: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the page needs to show a finished report: `report` itself and `view`, its formatted twin."""
    turns = {line["turnId"]: line for line in report["transcript"]}
    evidence = {item["id"]: _evidence(item) for item in report["evidence"]}
    areas = [Value(area["title"], area["score"]) for area in report["coverage"]["byFocusArea"]]
    numbers = {q["questionId"]: q["order"] for q in report["questionAnalysis"]}
    band = report["band"]["name"] if report["band"] else ""
    view = {
        "title": f"{report['setup']['typeTitle']}, {report['setup']['difficultyTitle']}",
        "date": day(report["startedAt"] or report["generatedAt"]),
        "band": band,
        "ring": _drawn(charts.score_ring(report["overallScore"], band)),
        "bars": _drawn(charts.coverage_bars(areas)) if areas else "",
        "radar": _drawn(charts.radar(areas)),
        "timeline": _drawn(charts.timeline([_stretch(q) for q in report["questionAnalysis"]])),
        "areas": report["coverage"]["byFocusArea"],
        "facts": _facts(report),
        "dimensions": [
            {"title": DIMENSION_TITLES.get(key, key), "score": score, "reason": report["scoreBreakdownReasons"].get(key)}
            for key, score in report["scoreBreakdown"].items()
        ],
        "numbers": _numbers(report["clocks"]),
        "questions": [_question(q, evidence, turns) for q in report["questionAnalysis"]],
        "evidence": evidence,
        "transcript": [_line(line, numbers) for line in report["transcript"]],
        "practise": practise_url(report["suggestionForNextInterview"]),
        "recording": bool(report["recording"] and report["transcript"]),
    }
    return {"report": report, "view": view}


def _drawn(svg: str) -> Markup:
    """A chart as markup: drawn by `charts`, which escapes every label."""
    return Markup(svg)  # noqa: S704 - nothing in it comes from outside unescaped


def practise_url(suggestion: Mapping[str, Any]) -> str:
    """The set-up page, filled in."""
    query = {"type": suggestion["type"], "difficulty": suggestion["difficulty"], "focus": ",".join(suggestion["focusAreas"])}
    return "/?" + urlencode({key: value for key, value in query.items() if value}, safe=",")


def clock(milliseconds: float) -> str:
    """`m:ss` on the call clock."""
    return charts.minutes(milliseconds // 1000)


def seconds(milliseconds: float) -> str:
    """Seconds with a point, for a player."""
    return f"{milliseconds / 1000:.2f}"


def day(moment: str) -> str:
    """`3 December 2025` for an RFC 3339 time."""
    months = (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    )  # fmt: skip
    year, month, date = moment[:10].split("-")
    return f"{int(date)} {months[int(month) - 1]} {year}"


def pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text cut into (part, marked) so that every character of a span is marked and nothing is lost."""
    parts: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        begin = max(start, at)
        parts += [(text[at:begin], False), (text[begin:end], True)]
        at = end
    return [part for part in (*parts, (text[at:], False)) if part[0]]


def _evidence(item: Mapping[str, Any]) -> dict[str, Any]:
    """A quote with its matching words marked and its place in the recording."""
    hits = [(hit["start"] - item["start"], hit["end"] - item["start"]) for hit in item["hits"]]
    return {**item, "pieces": pieces(item["quote"], hits), "t": seconds(item["atMs"]), "clock": clock(item["atMs"])}


def _stretch(question: Mapping[str, Any]) -> Stretch:
    return Stretch(f"Q{question['order']}", question["clock"]["seconds"], question["clock"]["targetSeconds"])


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was set up and what came of it, as label and value."""
    setup, questions = report["setup"], report["coverage"]["questions"]
    facts = [
        ("Questions answered", f"{questions['assessed']} of {questions['planned']}"),
        ("Key points shown", f"{report['coverage']['points']['yes']} of {sum(report['coverage']['points'].values())}"),
        ("Length", f"{charts.minutes(report['durationSeconds'])} of {setup['duration']}:00"),
        ("Focus", ", ".join(setup["focusAreaTitles"])),
        ("Company", setup["company"]),
        ("Role", ", ".join(part for part in (setup["role"], setup["level"]) if part)),
        ("Wishes", setup["specificRequirements"]),
    ]
    return [(label, value) for label, value in facts if value]


def _numbers(clocks: Mapping[str, Any]) -> list[dict[str, str]]:
    """Pace and time; a dash and a reason where a number is not known."""
    low, high = COMFORTABLE_PACE
    fillers = ", ".join(f"{word} {count}" for word, count in clocks["fillers"].items())
    share, pauses = clocks["talkShare"], clocks["longPauses"]
    rows = [
        ("Your share of the talking", None if share is None else f"{share:.0%}", "of all the time someone spoke"),
        ("Words a minute", clocks["wordsPerMinute"], f"{low}–{high} is comfortable to listen to"),
        ("Filler words a minute", clocks["fillersPerMinute"], fillers or "none heard"),
        ("Long pauses", None if clocks["candidateSeconds"] is None else len(pauses), "of four seconds or more, within an answer"),
        (
            "Time to first word",
            None if clocks["responseSeconds"] is None else f"{clocks['responseSeconds']:g} s",
            "typical, after a question",
        ),
        ("Words in all", clocks["words"], "spoken and typed"),
    ]
    return [
        {
            "label": label,
            "value": "–" if value is None else str(value),
            "note": "not known: too little speech" if value is None else note,
        }
        for label, value, note in rows
    ]


def _question(question: Mapping[str, Any], evidence: Mapping[str, Any], turns: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    points = [{**point, "quotes": [evidence[e] for e in point["evidence"]]} for point in question["keyPoints"]]
    spans: dict[str, list[tuple[int, int]]] = {turn_id: [] for turn_id in question["answerTurnIds"]}
    for point in points:
        for quote in point["quotes"]:
            spans[quote["turnId"]] += [(hit["start"], hit["end"]) for hit in quote["hits"]]
    times = question["clock"]
    return {
        **question,
        "well": [point for point in points if point["shown"] == "yes"],
        "partly": [point for point in points if point["shown"] == "partly"],
        "missing": [point for point in points if point["shown"] == "no"],
        "points": points,
        "words": [
            {
                "pieces": pieces(turns[turn_id]["text"], own),
                "t": seconds(turns[turn_id]["startMs"]),
                "clock": clock(turns[turn_id]["startMs"]),
            }
            for turn_id, own in spans.items()
        ],
        "time": None
        if times["seconds"] is None
        else f"{charts.minutes(times['seconds'])} of {charts.minutes(times['targetSeconds'])}",
    }


def _line(line: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """A transcript line with its place in the recording."""
    return {
        **line,
        "who": "You" if line["speaker"] == "candidate" else "Interviewer",
        "number": numbers.get(line["questionId"]),
        "t": seconds(line["startMs"]),
        "end": seconds(line["endMs"]),
        "clock": clock(line["startMs"]),
        "how": SOURCE_TITLES.get(line["source"]),
    }
