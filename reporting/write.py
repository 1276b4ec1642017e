"""The report: facts, sums and sentences put together as the public JSON. Pure: the same interview and gradings give the same report.

Read next: `assess`, `scoring`, `advice`; `graded` for what a judge adds; `job` for who asks for it and where it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bridge import __version__
from bridge.bank import Module
from bridge.domain.catalog import DIFFICULTIES, TYPES
from bridge.domain.coverage import Shown
from bridge.domain.events import Event, HintGiven
from bridge.domain.segments import Segment, Turn
from bridge.domain.session import InterviewSession

from . import advice, graded, scoring
from .assess import Area, Assessment, areas, assess
from .clocks import Clocks, QuestionClock, measure
from .grading import Judged
from .scoring import Status
from .timeline import timeline

DISCLAIMER = (
    "This report measures coverage: which key points of each question your words mention. It does not judge how right, deep or well "
    "put they were, and it can miss a point that was said in other words or misheard."
)
STATUS_TEXT = {
    Status.ASSESSED: "Assessed.",
    Status.UNANSWERED: "Asked, but no answer was heard. Not assessed, and not counted.",
    Status.SKIPPED: "Skipped without an answer. Not assessed, and not counted.",
    Status.NOT_REACHED: "The interview ended before this question. Not assessed, and not counted.",
}
NOT_SCORED = {
    "technicalCorrectness": scoring.NEEDS_JUDGEMENT,
    "communication": scoring.NEEDS_JUDGEMENT,
    "depthOfThinking": scoring.NEEDS_JUDGEMENT,
}


def build_report(
    session: InterviewSession,
    turns: Sequence[Turn],
    segments: Sequence[Segment],
    events: Sequence[Event],
    *,
    now: datetime,
    content: str = "",
    judged: Judged | None = None,
) -> dict[str, Any]:
    """The public report of an ended interview, as JSON-ready values (section 2.5.2 of the product document and more).

    `content` names what it is made from and becomes part of its id; `judged` is a model's judgement, None where there is no model.
    """
    setup = session.setup
    names, known = advice.Names(setup.type), advice.curriculum(setup.type)
    clocks = measure(session.questions, turns, segments, events)
    witnessed = assess(session.questions, turns, segments, events)
    found_marks = graded.numbers(setup.type, witnessed, clocks, judged) if judged else {}
    assessments = graded.rescored(witnessed, found_marks)
    parts = areas(assessments)
    scored = [(a.score, a.question.minutes) for a in assessments if a.score is not None]
    overall = scoring.weighted(scored)
    timing = scoring.weighted(_time_scores(assessments, clocks))
    breakdown, reasons = scoring.breakdown(setup.type, timing)
    evidence = _evidence(assessments)
    strong, weak = advice.strengths(assessments, names), advice.weaknesses(assessments, names, known)
    found = advice.pitfalls(assessments, clocks)
    advised = advice.recommendations(parts, clocks, names, known)
    suggestion = advice.next_interview(session, overall, parts, names)
    body = {
        "reportId": str(uuid5(NAMESPACE_URL, f"prepkit:report:{session.id}:{content}")),
        "sessionId": session.id,
        "generatedAt": timestamp(now),
        "generatedBy": _contract(),
        "overallScore": overall,
        "band": _band(overall),
        "scoreBreakdown": breakdown,
        "scoreBreakdownReasons": reasons,
        "summary": advice.summary(assessments, parts, overall, names),
        "disclaimer": DISCLAIMER,
        "questionAnalysis": [
            _question(a, clock, evidence, names, known) | {"hints": _hints(a, events)}
            for a, clock in zip(assessments, clocks.questions, strict=True)
        ],
        "strengths": [_cite(item, evidence) for item in strong],
        "strengthsNote": None if strong else advice.NO_STRENGTHS,
        "weaknesses": [_cite(item, evidence) for item in weak],
        "weaknessesNote": None if weak or overall is None else advice.NO_WEAKNESSES,
        "commonPitfalls": found,
        "recommendations": advised,
        "comparisonToStandards": {
            "yourScore": overall,
            "averageForDifficulty": None,
            "topPerformerScore": None,
            "statusMessage": advice.NOT_ENOUGH,
        },
        "nextSteps": advice.next_steps(assessments, advised, found, suggestion),
        "suggestionForNextInterview": suggestion,
        "coverage": _coverage(assessments, parts, names),
        "evidence": evidence,
        "rubric": _rubric(assessments, overall, clocks),
        "clocks": _clocks(clocks),
        "transcript": [_line(turn) for turn in sorted(turns, key=lambda turn: turn.start_ms)],
        "timeline": timeline(session.questions, events),
        "recording": session.has_recording,
        "setup": _setup(session),
        "startedAt": timestamp(session.started_at),
        "endedAt": timestamp(session.ended_at),
        "endReason": session.end_reason,
        "durationSeconds": scoring.rounded(session.elapsed_ms / 1000),
        "grading": None,
    }  # fmt: skip
    return graded.applied(body, setup.type, witnessed, clocks, judged, found_marks, names, known) if judged else body


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _contract() -> dict[str, Any]:
    """Who made it by which rules; a judged report names its model and prompts."""
    rubric = f"{scoring.RUBRIC_NAME} {scoring.RUBRIC_VERSION}"
    return {"engine": "coverage", "version": __version__, "rubric": rubric, "model": None, "prompt": None, "gradings": 0}


def _band(score: int | None) -> dict[str, Any] | None:
    return asdict(scoring.band_of(score)) if score is not None else None


def _time_scores(assessments: Sequence[Assessment], clocks: Clocks) -> list[tuple[int, float]]:
    """(time score, minutes) of each assessed question whose time is known."""
    return [
        (scoring.time_score(clock.share), a.question.minutes)
        for a, clock in zip(assessments, clocks.questions, strict=True)
        if clock.share is not None and a.status is Status.ASSESSED
    ]


def _evidence(assessments: Sequence[Assessment]) -> list[dict[str, Any]]:
    """Every quote of every point shown, numbered: what each “done well” and “partly” stands on."""
    quotes = [(a, f, q) for a in assessments if a.status is Status.ASSESSED for f in a.findings for q in f.quotes]
    return [
        {
            "id": f"e{i}",
            "questionId": a.question.id,
            "keyPointId": finding.point.id,
            "claim": "whatYouDidWell" if finding.shown is Shown.YES else "whatCouldBeBetter",
            "turnId": quote.turn_id,
            "start": quote.start,
            "end": quote.end,
            "quote": quote.text,
            "hits": [{"start": hit.start, "end": hit.end} for hit in quote.hits],
            "atMs": quote.at_ms,
        }
        for i, (a, finding, quote) in enumerate(quotes, 1)
    ]


def _cite(item: dict[str, Any], evidence: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A strength or weakness with the ids of its evidence."""
    mine = [e["id"] for e in evidence if e["questionId"] == item["questionId"] and e["keyPointId"] in item["keyPointIds"]]
    return item | {"evidence": mine}


