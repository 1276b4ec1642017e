"""What happened besides talking, as marks on the time line (M5)."""

from __future__ import annotations

from bridge.domain.events import (
    CursorMoved,
    EngineChanged,
    InterviewEnded,
    LegEnded,
    LegStarted,
    Noted,
    QuestionAsked,
    ToolAnswered,
)
from reporting.timeline import timeline

from ..samples import QUESTIONS, asked, said


def test_marks_are_what_happened_in_order() -> None:
    """M5: questions, follow-ups, tool calls, engines and connections; words and notes are no marks."""
    events = [
        LegStarted(at_ms=0, leg=1, engine="vapi"),
        asked(1, 100),
        said("An answer.", 200, 900),
        ToolAnswered(at_ms=950, tool_call_id="c", tool="getFollowUpQuestion", question_id="q1", took_ms=120),
        QuestionAsked(at_ms=1000, question_id="q1", n=1, of=3, text="And then?", follow_up=1),
        LegEnded(at_ms=1500, leg=1, reason="lost"),
        LegStarted(at_ms=1600, leg=2, engine="vapi"),
        EngineChanged(at_ms=1700, from_engine="vapi", to_engine="local", reason="upstream"),
        Noted(at_ms=1750, code="gap"),
        CursorMoved(at_ms=1800, from_id="q1", to_id="q2", reason="skipped"),
        ToolAnswered(at_ms=1850, tool_call_id="d", tool="somethingElse", question_id="q2", took_ms=3),
        LegEnded(at_ms=1900, leg=2, reason="finished"),
        InterviewEnded(at_ms=2000, reason="time"),
    ]
    marks = timeline(QUESTIONS, events[::-1])

    assert [
        (100, "question", "Question 1 of 3"),
        (950, "tool", "The interviewer asked what to follow up; answered in 120 ms"),
        (1000, "followUp", "Follow-up to question 1"),
        (1500, "connection", "The connection was lost"),
        (1600, "connection", "Connected again"),
        (1700, "engine", "Another voice took over"),
        (1800, "skipped", "Question 1 skipped"),
        (1850, "tool", "A tool was used; answered at once"),
        (2000, "end", "The time was up"),
    ] == [(mark["atMs"], mark["kind"], mark["text"]) for mark in marks]
    assert ["q1", 120] == [marks[1]["questionId"], marks[1]["tookMs"]]


def test_nothing_anybody_wrote_is_repeated() -> None:
    """R-110: a follow-up's text, a tool's result and an end's reason stay where they are."""
    secret = "<b>secret</b>"
    events = [
        QuestionAsked(at_ms=1, question_id="q1", n=1, of=3, text=secret, follow_up=1),
        ToolAnswered(at_ms=2, tool_call_id=secret, tool=secret, question_id="q1", result={"x": secret}),
        CursorMoved(at_ms=3, from_id=secret, to_id=None, reason="skipped"),
        InterviewEnded(at_ms=4, reason=secret),
    ]
    marks = timeline(QUESTIONS, events)

    assert ["Follow-up to question 1", "A tool was used; answered at once", "The interview ended"] == [m["text"] for m in marks]
