"""A report made ready for its page: charts drawn, numbers written as people read them, covered words marked in the answers.

`report_context` turns the public JSON into what `web/templates/report.html` needs and nothing else is computed there. Text stays text:
only the charts, made here from escaped labels, are markup. Read next: `charts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from . import charts
from .basic import is_basic
from .charts import Stretch, Value
from .render_again import again_view, repeats_of
from .render_basic import behind
from .render_judged import is_judged, judged_view, question_view
from .reviewed import review_view
from .text import day, signed

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
AREAS_TITLES = {False: "Coverage by area", True: "Score by area"}
COMFORTABLE_PACE = (130, 160)
HAPPENED = frozenset({"tool", "connection", "engine", "skipped"})
"""Marks drawn on the line; questions have their own bar there."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+")


def report_context(report: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the page needs to show a finished report, or its basic view: `report` itself and `view`, its formatted twin."""
    if is_basic(report):
        return basic_context(report)
    turns = {line["turnId"]: line for line in report["transcript"]}
    evidence = {item["id"]: _evidence(item) for item in report["evidence"]}
    areas = [Value(area["title"], area["score"]) for area in report["coverage"]["byFocusArea"]]
    band = report["band"]["name"] if report["band"] else ""
    view = {
        "title": f"{report['setup']['typeTitle']}, {report['setup']['difficultyTitle']}",
        "date": day(report["startedAt"] or report["generatedAt"]),
        "band": band,
        "ring": drawn(
            charts.score_ring(report["overallScore"], band, what="Overall score" if is_judged(report) else "Overall coverage")
        ),
        "bars": drawn(charts.coverage_bars(areas, title=AREAS_TITLES[is_judged(report)])) if areas else "",
        "areas_title": AREAS_TITLES[is_judged(report)],
        "radar": drawn(charts.radar(areas)),
        "timeline": drawn(charts.timeline([_stretch(q) for q in report["questionAnalysis"]])),
        "areas": report["coverage"]["byFocusArea"],
        "facts": _facts(report),
        "dimensions": [
            {"title": DIMENSION_TITLES.get(key, key), "score": score, "reason": report["scoreBreakdownReasons"].get(key)}
            for key, score in report["scoreBreakdown"].items()
        ],
        "numbers": _numbers(report["clocks"]),
        "dimension_bars": drawn(charts.coverage_bars(_dimension_values(report), title="Breakdown")),
        "radar_of_dimensions": drawn(
            charts.radar(
                [value for value in _dimension_values(report) if value.score is not None], title="Radar of the breakdown"
            )
        ),
        "questions": [
            _question(q, evidence, turns) | {"repeats": repeats_of(report, q["questionId"])} for q in report["questionAnalysis"]
        ],
        "evidence": evidence,
        "transcript": told(report),
        "track": drawn(_track(report)) if report["transcript"] else "",
        "asked": _asked(report),
        "happened": bool(_happened(report)),
        "total": seconds(_total(report)),
        "practise": practise_url(report["suggestionForNextInterview"]),
        "again": practise_url(report["setup"]),
        "recording": bool(report["recording"] and report["transcript"]),
        "basic": False,
        "since": _since(report.get("sinceLastTime")),
        "before": again_view(report.get("answeredBefore")),
        "grading": judged_view(report),
        "review": review_view(report),
    }
    return {"report": report, "view": view}


def basic_context(report: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the basic view, which has no questions, charts or recording."""
    band = report["band"]["name"] if report["band"] else ""
    view = {
        "title": f"{report['setup']['typeTitle']}, {report['setup']['difficultyTitle']}",
        "date": day(report["startedAt"] or report["generatedAt"]),
        "band": band,
        "ring": drawn(charts.score_ring(report["overallScore"], band)),
        "practise": practise_url(report["setup"]),
        "again": practise_url(report["setup"]),
        "recording": False,
        "basic": True,
        "more": behind(report["more"]),
    }
    return {"report": report, "view": view}


def drawn(svg: str) -> Markup:
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


def _dimension_values(report: Mapping[str, Any]) -> list[Value]:
    return [Value(DIMENSION_TITLES.get(key, key), score) for key, score in report["scoreBreakdown"].items()]


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
    points = [
        {**point, "quotes": [evidence[e] for e in point["evidence"]], "judged": [evidence[e] for e in point.get("judged", ())]}
        for point in question["keyPoints"]
    ]
    spans: dict[str, list[tuple[int, int]]] = {turn_id: [] for turn_id in question["answerTurnIds"]}
    for point in points:
        for quote in point["quotes"]:
            spans[quote["turnId"]] += [(hit["start"], hit["end"]) for hit in quote["hits"]]
    times = question["clock"]
    return {
        **question,
        "grade": question_view(question, evidence),
        "review": question.get("review"),
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


def told(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turns and marks in order: who said what, sentence by sentence, and what happened meanwhile."""
    numbers = {q["questionId"]: q["order"] for q in report["questionAnalysis"]}
    points = {(q["questionId"], point["id"]): point["text"] for q in report["questionAnalysis"] for point in q["keyPoints"]}
    lines = [
        _line(line, numbers, [e for e in report["evidence"] if e["turnId"] == line["turnId"]], points)
        for line in report["transcript"]
    ]
    marks = [
        {
            **mark,
            "mark": True,
            "number": numbers.get(mark["questionId"]),
            "t": seconds(mark["atMs"]),
            "clock": clock(mark["atMs"]),
        }
        for mark in report.get("timeline", ())
    ]

    def place(item: Mapping[str, Any]) -> tuple[int, bool]:
        """A mark within a turn stands before it: there the question is asked."""
        at = item["atMs"]
        turn = next((line for line in lines if line["startMs"] < at < line["endMs"]), None) if item["mark"] else None
        return (turn["startMs"] if turn else at), not item["mark"]

    return sorted((*marks, *lines), key=place)


def _line(
    line: Mapping[str, Any],
    numbers: Mapping[str, int],
    evidence: Sequence[Mapping[str, Any]],
    points: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    """A turn with its sentences, each with its place in the recording, and the key points it shows."""
    hits = [(hit["start"], hit["end"]) for item in evidence for hit in item["hits"]]
    shows = dict.fromkeys(points[item["questionId"], item["keyPointId"]] for item in evidence if item["keyPointId"])
    return {
        **line,
        "mark": False,
        "atMs": line["startMs"],
        "who": "You" if line["speaker"] == "candidate" else "Interviewer",
        "number": numbers.get(line["questionId"]),
        "t": seconds(line["startMs"]),
        "end": seconds(line["endMs"]),
        "clock": clock(line["startMs"]),
        "how": SOURCE_TITLES.get(line["source"]),
        "sentences": sentences(line, hits),
        "shows": list(shows),
    }


def sentences(line: Mapping[str, Any], hits: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """A turn's sentences, nothing lost between them, with the covered words marked; places are estimated from the share of letters."""
    text, start, length = line["text"], line["startMs"], line["endMs"] - line["startMs"]
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text) if match.end() < len(text)), len(text)]
    found = []
    for begin, end in pairwise(cuts):
        own = [(max(a, begin) - begin, min(b, end) - begin) for a, b in hits if a < end and b > begin]
        at = start + round(length * begin / len(text))
        found.append({"pieces": pieces(text[begin:end], own), "t": seconds(at), "clock": clock(at)})
    return found