def _question(
    a: Assessment, clock: QuestionClock, evidence: Sequence[dict[str, Any]], names: advice.Names, known: Module
) -> dict[str, Any]:
    lesson = advice.lesson_of(a, known)
    own = [e for e in evidence if e["questionId"] == a.question.id]
    assessed = a.status is Status.ASSESSED
    well = [f"{advice.sentence(f.point.text)} You said {advice.quoted(f)}." for f in a.points(Shown.YES)]
    better = [f"{advice.sentence(f.point.text)} Heard in part: {advice.quoted(f)}." for f in a.points(Shown.PARTLY)]
    return {
        "questionId": a.question.id,
        "order": a.n,
        "questionText": a.segment.question if a.segment else a.question.text,
        "focusArea": a.question.focus_area,
        "focusAreaTitle": names.area(a.question.focus_area),
        "difficulty": a.question.difficulty.value,
        "minutes": a.question.minutes,
        "motivation": a.question.motivation,
        "status": a.status.value,
        "statusMessage": STATUS_TEXT[a.status],
        "userScore": a.score,
        "band": _band(a.score),
        "arithmetic": scoring.question_arithmetic([f.shown for f in a.findings]) if assessed else None,
        "answer": " ".join(turn.text for turn in a.turns),
        "answerTurnIds": [turn.id for turn in a.turns],
        "feedback": {
            "whatYouDidWell": well,
            "whatCouldBeBetter": better,
            "missingPoints": [f.point.text for f in a.points(Shown.NO)],
            "scoringDetails": {
                "technicalCorrectness": None,
                "completeness": a.score / 10 if a.score is not None else None,
                "communication": None,
                "depthOfThinking": None,
            },
            "scoringDetailsReasons": NOT_SCORED,
        },
        "keyPoints": [
            {
                "id": f.point.id,
                "text": f.point.text,
                "shown": f.shown.value if assessed else None,
                "value": scoring.VALUES[f.shown] if assessed else None,
                "evidence": [e["id"] for e in own if e["keyPointId"] == f.point.id],
            }
            for f in a.findings
        ],
        "followUpsAsked": list(a.segment.follow_ups) if a.segment else [],
        "modelAnswer": a.question.model_answer,
        "lesson": {"ref": lesson.ref, "title": lesson.title, "citation": names.lesson(lesson)} if lesson else None,
        "clock": _clock(clock),
        "scoredBy": "coverage" if assessed else None,
        "coverageScore": a.score,
        "grading": None,
        "gradingNote": None,
    }


