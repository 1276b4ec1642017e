"""What happened in the interview besides talking, as marks on its time line: questions, tool calls, lost connections (M5).

The texts are ours alone: nothing a candidate or a model wrote is repeated here. Read next: `render`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.domain.events import (
    CursorMoved,
    EngineChanged,
    Event,
    HintGiven,
    InterviewEnded,
    LegEnded,
    LegStarted,
    QuestionAsked,
    ToolAnswered,
)
from bridge.domain.questions import Question

TOOLS = {
    "getFollowUpQuestion": "The interviewer asked what to follow up",
    "moveToNextQuestion": "The interviewer moved on",
}
AT_ONCE_MS = 10
ENDS = {"time": "The time was up", "abandoned": "Nobody came back"}


def timeline(questions: Sequence[Question], events: Sequence[Event]) -> list[dict[str, Any]]:
    """The marks in order of time: `{atMs, kind, questionId, text, tookMs}`."""
    numbers = {question.id: n for n, question in enumerate(questions, 1)}
    marks = [mark for event in events if (mark := _mark(event, numbers)) is not None]
    return sorted(marks, key=lambda mark: mark["atMs"])


def _mark(event: Event, numbers: dict[str, int]) -> dict[str, Any] | None:
    match event:
        case QuestionAsked(follow_up=0):
            return _made(event, "question", f"Question {event.n} of {event.of}", event.question_id)
        case QuestionAsked():
            return _made(event, "followUp", f"Follow-up to question {event.n}", event.question_id)
        case HintGiven() if event.question_id in numbers:
            return _made(event, "hint", f"Hint {event.n} on question {numbers[event.question_id]}", event.question_id)
        case CursorMoved(reason="skipped") if event.from_id in numbers:
            return _made(event, "skipped", f"Question {numbers[event.from_id]} skipped", event.from_id)
        case ToolAnswered():
            took = "at once" if event.took_ms < AT_ONCE_MS else f"in {event.took_ms} ms"
            text = f"{TOOLS.get(event.tool, 'A tool was used')}; answered {took}"
            return _made(event, "tool", text, event.question_id) | {"tookMs": event.took_ms}
        case EngineChanged():
            return _made(event, "engine", "Another voice took over")
        case LegStarted() if event.leg > 1:
            return _made(event, "connection", "Connected again")
        case LegEnded() if event.reason not in ("finished", "ended_by_candidate", "time"):
            return _made(event, "connection", "The connection was lost")
        case InterviewEnded():
            return _made(event, "end", ENDS.get(event.reason, "The interview ended"))
        case _:
            return None


def _made(event: Event, kind: str, text: str, question_id: str | None = None) -> dict[str, Any]:
    return {"atMs": event.at_ms, "kind": kind, "questionId": question_id, "text": text, "tookMs": None}