def _total(report: Mapping[str, Any]) -> int:
    """Milliseconds of the call clock that the line is drawn for."""
    ends = [line["endMs"] for line in report["transcript"]]
    return max(
        [*ends, *(int(mark["atMs"]) for mark in report.get("timeline", ())), round(report["durationSeconds"] * 1000)], default=0
    )


def _asked(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where each question begins, in order of asking."""
    first: dict[int, int] = {}
    for item in told(report):
        if item["number"] is not None:
            first.setdefault(item["number"], item["atMs"])
    return [
        {"number": n, "atMs": at, "t": seconds(at), "clock": clock(at)}
        for n, at in sorted(first.items(), key=lambda pair: pair[1])
    ]


def _happened(report: Mapping[str, Any]) -> list[int]:
    """Where something happened that nobody said: milliseconds."""
    return [mark["atMs"] for mark in report.get("timeline", ()) if mark["kind"] in HAPPENED]


def _track(report: Mapping[str, Any]) -> str:
    """The interview as one line."""
    total, begins = _total(report), [item["atMs"] for item in _asked(report)]
    spoken = {
        who: [charts.Span(line["startMs"], line["endMs"]) for line in report["transcript"] if line["speaker"] == who]
        for who in ("interviewer", "candidate")
    }
    questions = [charts.Span(at, until) for at, until in pairwise([*begins, total])]
    places = [item["atMs"] for item in report["evidence"]]
    return charts.track(total, questions, spoken["interviewer"], spoken["candidate"], places, _happened(report))


def _since(since: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The change since the last time of this type, in words and signs."""
    if since is None:
        return None
    other = "" if since["sameDifficulty"] else f", then {since['difficultyTitle']}"
    return {
        "sessionId": since["sessionId"],
        "when": day(since["date"]),
        "previous": since["previousScore"],
        "signed": signed(since["change"]),
        "note": f"since {day(since['date'])} ({since['previousScore']} of 100{other})",
        "areas": [
            {"title": area["title"], "previous": area["previous"], "now": area["now"], "signed": signed(area["change"])}
            for area in since["areas"]
        ],
    }