def _hints(a: Assessment, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The hints the candidate was given on a question; they change no score and are never left out."""
    given = [event for event in events if isinstance(event, HintGiven) and event.question_id == a.question.id]
    return [{"n": hint.n, "of": hint.of, "text": hint.text, "atMs": hint.at_ms} for hint in given]


def _coverage(assessments: Sequence[Assessment], parts: Sequence[Area], names: advice.Names) -> dict[str, Any]:
    return {
        "questions": {"planned": len(assessments)} | {s.value: sum(a.status is s for a in assessments) for s in Status},
        "points": {shown.value: sum(part.count(shown) for part in parts) for shown in Shown},
        "byFocusArea": [
            {
                "area": part.slug,
                "title": names.area(part.slug),
                "score": part.score,
                "questions": len(part.assessments),
                "assessed": sum(a.status is Status.ASSESSED for a in part.assessments),
                "points": {shown.value: part.count(shown) for shown in Shown},
            }
            for part in parts
        ],
    }


def _rubric(assessments: Sequence[Assessment], overall: int | None, clocks: Clocks) -> dict[str, Any]:
    scored = [(a.score, a.question.minutes) for a in assessments if a.score is not None]
    shares = scoring.weights(minutes for _, minutes in scored)
    counted = [a.question.id for a in assessments if a.score is not None]
    low, high = scoring.EASY_SHARE
    return {
        "name": scoring.RUBRIC_NAME,
        "version": scoring.RUBRIC_VERSION,
        "values": {shown.value: value for shown, value in scoring.VALUES.items()},
        "weights": {
            "keyPoints": "equal within a question",
            "questions": {question_id: round(share / sum(shares), 3) for question_id, share in zip(counted, shares, strict=True)},
            "basis": "minutes of the questions that were assessed",
        },
        "arithmetic": scoring.weighted_arithmetic(scored) if overall is not None else None,
        "timeManagement": {
            "rule": f"Full from {low:.0%} to {high:.0%} of a question's minutes, falling to nothing at 0% and {scoring.SHARE_AT_ZERO:.0%}.",
            "arithmetic": scoring.weighted_arithmetic(_time_scores(assessments, clocks)) or None,
        },
        "bands": [asdict(band) for band in scoring.BANDS],
    }


def _clock(clock: QuestionClock) -> dict[str, Any]:
    return {
        "targetSeconds": clock.target_seconds,
        "seconds": clock.seconds,
        "share": clock.share,
        "speakingSeconds": clock.speaking_seconds,
        "words": clock.words,
        "wordsPerMinute": clock.words_per_minute,
        "responseSeconds": clock.response_seconds,
    }


def _clocks(clocks: Clocks) -> dict[str, Any]:
    return {
        "interviewSeconds": clocks.interview_seconds,
        "candidateSeconds": clocks.candidate_seconds,
        "interviewerSeconds": clocks.interviewer_seconds,
        "talkShare": clocks.talk_share,
        "words": clocks.words,
        "wordsPerMinute": clocks.words_per_minute,
        "fillers": dict(clocks.fillers),
        "fillersPerMinute": clocks.fillers_per_minute,
        "longPauses": [
            {"questionId": pause.question_id, "startMs": pause.start_ms, "seconds": pause.seconds} for pause in clocks.pauses
        ],
        "responseSeconds": clocks.response_seconds,
    }


def _line(turn: Turn) -> dict[str, Any]:
    return {
        "turnId": turn.id,
        "speaker": turn.speaker.value,
        "text": turn.text,
        "questionId": turn.question_id,
        "startMs": turn.start_ms,
        "endMs": turn.end_ms,
        "source": turn.source,
        "interrupted": turn.interrupted,
    }


def _setup(session: InterviewSession) -> dict[str, Any]:
    setup, names = session.setup, advice.Names(session.setup.type)
    return {
        "type": setup.type.value,
        "typeTitle": TYPES[setup.type].title,
        "difficulty": setup.difficulty.value,
        "difficultyTitle": DIFFICULTIES[setup.difficulty].title,
        "duration": setup.duration_minutes,
        "focusAreas": list(setup.focus_areas),
        "focusAreaTitles": [*(names.area(slug) for slug in setup.focus_areas), *setup.other_areas],
        "otherAreas": list(setup.other_areas),
        "specificRequirements": setup.specific_requirements,
        "language": setup.language,
        "voice": setup.voice.value,
        "pace": setup.pace.value,
        "followUpStyle": setup.follow_up_style.value,
        "mode": setup.mode.value,
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
    }
