"""A report as somebody else may see it through a link: only what is named here, less what the link hides (R-118, A5).

Always left out: ids, free wishes, earlier interviews. `hide_name` leaves out company, role and level too, `hide_transcript` every word the
candidate said, `hide_audio` the recording. A field this file does not name is not shown. Read next: `render`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.domain.sharing import ShareLink

from .advice import sentence
from .basic import is_basic

SHOWN = (
    "generatedAt", "generatedBy", "overallScore", "band", "scoreBreakdown", "scoreBreakdownReasons", "disclaimer", "strengthsNote",
    "weaknessesNote", "recommendations", "comparisonToStandards", "suggestionForNextInterview", "coverage", "rubric", "clocks",
    "startedAt", "endedAt", "endReason", "durationSeconds", "grading",
)  # fmt: skip
SETUP = ("type", "typeTitle", "difficulty", "difficultyTitle", "duration", "focusAreas", "focusAreaTitles", "language")
WHOSE = ("company", "role", "level")
FREE_TEXT = ("summary", "commonPitfalls", "nextSteps")
"""Written about the interview; left out where it holds words of the candidate's that are hidden."""
RUN = 5
"""Words in a row that make a text hold the candidate's words."""


def shared(body: Mapping[str, Any], link: ShareLink, *, name: str, recording: bool) -> dict[str, Any]:
    """The report through this link; `recording` says whether there is one to play."""
    if is_basic(body):
        return _basic(body, link, name)
    view = {key: body[key] for key in SHOWN if key in body}
    view["setup"] = _setup(body, link)
    view["name"] = "" if link.hide_name else name
    view["recording"] = recording and not link.hide_audio
    view["sinceLastTime"] = None
    view["review"] = _review(body, link)
    return view | (_without_words(body) if link.hide_transcript else _with_words(body))


def _setup(body: Mapping[str, Any], link: ShareLink) -> dict[str, Any]:
    """What was set up, without wishes, and without what tells who it is where the name is hidden."""
    whose = dict.fromkeys(WHOSE, "") if link.hide_name else {key: body["setup"][key] for key in WHOSE}
    return {key: body["setup"][key] for key in SETUP} | whose | {"specificRequirements": ""}


def _review(body: Mapping[str, Any], link: ShareLink) -> dict[str, Any] | None:
    """A finished review by a person; its sentences may repeat what was said."""
    review = body.get("review")
    if review is None or review["state"] != "done":
        return None
    return dict(review) | ({"comment": ""} if link.hide_transcript else {})


def _basic(body: Mapping[str, Any], link: ShareLink, name: str) -> dict[str, Any]:
    """The basic view through this link."""
    view = {key: body[key] for key in (*SHOWN, "tier", "more") if key in body}
    claims = {key: body[key] for key in ("strengths", "weaknesses")}
    if link.hide_transcript:
        claims = {key: [_claim(item) for item in items] for key, items in claims.items()}
    # Without the transcript nothing tells whether the summary repeats it.
    summary = "" if link.hide_transcript else body["summary"]
    more = body["more"] | {"transcript": False, "recording": False}
    return (
        view
        | claims
        | {
            "setup": _setup(body, link),
            "summary": summary,
            "name": "" if link.hide_name else name,
            "more": more,
            "recording": False,
        }
    )


def _with_words(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("questionAnalysis", "strengths", "weaknesses", "evidence", "transcript", "timeline", *FREE_TEXT)
    return {key: body[key] for key in kept if key in body}


def _without_words(body: Mapping[str, Any]) -> dict[str, Any]:
    said = runs(line["text"] for line in body["transcript"] if line["speaker"] == "candidate")
    return {
        "questionAnalysis": [_question(question) for question in body["questionAnalysis"]],
        "strengths": [_claim(item) for item in body["strengths"]],
        "weaknesses": [_claim(item) for item in body["weaknesses"]],
        "evidence": [],
        "transcript": [],
        "timeline": [],
        "summary": "" if holds(body["summary"], said) else body["summary"],
        "commonPitfalls": [text for text in body["commonPitfalls"] if not holds(text, said)],
        "nextSteps": [text for text in body["nextSteps"] if not holds(text, said)],
    } | ({"grading": _grading(body["grading"])} if body.get("grading") else {})


def _question(question: Mapping[str, Any]) -> dict[str, Any]:
    points = [{**point, "evidence": [], "judged": []} for point in question["keyPoints"]]

    def texts(shown: str) -> list[str]:
        return [sentence(point["text"]) for point in points if point["shown"] == shown]

    kept = (
        "questionId", "order", "questionText", "focusArea", "focusAreaTitle", "difficulty", "minutes", "motivation", "status",
        "statusMessage", "userScore", "band", "arithmetic", "modelAnswer", "lesson", "clock",
    )  # fmt: skip
    details = {key: question["feedback"][key] for key in ("scoringDetails", "scoringDetailsReasons")}
    return (
        {key: question[key] for key in kept}
        | _judged(question)
        | {
            "answer": "",
            "answerTurnIds": [],
            "keyPoints": points,
            # A follow-up may take up what was said.
            "followUpsAsked": [],
            "hints": question.get("hints", []),
            "feedback": {
                "whatYouDidWell": texts("yes"),
                "whatCouldBeBetter": texts("partly"),
                "missingPoints": texts("no"),
                **details,
            },
        }
    )


def _grading(grading: Mapping[str, Any]) -> dict[str, Any]:
    """How it was judged, without the places that are quoted."""
    return dict(grading) | {"flags": [flag | {"quotes": []} for flag in grading["flags"]]}


def _judged(question: Mapping[str, Any]) -> dict[str, Any]:
    """A question's grades without the judge's sentences, which may repeat what was said."""
    kept = {key: question[key] for key in ("coverageScore", "scoredBy", "gradingNote") if key in question}
    if review := question.get("review"):
        kept["review"] = dict(review) | {"comment": ""}
    if grading := question.get("grading"):
        subs = {name: sub | {"why": "", "evidence": []} for name, sub in grading["subScores"].items()}
        kept["grading"] = dict(grading) | {"subScores": subs}
    return kept


def _claim(item: Mapping[str, Any]) -> dict[str, Any]:
    """Where, and why it matters, without the sentence that quotes."""
    return {key: item[key] for key in ("area", "importance", "questionId") if key in item} | {"description": "", "evidence": []}


def _words(text: str) -> list[str]:
    return "".join(c.lower() if c.isalnum() else " " for c in text).split()


def runs(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Every run of `RUN` words in the texts."""
    found = set()
    for text in texts:
        words = _words(text)
        found |= {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
    return frozenset(found)


def holds(text: str, said: frozenset[tuple[str, ...]]) -> bool:
    """Whether a text repeats what was said."""
    return not said.isdisjoint(runs([text]))
